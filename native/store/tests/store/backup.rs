//! Copies of a running store.

use std::fs;
use std::thread;

use pyflow_store::{StoreFault, backup_file};

use crate::picture::{Picture, all_turns};
use crate::scenes::{append_to, beside, fast_dir, fill, owner, wal_of};

#[test]
fn a_backup_opens_as_the_store_was() {
    let dir = fast_dir();
    let (path, copy) = (dir.path().join("flow.db"), dir.path().join("copy.db"));
    let mut log = owner(&path);
    fill(&mut *log);
    let before = Picture::of(&mut *log).expect("readable");

    let position = log.backup(&copy).expect("copied");
    append_to(&mut *log, 30);

    assert_eq!(position, 24);
    assert!(!wal_of(&copy).exists() && !beside(&copy, ".partial").exists());
    let mut restored = owner(&copy);
    assert_eq!(Picture::of(&mut *restored), Ok(before));
    restored.verify().expect("nothing is damaged");
    append_to(&mut *restored, 25);
}

#[test]
fn a_backup_is_never_written_over_a_file() {
    let dir = fast_dir();
    let copy = dir.path().join("copy.db");
    fs::write(&copy, b"dear").expect("written");
    let mut log = owner(&dir.path().join("flow.db"));

    let fault = log.backup(&copy).expect_err("it exists");

    assert!(matches!(fault, StoreFault::Refused { .. }), "{fault}");
    assert_eq!(fs::read(&copy).expect("readable"), b"dear");
}

#[test]
fn backups_on_another_thread_hold_what_was_there_when_they_began() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    append_to(&mut *log, 50);

    let copies = thread::scope(|scope| {
        let copies = scope.spawn(|| {
            let copy = |number: u32| {
                let dest = dir.path().join(format!("copy-{number}.db"));
                backup_file(&path, &dest).map(|position| (dest, position))
            };
            (0..5).map(copy).collect::<Result<Vec<_>, _>>()
        });
        append_to(&mut *log, 400);
        copies.join().expect("no panic").expect("copied")
    });

    for (dest, position) in copies {
        let mut restored = owner(&dest);
        assert_eq!(restored.head().map(|head| head.position), Ok(position));
        assert_eq!(all_turns(&mut *restored, 1).map(|turns| turns.len() as u64), Ok(position));
        assert!((50..=400).contains(&position));
    }
}
