//! Paths and files that cannot be a store.

use std::fs;
use std::path::Path;

use pyflow_store::StoreFault;

use crate::scenes::{append_to, beside, fast_dir, owner, try_owner, try_reader, wal_of};

fn sqlite_file(path: &Path, sql: &str) {
    let conn = rusqlite::Connection::open(path).expect("SQLite opens");
    conn.execute_batch(sql).expect("the statements run");
}

#[test]
fn a_missing_directory_is_told() {
    let dir = fast_dir();

    let fault = try_owner(&dir.path().join("none/flow.db")).expect_err("no directory");

    assert!(matches!(fault, StoreFault::PathUnusable { .. }), "{fault}");
    assert!(fault.to_string().contains("make the directory"), "{fault}");
}

#[test]
fn a_directory_is_no_store() {
    let dir = fast_dir();

    let fault = try_owner(dir.path()).expect_err("a directory");

    assert!(fault.to_string().contains("it is a directory"), "{fault}");
}

#[test]
fn a_file_with_two_names_is_refused_to_an_owner() {
    let dir = fast_dir();
    let (path, twin) = (dir.path().join("flow.db"), dir.path().join("twin.db"));
    let mut log = owner(&path);
    append_to(&mut *log, 1);
    log.close().expect("closed");
    fs::hard_link(&path, &twin).expect("linked");

    for name in [&path, &twin] {
        let fault = try_owner(name).expect_err("it has two names");

        assert!(matches!(fault, StoreFault::PathUnusable { .. }), "{fault}");
        assert!(fault.to_string().contains("2 names"), "{fault}");
    }
    fs::remove_file(twin).expect("removed");
    owner(&path);
}

#[test]
fn a_file_that_cannot_be_opened_is_not_told_to_be_closed() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    owner(&path).close().expect("closed");
    for ending in [".lock", "-wal"] {
        let file = beside(&path, ending);
        let _ = fs::remove_file(&file);
        // To itself: no rights of the one who runs the test lead through it.
        std::os::unix::fs::symlink(&file, &file).expect("linked");

        let fault = try_owner(&path).expect_err("it cannot be opened");

        assert!(matches!(fault, StoreFault::Refused { .. }), "{fault}");
        assert!(!fault.to_string().contains("close the store"), "{fault}");
        fs::remove_file(&file).expect("removed");
    }
}

#[test]
fn a_main_file_that_was_emptied_beside_its_write_ahead_log_is_damage() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    append_to(&mut *log, 3);
    drop(log); // As where its process is killed.
    fs::write(&path, []).expect("emptied");

    for opened in [try_owner(&path), try_reader(&path)] {
        let fault = opened.expect_err("it is empty");
        assert_eq!(fault.code(), "PF2003", "{fault}");
    }
}

#[test]
fn a_reader_creates_nothing() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");

    let fault = try_reader(&path).expect_err("no store");

    assert!(matches!(fault, StoreFault::Missing { .. }), "{fault}");
    assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0);
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let dir = fast_dir();
    for (name, sql) in [
        ("other.db", "CREATE TABLE t(x)"),
        ("theirs.db", "PRAGMA application_id = 77; CREATE TABLE t(x)"),
    ] {
        let path = dir.path().join(name);
        sqlite_file(&path, sql);
        let before = fs::read(&path).expect("readable");

        let fault = try_owner(&path).expect_err("not ours");

        assert!(matches!(fault, StoreFault::NotAStore { .. }), "{fault}");
        assert_eq!(fs::read(&path).expect("readable"), before);
    }
}

#[test]
fn a_file_that_is_not_sqlite_is_no_store() {
    let dir = fast_dir();
    for (name, bytes) in
        [("text.db", &b"hello, this is a letter and no store".repeat(40)[..]), ("empty.db", b"")]
    {
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("written");

        for outcome in [try_owner(&path), try_reader(&path)] {
            let fault = outcome.expect_err("not a store");
            assert!(matches!(fault, StoreFault::NotAStore { .. }), "{name}: {fault}");
        }
    }
}

#[test]
fn a_newer_format_is_told() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    owner(&path).close().expect("closed");
    sqlite_file(&path, "PRAGMA user_version = 9");

    let fault = try_owner(&path).expect_err("a newer format");

    assert_eq!(fault, StoreFault::FormatUnknown { path, found: 9, known: 1 });
}

#[test]
fn a_store_survives_a_vacuum_by_hand() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    append_to(&mut *log, 3);
    log.close().expect("closed");
    sqlite_file(&path, "VACUUM");

    let mut log = owner(&path);

    append_to(&mut *log, 4);
    log.verify().expect("nothing is damaged");
}

#[test]
fn a_log_without_its_main_file_is_not_taken_for_a_new_store() {
    let dir = fast_dir();
    let (path, other) = (dir.path().join("flow.db"), dir.path().join("other.db"));
    let mut log = owner(&path);
    append_to(&mut *log, 3);
    fs::copy(wal_of(&path), wal_of(&other)).expect("copied");

    let fault = try_owner(&other).expect_err("half a store");

    assert_eq!(fault.code(), "PF2003", "{fault}");
    assert!(!other.exists() && wal_of(&other).exists());
}

#[test]
fn a_creation_that_was_cut_off_is_begun_again() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    fs::write(beside(&path, ".new"), b"half a file").expect("written");

    let mut log = owner(&path);

    append_to(&mut *log, 1);
    assert!(!beside(&path, ".new").exists());
}

#[test]
fn a_clean_close_leaves_one_file_that_a_read_only_medium_can_serve() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    append_to(&mut *log, 3);

    log.close().expect("closed");

    assert!(!wal_of(&path).exists());
    let mut reader = try_reader(&path).expect("the reader opens");
    assert_eq!(reader.read(1, 10_000).map(|turns| turns.len()), Ok(3));
}
