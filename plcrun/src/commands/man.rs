//! `plcrun man [DIR]`: manual pages, made from the definition that reads the command line. The package installs them.
//!
//! `plcrun.1` is the command, `plcrun-NAME.1` a subcommand; hidden subcommands have no page.

use crate::args::{self, ManArgs};
use crate::exit::{Exit, Refusal};
use crate::files;
use crate::terminal::Console;
use clap_mangen::Man;

/// Writes the pages into a folder, or the main page to standard output.
///
/// # Errors
/// The folder or standard output cannot be written.
pub fn run(args: &ManArgs, console: &Console) -> Result<Exit, Refusal> {
    let pages = pages();
    match &args.folder {
        None => {
            let main = pages.first().map(|(_, text)| text.as_str()).unwrap_or_default();
            console.print(main)?;
        }
        Some(folder) => {
            for (name, text) in &pages {
                files::write_atomically(&folder.join(name), text.as_bytes())?;
            }
        }
    }
    Ok(Exit::Clean)
}

/// File name and text of each page, the command's own first.
fn pages() -> Vec<(String, String)> {
    let mut whole = args::definition();
    whole.build();
    let mut pages = vec![("plcrun.1".to_owned(), page(whole.clone()))];
    for command in whole.get_subcommands().filter(|c| !c.is_hide_set()) {
        let name = format!("plcrun-{}", command.get_name());
        pages.push((format!("{name}.1"), page(command.clone().version(env!("CARGO_PKG_VERSION")))));
    }
    pages
}

fn page(command: clap::Command) -> String {
    let mut text = Vec::new();
    // The page goes to memory, where nothing can fail.
    let _ = Man::new(command).manual("plcrun").render(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shown_command_has_a_page_with_its_options() {
        let pages = pages();
        let page = |name: &str| pages.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str());
        assert!(pages[0].0 == "plcrun.1" && pages[0].1.contains(".TH plcrun 1"));
        assert!(page("plcrun-run.1").unwrap().contains("\\-\\-virtual"));
        assert!(page("plcrun-run.1").unwrap().contains(".TH plcrun-run 1"));
        assert!(page("plcrun-doctor.1").unwrap().contains("\\-\\-state"));
        assert_eq!(page("plcrun-completions.1"), None);
    }
}
