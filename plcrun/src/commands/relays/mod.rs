//! `plcrun relays`: what the guard knows of each channel before anything is energised, and what its relay has done so far.
//!
//! Times are those the guard waits, with bounce, actuator and margin; they stand in `docs/relays.md`, chapter by chapter. Counts
//! come from the retained store of the program's state directory, through its control socket while it runs.

mod machine;
mod text;
mod wear;

use crate::args::RelaysArgs;
use crate::exit::{Exit, Refusal};
use crate::project;
use crate::state_dir;
use crate::terminal::Console;
use crate::{files, iomap};
use runtime::config::IoMap;
use runtime::config::files::Disk;
use runtime::state::{StateDir, Surroundings};
use runtime::store::{Document, Moment};
use wear::ChannelWear;

/// Lists the channels of the program's map.
///
/// # Errors
/// The program or the map has errors, or there is no map.
pub fn run(args: &RelaysArgs, console: &Console) -> Result<Exit, Refusal> {
    let origin = iomap::find(args.io.as_deref(), &args.files);
    iomap::must_exist(&origin)?;
    if origin == iomap::Origin::None {
        let first = args.files.first().map(|p| files::shown(p)).unwrap_or_default();
        return Err(Refusal::wrong_use(
            format!("{first} has no I/O map beside it, so no channel has a relay"),
            "name one with `--io`",
        ));
    }
    let project = project::load(&args.files, console)?;
    let map = iomap::required_at(&origin, project.image.image(), None, &Disk, console)?;
    let (counts, unread) = match counts(args) {
        Ok(counts) => (counts, None),
        Err(refused) => (Counts::Unread, Some(refused)),
    };
    let plated =
        |name: &str| map.sheets.iter().any(|sheet| sheet.name.eq_ignore_ascii_case(name) && sheet.gold_limit.is_some());
    let today = Moment::now().day();
    let wear = counts.document().map(|document| ChannelWear::all(&map.channels, document, today, plated));
    let report = Report { map: &map, counts: &counts, wear };
    console.print(&if args.json { machine::object(&report) } else { text::listing(&report) })?;
    match unread {
        // The listing is still worth having; that its counts are missing is a finding.
        Some(refused) => {
            console.refusal(&refused);
            Ok(refused.exit)
        }
        None => Ok(Exit::Clean),
    }
}

/// Everything that is listed.
struct Report<'a> {
    map: &'a IoMap,
    counts: &'a Counts,
    /// One for each channel, where counts are to be had.
    wear: Option<Vec<ChannelWear>>,
}

/// Where the counts come from.
enum Counts {
    /// A run of this program would keep nothing.
    NoPlace,
    /// The program has not run on its state directory yet.
    NotYet(StateDir),
    /// What its store holds.
    Kept(StateDir, Box<Document>),
    /// The store is there and cannot be read.
    Unread,
}

impl Counts {
    fn document(&self) -> Option<&Document> {
        match self {
            Self::Kept(_, document) => Some(document),
            Self::NoPlace | Self::NotYet(_) | Self::Unread => None,
        }
    }
}

fn counts(args: &RelaysArgs) -> Result<Counts, Refusal> {
    let directory = match &args.state {
        Some(path) => Some(StateDir::at(path)),
        None => state_dir::of_program(&args.files, args.io.as_deref(), &Surroundings::of_this_process())?,
    };
    let Some(directory) = directory else { return Ok(Counts::NoPlace) };
    if !directory.store().exists() {
        return Ok(Counts::NotYet(directory));
    }
    let document = state_dir::document(&directory)?;
    Ok(Counts::Kept(directory, Box::new(document)))
}
