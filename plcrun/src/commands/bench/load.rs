//! Load: processes of the ordinary class that keep the box busy while wake-up latency is measured.
//!
//! Processes and not threads, because what shares an address space with the scan disturbs it in ways a neighbour cannot. Each ends
//! when its standard input does, so none is left over whatever becomes of this process.

use crate::args::LoadKind;
use crate::exit::{Exit, Refusal};
use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Bytes a memory load fills and copies at a time: more than the caches of small boxes.
const MEMORY_BYTES: usize = 32 * 1024 * 1024;
/// Bytes an I/O load writes before it waits for the medium, and how often before it begins anew.
const BLOCK_BYTES: usize = 1024 * 1024;
const BLOCKS: u32 = 64;

/// How long a load runs before it is measured under: caches of the medium fill, and both measurements see the same.
const WARM_UP: Duration = Duration::from_secs(2);

/// The processes of a load. Dropping it ends them.
#[derive(Debug, Default)]
pub struct Load(Vec<Child>);

impl Load {
    /// Starts a process for each CPU and lets them get going.
    ///
    /// # Errors
    /// A process cannot be had.
    pub fn start(kind: LoadKind) -> Result<Self, Refusal> {
        let mut load = Self::default();
        if kind == LoadKind::None {
            return Ok(load);
        }
        let failed = |e: std::io::Error| {
            Refusal::findings(format!("the load cannot be started: {e}"), "look at the limit of processes of this user")
        };
        let own = std::env::current_exe().map_err(failed)?;
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let mut command = Command::new(&own);
            command.args(["bench", "--as-load", kind.name()]).stdin(Stdio::piped()).stdout(Stdio::null());
            load.0.push(command.spawn().map_err(failed)?);
        }
        std::thread::sleep(WARM_UP);
        Ok(load)
    }

    /// How many processes.
    #[must_use]
    pub const fn processes(&self) -> usize {
        self.0.len()
    }

    /// How many of them are still at it.
    pub fn alive(&mut self) -> usize {
        self.0.iter_mut().filter_map(|child| child.try_wait().ok()).filter(Option::is_none).count()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Is a load until standard input ends. Does not return otherwise, but for an I/O load that cannot write.
///
/// # Errors
/// Files cannot be written.
pub fn be(kind: LoadKind) -> Result<Exit, Refusal> {
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        // An error ends it as the end does.
        let _ = std::io::stdin().read_to_end(&mut rest);
        std::process::exit(0);
    });
    match kind {
        LoadKind::None => Ok(Exit::Clean),
        LoadKind::Cpu => calculate(),
        LoadKind::Memory => move_memory(),
        LoadKind::Io => {
            let failed = |e: std::io::Error| Refusal::findings(format!("the load cannot write files: {e}"), "");
            write_files(&std::env::temp_dir()).map_err(failed)
        }
    }
}

fn calculate() -> ! {
    let mut value = 1_u64;
    loop {
        value = black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

fn move_memory() -> ! {
    let mut round = 0_u8;
    loop {
        round = round.wrapping_add(1);
        // Given back in each round: page faults are what a neighbour's memory costs.
        let mut from = vec![round; MEMORY_BYTES];
        let to = black_box(&mut from).clone();
        black_box(to);
    }
}

/// A file without a name, so that nothing is left over.
fn write_files(folder: &Path) -> std::io::Result<Exit> {
    let path = folder.join(format!("plcrun-load-{}", std::process::id()));
    let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    let block = vec![0x5A; BLOCK_BYTES];
    loop {
        for _ in 0..BLOCKS {
            file.write_all(&block)?;
            file.sync_data()?;
        }
        file.set_len(0)?;
        file.rewind()?;
    }
}
