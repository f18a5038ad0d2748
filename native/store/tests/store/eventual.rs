//! Turns that are not synced before they complete.

use std::fs;
use std::time::{Duration, Instant};

use pyflow_store::{Completion, Log, Turn};

use crate::scenes::{append_to, fast_dir, owner, submit, turn};

fn submit_unsynced(log: &mut dyn Log, last: u64) {
    let epoch = log.epoch();
    for position in log.head().expect("readable").position + 1..=last {
        let unsynced = Turn { sync: false, ..turn(position, epoch) };
        assert_eq!(submit(log, unsynced), Completion::Durable { position });
    }
}

#[test]
fn unsynced_and_synced_turns_mix_and_all_come_back() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);

    submit_unsynced(&mut *log, 50);
    append_to(&mut *log, 51);
    submit_unsynced(&mut *log, 80);
    log.close().expect("closed");

    let mut log = owner(&path);
    assert_eq!(log.head().map(|head| head.position), Ok(80));
    log.verify().expect("nothing is damaged");
}

#[test]
fn a_synced_commit_tells_how_far_the_background_sync_has_come() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    submit_unsynced(&mut *log, 3);

    // Not a measure of time: it ends when the thread has done its work, and fails if it never does.
    let began = Instant::now();
    while !last_frame_tells_synced(&mut *log, &path) {
        assert!(began.elapsed() < Duration::from_secs(20), "the sync never came");
    }
}

/// Appends without a sync; the head that this writes tells whether a commit of before has been synced meanwhile.
fn last_frame_tells_synced(log: &mut dyn Log, path: &std::path::Path) -> bool {
    let next = log.head().expect("readable").position + 1;
    submit_unsynced(log, next);
    let wal = fs::read(crate::scenes::wal_of(path)).expect("readable");
    let magic = wal.windows(8).rposition(|window| window == b"pyflowHD").expect("a head");
    let number = |at: usize| u64::from_le_bytes(wal[at..at + 8].try_into().expect("8 bytes"));
    let (commit, synced) = (number(magic + 8), number(magic + 16));
    assert!(synced < commit);
    // The opening was commit 2 and was synced; more is the thread's work.
    synced > 2
}
