use super::*;
use bytecode::types::Elementary;
use std::os::unix::fs::PermissionsExt;

fn value(path: &str, bits: u64) -> StoredValue {
    StoredValue { path: path.to_owned(), elementary: Elementary::Dint, bits, persistent: false, fingerprint: 9 }
}

fn some_rows() -> Vec<Change> {
    let channel = RetainedChannel { name: "Fwd".to_owned(), ..RetainedChannel::default() };
    let entry = LogEntry { number: 1, code: "F01".to_owned(), ..LogEntry::default() };
    vec![
        Change::Value("main.n".to_owned(), Some(value("main.N", 7))),
        Change::ValueAside("main.old".to_owned(), Some(value("main.old", 8))),
        Change::Channel("fwd".to_owned(), Some(channel.clone())),
        Change::ChannelAside("gone".to_owned(), Some(channel)),
        Change::Log(1, Some(Box::new(entry))),
        Change::LogDropped(3),
        Change::Day("fwd".to_owned(), 20_780, Some(12)),
        Change::Program("main".to_owned()),
        Change::SinceDay(20_700),
    ]
}

fn written(folder: &Path) -> PathBuf {
    let path = folder.join("retained.redb");
    let (file, document) = StoreFile::open(&path).unwrap();
    assert_eq!(document, Document::default());
    file.commit(&some_rows(), &Moment::now()).unwrap();
    path
}

#[test]
fn what_was_committed_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let (file, document) = StoreFile::open(&path).unwrap();
    assert_eq!(document.values["main.n"], value("main.N", 7));
    assert_eq!(document.values_aside.len() + document.channels_aside.len(), 2);
    assert_eq!((document.channels["fwd"].name.as_str(), document.log[0].code.as_str()), ("Fwd", "F01"));
    assert_eq!((document.log_dropped, document.days["fwd"][&20_780]), (3, 12));
    assert_eq!((document.program.as_str(), document.since_day), ("main", Some(20_700)));
    assert!(document.saved.is_some());
    file.commit(&[Change::Value("main.n".to_owned(), None), Change::Log(1, None)], &Moment::now()).unwrap();
    let document = file.load().unwrap();
    assert!(document.values.is_empty() && document.log.is_empty());
}

#[test]
fn every_damage_is_told_and_none_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    // Some bytes of every page (1021 is prime, so that each page is hit elsewhere), and cuts at every fourth page.
    let used = whole.iter().rposition(|b| *b != 0).unwrap();
    for at in (0..used).step_by(1021) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&path, &bytes).unwrap();
        match StoreFile::open(&path) {
            // The byte stood in an unused place.
            Ok((_, document)) => assert!(document.values.get("main.n").is_none_or(|v| *v == value("main.N", 7))),
            Err(e) => {
                refused += 1;
                assert!(matches!(e.code, StoreCode::Damaged | StoreCode::OtherVersion), "{at}: {e}");
            }
        }
    }
    assert!(refused > 5, "{refused}");
    for length in (1..whole.len()).step_by(4 * 4096) {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = StoreFile::open(&path).unwrap_err();
        assert_eq!(error.code, StoreCode::Damaged, "{length}: {error}");
    }
    std::fs::write(&path, "this is no database at all, it is a letter to somebody\n".repeat(200)).unwrap();
    assert_eq!(StoreFile::open(&path).unwrap_err().code, StoreCode::Damaged);
}

#[test]
fn a_damaged_file_is_kept_aside_only_where_the_policy_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("retained.redb");
    std::fs::write(&path, "not a store").unwrap();
    let refused = open(&path, OnDamage::Refuse).unwrap_err();
    assert_eq!(refused.code, StoreCode::Damaged);
    assert_eq!(std::fs::read(&path).unwrap(), b"not a store");
    let opened = open(&path, OnDamage::Cold).unwrap();
    let warning = opened.warning.unwrap();
    assert_eq!((warning.code, opened.document), (StoreCode::DamagedAside, Document::default()));
    let aside = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path());
    let aside: Vec<_> = aside.filter(|p| p.to_string_lossy().contains(".bad-20")).collect();
    assert_eq!(std::fs::read(&aside[0]).unwrap(), b"not a store");
    assert!(warning.detail.contains(aside[0].to_str().unwrap()), "{warning}");
}

#[test]
fn another_format_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let database = Database::create(&path).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(META).unwrap().insert("format", 99_u64.to_le_bytes().as_slice()).unwrap();
    write.commit().unwrap();
    drop(database);
    let error = open(&path, OnDamage::Cold).unwrap_err();
    assert_eq!(error.code, StoreCode::OtherVersion);
    assert!(error.to_string().contains("format is 99"), "{error}");
}

#[test]
fn a_file_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let (_file, _) = StoreFile::open(&path).unwrap();
    assert_eq!(StoreFile::open(&path).unwrap_err().code, StoreCode::Locked);
}

#[test]
fn a_folder_that_is_not_there_or_not_writable_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = StoreFile::open(&folder.path().join("none/retained.redb")).unwrap_err();
    assert_eq!(error.code, StoreCode::Unopenable);
    let path = written(folder.path());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    if !rustix::process::geteuid().is_root() {
        assert_eq!(StoreFile::open(&path).unwrap_err().code, StoreCode::Unopenable);
    }
}
