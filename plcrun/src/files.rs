//! Reading and writing files, with errors that name the path, the cause and the remedy.
//!
//! Written files appear whole or not at all: a temporary file beside the target is filled, synced and renamed over it.

use crate::exit::Refusal;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Largest file that is read at all. The largest image (2^24 instructions of 20 bytes, 64 MiB of data) stays below; the
/// compiler's own limit for a source file is smaller and named by its diagnostic.
pub const FILE_BYTES_MAX: u64 = 512 << 20;

/// A path as messages show it.
#[must_use]
pub fn shown(path: &Path) -> String {
    format!("`{}`", path.display())
}

/// The bytes of a file.
///
/// # Errors
/// There is none, it is no ordinary file, it may not be read, or it is too large.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Refusal> {
    let unreadable = |e: &io::Error| unreadable(path, e);
    let metadata = fs::metadata(path).map_err(|e| unreadable(&e))?;
    if metadata.is_dir() {
        return Err(Refusal::wrong_use(format!("{} is a folder", shown(path)), "name a file in it"));
    }
    // A device never ends, and opening a pipe waits for its writer.
    if !metadata.is_file() {
        return Err(Refusal::wrong_use(
            format!("{} is a device or pipe, not a file", shown(path)),
            "write the text to a file first",
        ));
    }
    let mut bytes = Vec::new();
    // The limit is on what is really read: a file may be growing, and those of /proc say that they are empty.
    let mut limited = File::open(path).map_err(|e| unreadable(&e))?.take(FILE_BYTES_MAX + 1);
    limited.read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let mib = FILE_BYTES_MAX >> 20;
        return Err(Refusal::wrong_use(
            format!("{} is larger than {mib} MiB", shown(path)),
            "no program or image is that large: check the name",
        ));
    }
    Ok(bytes)
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "the system's enum: the kinds named are those with a remedy of their own"
)]
fn unreadable(path: &Path, error: &io::Error) -> Refusal {
    let (what, help) = match error.kind() {
        ErrorKind::NotFound => ("there is no such file".to_owned(), "check the name and the folder"),
        ErrorKind::PermissionDenied => {
            ("this user may not read it".to_owned(), "give this user read permission, for example with `chmod a+r`")
        }
        _ => (error.to_string(), "check the file and the medium it is on"),
    };
    Refusal::wrong_use(format!("{} cannot be read: {what}", shown(path)), help)
}

/// Bytes as text.
///
/// # Errors
/// They are not UTF-8; says where, and names UTF-16, which some editors write.
pub fn text_of(path: &Path, bytes: Vec<u8>) -> Result<String, Refusal> {
    String::from_utf8(bytes).map_err(|e| {
        let valid = e.utf8_error().valid_up_to();
        let bytes = e.as_bytes();
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Refusal::wrong_use(
                format!("{} is UTF-16 text", shown(path)),
                "save it as UTF-8, for example with `iconv -f UTF-16 -t UTF-8`",
            );
        }
        let line = bytes.iter().take(valid).filter(|b| **b == b'\n').count() + 1;
        Refusal::wrong_use(
            format!("{} is not UTF-8 text: byte {} in line {line} does not fit", shown(path), valid + 1),
            "save it as UTF-8; an older file may be Latin-1: `iconv -f ISO-8859-1 -t UTF-8`",
        )
    })
}

/// The text of a file.
///
/// # Errors
/// As [`read_bytes`] and [`text_of`].
pub fn read_text(path: &Path) -> Result<String, Refusal> {
    text_of(path, read_bytes(path)?)
}

/// All of standard input as text.
///
/// # Errors
/// As [`text_of`], and read errors.
pub fn read_stdin() -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    let name = Path::new("<standard input>");
    io::stdin().lock().take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(|e| unreadable(name, &e))?;
    text_of(name, bytes)
}

/// An output that is one of the files read would destroy it.
///
/// # Errors
/// `output` is one of `inputs`, by whatever name.
pub fn refuse_overwriting<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<(), Refusal> {
    // A file that does not exist yet is none of those read.
    let Ok(real) = fs::canonicalize(output) else { return Ok(()) };
    if inputs.into_iter().any(|input| fs::canonicalize(input).is_ok_and(|input| input == real)) {
        return Err(Refusal::wrong_use(
            format!("{} is read by this command and would be overwritten", shown(output)),
            "name another file to write to",
        ));
    }
    Ok(())
}

