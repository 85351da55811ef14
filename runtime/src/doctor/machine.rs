//! Where facts come from: files, device nodes, and two system calls.

use gpio_cdev::Chip;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A device node, file or folder as far as permission goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Room on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes an ordinary user may still write.
    pub free_bytes: u64,
    /// Size of the file system.
    pub total_bytes: u64,
}

/// What a GPIO chip said about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipAnswer {
    /// Its label, such as `pinctrl-bcm2835`.
    pub label: String,
    /// Number of its lines.
    pub lines: u32,
    /// It answers in version 1 of the interface.
    pub version1: bool,
}

/// A machine to ask. Paths are absolute as that machine sees them.
pub trait Machine {
    /// The text of a file; `None` where there is none or this user may not read it.
    fn text(&self, path: &str) -> Option<String>;
    /// The names in a folder, sorted; none where there is no such folder.
    fn names(&self, folder: &str) -> Vec<String>;
    /// The path with all links followed.
    fn resolve(&self, path: &str) -> Option<String>;
    /// Permission of a path.
    fn node(&self, path: &str) -> Option<Node>;
    /// Room on the file system of a path.
    fn space(&self, path: &str) -> Option<Space>;
    /// Asks a GPIO chip about itself; requests no line.
    ///
    /// # Errors
    /// The system's own words.
    fn chip(&self, path: &str) -> Result<ChipAnswer, String>;
}

/// Longest text read: the files of the kernel are far shorter; one that grows without end must not fill the memory.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// The machine this runs on, or one whose files stand under another root.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
}

impl Default for Host {
    fn default() -> Self {
        Self::at(Path::new("/"))
    }
}

impl Host {
    /// The machine whose files stand under `root`.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

impl Machine for Host {
    fn text(&self, path: &str) -> Option<String> {
        let path = self.path(path);
        // Opening a pipe would wait for its writer, and opening a watchdog would start it.
        if !fs::metadata(&path).ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        fs::File::open(path).ok()?.take(TEXT_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    fn resolve(&self, path: &str) -> Option<String> {
        let root = fs::canonicalize(&self.root).ok()?;
        let real = fs::canonicalize(self.path(path)).ok()?;
        let inside = real.strip_prefix(root).ok()?;
        Some(format!("/{}", inside.display()))
    }

    fn node(&self, path: &str) -> Option<Node> {
        let metadata = fs::metadata(self.path(path)).ok()?;
        Some(Node { mode: metadata.mode() & 0o7777, uid: metadata.uid(), gid: metadata.gid() })
    }

    fn space(&self, path: &str) -> Option<Space> {
        let figures = rustix::fs::statvfs(self.path(path)).ok()?;
        Some(Space {
            free_bytes: figures.f_bavail.saturating_mul(figures.f_frsize),
            total_bytes: figures.f_blocks.saturating_mul(figures.f_frsize),
        })
    }

    fn chip(&self, path: &str) -> Result<ChipAnswer, String> {
        let mut chip = Chip::new(self.path(path)).map_err(|e| e.to_string())?;
        let (label, lines) = (chip.label().to_owned(), chip.num_lines());
        // The question about a line is of version 1; that about the chip is the same in both.
        let version1 = lines == 0 || chip.get_line(0).and_then(|line| line.info()).is_ok();
        Ok(ChipAnswer { label, lines, version1 })
    }
}

/// The last part of a path.
pub(super) fn last_part(path: &str) -> String {
    Path::new(path).file_name().unwrap_or(OsStr::new("")).to_string_lossy().into_owned()
}

/// The folder a path stands in; `/` for the root itself.
pub(super) fn folder_of(path: &str) -> String {
    Path::new(path).parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_reads_below_its_root_and_follows_links() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fs::write(root.path().join("a/b/c"), "text\n").unwrap();
        std::os::unix::fs::symlink("b", root.path().join("a/link")).unwrap();
        let host = Host::at(root.path());
        assert_eq!(host.text("/a/b/c").as_deref(), Some("text\n"));
        assert_eq!(host.text("/a/b"), None);
        assert_eq!(host.names("/a"), ["b", "link"]);
        assert_eq!(host.resolve("/a/link/c").as_deref(), Some("/a/b/c"));
        assert_eq!(host.names("/nothing"), Vec::<String>::new());
        assert!(host.space("/a").is_some_and(|s| s.total_bytes >= s.free_bytes));
        assert!(host.chip("/a/b/c").is_err());
        assert_eq!(last_part("/sys/bus/x"), "x");
        assert_eq!(folder_of("/sys"), "/");
    }
}
