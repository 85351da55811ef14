//! `plcrun build`: sources in, one image out. The same sources always give the same bytes.

use crate::args::BuildArgs;
use crate::exit::{Exit, Refusal};
use crate::terminal::Console;
use crate::{files, project};
use std::path::{Path, PathBuf};

/// Compiles, verifies and writes.
///
/// # Errors
/// The sources have errors, or a file cannot be read or written.
pub fn run(args: &BuildArgs, console: &Console) -> Result<Exit, Refusal> {
    let input = project::read(&args.files)?;
    if let project::Input::Image { path, .. } = &input {
        return Err(Refusal::wrong_use(
            format!("{} is an image already", files::shown(path)),
            "name source files, or run the image with `plcrun`",
        ));
    }
    let output = match &args.output {
        Some(path) => path.clone(),
        None => default_output(args.files.first().map_or(Path::new("program"), PathBuf::as_path)),
    };
    files::refuse_overwriting(&output, args.files.iter().map(PathBuf::as_path))?;
    let project = project::load_input(input, console)?;
    let bytes = bytecode::wire::encode(project.image.image())
        .map_err(|e| Refusal::findings(format!("the image cannot be written: {e}"), "split the program"))?;
    files::write_atomically(&output, &bytes)?;
    // A message, not a result: the image itself may go to standard output.
    console.message(&format!(
        "wrote {}: {} bytes, {} instructions, {} bytes of data\n",
        output.display(),
        bytes.len(),
        project.image.code.len(),
        project.image.data.size
    ));
    Ok(Exit::Clean)
}

fn default_output(first: &Path) -> PathBuf {
    first.with_extension("plcb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_stands_beside_the_first_source() {
        assert_eq!(default_output(Path::new("programs/pumps.st")), Path::new("programs/pumps.plcb"));
    }
}