/// Writes a file whole or not at all. An existing file keeps its permissions; through a symbolic link its target is
/// replaced; a device or pipe is written to directly.
///
/// # Errors
/// Says why the path cannot be written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    replace(path, bytes).map_err(|e| unwritable(path, &e))
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "the system's enum: the kinds named are those with a remedy of their own"
)]
fn unwritable(path: &Path, error: &io::Error) -> Refusal {
    let (what, help) = match error.kind() {
        ErrorKind::NotFound => ("the folder does not exist".to_owned(), "create the folder first"),
        ErrorKind::PermissionDenied => {
            ("this user may not write there".to_owned(), "choose another place, or give this user write permission")
        }
        ErrorKind::IsADirectory => ("it is a folder".to_owned(), "name a file in it"),
        ErrorKind::StorageFull => ("the disk is full".to_owned(), "make room first; nothing was changed"),
        _ => (error.to_string(), "nothing was changed"),
    };
    Refusal::wrong_use(format!("{} cannot be written: {what}", shown(path)), help)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Through a link, so that the link stays one. A path that does not exist yet cannot be resolved and needs not be.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let existing = fs::metadata(&target).ok();
    if existing.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(ErrorKind::IsADirectory.into());
    }
    if existing.as_ref().is_some_and(|m| !m.is_file()) {
        return OpenOptions::new().write(true).open(&target)?.write_all(bytes);
    }
    let temporary = temporary_beside(&target)?;
    let result = fill(&temporary, bytes, existing.as_ref()).and_then(|()| fs::rename(&temporary, &target));
    if result.is_err() {
        // The first error is the one to tell; a leftover temporary file is harmless.
        let _ = fs::remove_file(&temporary);
        return result;
    }
    // The rename itself survives a power loss only once the folder is synced. Some file systems cannot: no error.
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// A name in the same folder, so that the rename does not cross file systems; hidden, and this process's own.
fn temporary_beside(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(ErrorKind::IsADirectory)?.to_string_lossy();
    Ok(target.with_file_name(format!(".{name}.{}.tmp", std::process::id())))
}

fn fill(temporary: &Path, bytes: &[u8], existing: Option<&fs::Metadata>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(temporary)?;
    file.write_all(bytes)?;
    if let Some(existing) = existing {
        file.set_permissions(existing.permissions())?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_missing_file_a_folder_and_foreign_bytes_are_named() {
        let missing = read_bytes(Path::new("no/such.ld")).unwrap_err();
        assert!(missing.what.contains("`no/such.ld` cannot be read: there is no such file"), "{missing}");
        assert!(read_bytes(Path::new("/")).unwrap_err().what.contains("is a folder"));
        assert!(read_bytes(Path::new("/dev/zero")).unwrap_err().what.contains("is a device or pipe"));
        let latin = text_of(Path::new("a.st"), b"ab\nc\xE4".to_vec()).unwrap_err();
        assert!(latin.what.contains("byte 5 in line 2"), "{latin}");
        let utf16 = text_of(Path::new("a.st"), b"\xFF\xFEP\0".to_vec()).unwrap_err();
        assert!(utf16.what.contains("UTF-16"), "{utf16}");
    }

    #[test]
    fn a_written_file_keeps_permissions_and_link_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.ld");
        let link = folder.path().join("b.ld");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_atomically(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_is_read_is_not_written_under_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.ld");
        fs::write(&file, "text").unwrap();
        let detour = folder.path().join(".").join("a.ld");
        assert!(refuse_overwriting(&detour, [file.as_path()]).unwrap_err().what.contains("would be overwritten"));
        assert!(refuse_overwriting(&folder.path().join("new"), [file.as_path()]).is_ok());
    }

    #[test]
    fn a_folder_that_does_not_exist_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = write_atomically(&folder.path().join("no/x.plcb"), b"").unwrap_err();
        assert!(refused.what.contains("the folder does not exist"), "{refused}");
        assert!(write_atomically(folder.path(), b"").unwrap_err().what.contains("it is a folder"));
    }
}
