//! The only place where configuration is read from files. Everything else works on text, so that it can be tested and
//! fuzzed without a file system.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Text by path, as far as configuration needs it.
pub trait Files {
    /// The text of the file, or a sentence that says why it cannot be had.
    ///
    /// # Errors
    /// One plain sentence, such as `there is no such file`.
    fn read(&self, path: &Path) -> Result<String, String>;
}

/// Longest file read at all: 4 MiB, as much as the largest format (a timeline file) allows. Maps and data sheets have a
/// smaller limit of their own.
pub const FILE_BYTES_MAX: usize = 4 << 20;

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<String, String> {
        let metadata = std::fs::metadata(path).map_err(|e| explain(&e))?;
        if metadata.is_dir() {
            return Err("this is a folder, not a file".to_owned());
        }
        // A device never ends, and opening a pipe waits for its writer.
        if !metadata.is_file() {
            return Err("this is a device or pipe, not a file".to_owned());
        }
        let most = FILE_BYTES_MAX;
        // What is read is limited, not what the length says: files of /proc say 0, and a file may be growing.
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(|e| explain(&e))?;
        file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|e| explain(&e))?;
        if bytes.len() > most {
            return Err(format!("the file is longer than {most} bytes, the most that is read"));
        }
        String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the system's list of errors is open-ended; its own words serve for the rest"
)]
fn explain(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        _ => error.to_string(),
    }
}

/// Texts in memory, for tests and for editors that have not saved yet.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// Text by path.
    pub files: BTreeMap<PathBuf, String>,
}

impl Texts {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }
}

impl Files for Texts {
    fn read(&self, path: &Path) -> Result<String, String> {
        self.files.get(path).cloned().ok_or_else(|| "there is no such file".to_owned())
    }
}

/// One file as it was read before, the rest from elsewhere: whoever reads it again reads the same.
pub struct Kept<'f> {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Where the others are read.
    pub others: &'f dyn Files,
}

impl Files for Kept<'_> {
    fn read(&self, path: &Path) -> Result<String, String> {
        if path == self.path { Ok(self.text.clone()) } else { self.others.read(path) }
    }
}

/// `relative` as seen from the folder of `file`, with `.` and resolvable `..` taken out.
#[must_use]
pub fn beside(file: &Path, relative: &str) -> PathBuf {
    let joined = file.parent().unwrap_or_else(|| Path::new("")).join(relative);
    let mut out = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            Component::ParentDir | Component::Normal(_) | Component::RootDir | Component::Prefix(_) => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_start_at_the_map() {
        assert_eq!(beside(Path::new("io-config/a.yaml"), "relays/x.yaml"), Path::new("io-config/relays/x.yaml"));
        assert_eq!(beside(Path::new("programs/a.io.yaml"), "../io-config/x.yaml"), Path::new("io-config/x.yaml"));
        assert_eq!(beside(Path::new("a.yaml"), "../x.yaml"), Path::new("../x.yaml"));
        assert_eq!(beside(Path::new("a.yaml"), "/etc/x.yaml"), Path::new("/etc/x.yaml"));
    }

    #[test]
    fn a_missing_file_and_a_folder_are_explained() {
        assert_eq!(Disk.read(Path::new("no/such/file")), Err("there is no such file".to_owned()));
        assert!(Disk.read(Path::new("/")).unwrap_err().contains("folder"));
        assert!(Disk.read(Path::new("/dev/zero")).unwrap_err().contains("device"));
    }

    #[test]
    fn a_file_that_is_too_long_or_no_text_is_explained() {
        let name = |what: &str| std::env::temp_dir().join(format!("plcrun-files-{}-{what}", std::process::id()));
        let (long, binary) = (name("long"), name("binary"));
        std::fs::write(&long, vec![b'#'; FILE_BYTES_MAX + 1]).unwrap();
        std::fs::write(&binary, [0xFF, 0xFE]).unwrap();
        let (too_long, no_text) = (Disk.read(&long), Disk.read(&binary));
        std::fs::remove_file(long).unwrap();
        std::fs::remove_file(binary).unwrap();
        assert!(too_long.unwrap_err().contains("longer than 4194304 bytes"));
        assert_eq!(no_text, Err("it is not UTF-8 text".to_owned()));
    }
}
