//! What both stores promise alike.

use bytes::Bytes;
use pyflow_store::{
    Blob, BlobHash, Checkpoint, Completion, Log, Options, RunPiece, Snapshot, StoreFault, Turn,
    open,
};

use crate::picture::{Picture, all_turns, whole_run};
use crate::scenes::{
    append_to, blob, events, fast_dir, fill, owner, part, submit, submit_at, turn,
};

/// Runs a promise against each store.
fn with_each(promise: impl Fn(&mut dyn Log)) {
    let dir = fast_dir();
    let mut sqlite = owner(&dir.path().join("flow.db"));
    promise(&mut *sqlite);
    let mut memory = open("memory://", &Options::default()).expect("memory opens");
    promise(&mut *memory);
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, StoreFault>) {
    let fault = outcome.expect_err("it must be refused");
    assert!(matches!(fault, StoreFault::Refused { .. }), "{fault}");
}

#[test]
fn both_stores_give_the_same_answers() {
    let dir = fast_dir();
    let mut sqlite = owner(&dir.path().join("flow.db"));
    let mut memory = open("memory://", &Options::default()).expect("memory opens");

    fill(&mut *sqlite);
    fill(&mut *memory);

    assert_eq!(Picture::of(&mut *sqlite), Picture::of(&mut *memory));
    let report = sqlite.verify().expect("nothing is damaged");
    assert_eq!((report.turns, report.blobs, report.snapshots), (16, 1, 4));
    assert_eq!((report.history_chunks, report.meta_entries), (4, 3));
}

#[test]
fn turns_come_back_as_they_were_submitted() {
    with_each(|log| {
        append_to(log, 5);

        let turns = all_turns(log, 1).expect("the log can be read");

        assert_eq!(turns.len(), 5);
        for stored in turns {
            let submitted = turn(stored.position, log.epoch());
            assert_eq!((stored.runs, stored.events), (submitted.runs, submitted.events));
        }
        assert_eq!(log.read(6, 1_000), Ok(Vec::new()));
    });
}

#[test]
fn a_limit_gives_at_least_one_turn() {
    with_each(|log| {
        append_to(log, 3);

        assert_eq!(log.read(1, 0).map(|turns| turns.len()), Ok(1));
        assert_eq!(log.read(1, 221).map(|turns| turns.len()), Ok(2));
    });
}

#[test]
fn a_turn_that_does_not_follow_the_head_is_refused_and_leaves_no_trace() {
    with_each(|log| {
        append_to(log, 2);

        for position in [1, 2, 4] {
            let completion = submit_at(log, position);
            assert!(
                matches!(completion, Completion::Failed { fault: StoreFault::Refused { .. }, .. }),
                "{completion:?}"
            );
        }
        append_to(log, 3);
        assert_eq!(log.head().map(|head| head.position), Ok(3));
    });
}

#[test]
fn a_turn_of_another_epoch_is_fenced_and_the_owner_goes_on() {
    with_each(|log| {
        append_to(log, 1);
        let epoch = log.epoch();

        let completion = submit(log, turn(2, epoch + 1));

        assert_eq!(completion, Completion::Fenced { position: 2, epoch });
        append_to(log, 2);
    });
}

#[test]
fn blobs_ride_in_the_turn_that_names_them() {
    with_each(|log| {
        let with_blob = Turn { blobs: vec![blob(), blob()], ..turn(1, log.epoch()) };

        assert_eq!(submit(log, with_blob), Completion::Durable { position: 1 });
        log.put_blobs(&[blob(), Blob::new(Bytes::new())]).expect("a repeat does no harm");

        assert_eq!(log.get_blob(&blob().hash()), Ok(Some(blob().bytes().clone())));
        assert_eq!(log.get_blob(&BlobHash::of(b"")), Ok(Some(Bytes::new())));
        assert_eq!(log.get_blob(&BlobHash::of(b"never stored")), Ok(None));
    });
}

#[test]
fn metadata_is_replaced_only_by_comparison() {
    with_each(|log| {
        assert_eq!(log.cas_meta("name", Some(b"x"), Some(b"1")), Ok(false));
        assert_eq!(log.cas_meta("name", None, Some(b"1")), Ok(true));
        assert_eq!(log.cas_meta("name", None, Some(b"2")), Ok(false));
        assert_eq!(log.cas_meta("name", Some(b"1"), Some(b"2")), Ok(true));
        assert_eq!(log.get_meta("name"), Ok(Some(Bytes::from_static(b"2"))));
        assert_eq!(log.cas_meta("name", Some(b"2"), None), Ok(true));
        assert_eq!(log.get_meta("name"), Ok(None));
    });
}

#[test]
fn snapshots_are_replaced_and_never_lie_past_the_head() {
    with_each(|log| {
        append_to(log, 3);
        let snapshot = |position| Snapshot { run: 7, position, bytes: events(position) };

        log.put_snapshots(&[snapshot(1)]).expect("stored");
        log.put_snapshots(&[snapshot(3)]).expect("stored");

        assert_eq!(log.get_snapshot(7), Ok(Some(snapshot(3))));
        assert_eq!(log.get_snapshot(8), Ok(None));
        refused(log.put_snapshots(&[snapshot(4)]));
    });
}

#[test]
fn a_checkpoint_moves_forward_within_the_log() {
    with_each(|log| {
        append_to(log, 3);
        let checkpoint = |position| Checkpoint { position, bytes: events(position) };

        refused(log.put_checkpoint(&checkpoint(4), &[]));
        refused(log.put_checkpoint(&checkpoint(0), &[]));
        log.put_checkpoint(&checkpoint(2), &[(1, events(9))]).expect("stored");
        refused(log.put_checkpoint(&checkpoint(1), &[]));

        assert_eq!(log.get_checkpoint(), Ok(Some(checkpoint(2))));
        let snapshot = Snapshot { run: 1, position: 2, bytes: events(9) };
        assert_eq!(log.get_snapshot(1), Ok(Some(snapshot)));
    });
}

#[test]
fn trimming_moves_turns_to_history_and_never_loses_a_run() {
    with_each(|log| {
        append_to(log, 6);
        let all = |first| (1..=4).map(|run| part(run, first)).collect::<Vec<_>>();

        refused(log.trim(2, &all(1)));
        let checkpoint = Checkpoint { position: 4, bytes: events(4) };
        log.put_checkpoint(&checkpoint, &[]).expect("stored");
        refused(log.trim(5, &all(1)));
        refused(log.trim(3, &all(1)[..1]));
        refused(log.trim(3, &all(4)));
        log.trim(3, &all(1)).expect("trimmed");
        log.trim(4, &all(4)).expect("trimmed again");

        assert_eq!(log.read(4, 100), Err(StoreFault::Trimmed { asked: 4, first: 5 }));
        assert_eq!(all_turns(log, 5).map(|turns| turns.len()), Ok(2));
        let chunks: Vec<_> = whole_run(log, 2)
            .expect("the run can be read")
            .into_iter()
            .filter_map(|piece| match piece {
                RunPiece::History(chunk) => Some((chunk.chunk, chunk.first_position)),
                RunPiece::Turn(_) => None,
            })
            .collect();
        assert_eq!(chunks, [(0, 1), (1, 4)]);
        append_to(log, 7);
    });
}

#[test]
fn a_run_is_read_from_history_and_log_within_bounds() {
    with_each(|log| {
        fill(log);

        let whole = whole_run(log, 3).expect("the run can be read");
        let middle = log.read_run(3, 9, 12, usize::MAX).expect("the run can be read");
        let page = log.read_run(3, 1, 24, 1).expect("the run can be read");

        assert!(matches!(whole.first(), Some(RunPiece::History(_))));
        assert!(middle.next.is_none());
        for piece in &middle.pieces {
            let RunPiece::Turn(turn) = piece else { panic!("history ends at 8") };
            assert!((9..=12).contains(&turn.position) && turn.runs.contains(&3));
        }
        assert_eq!(page.pieces.len(), 1);
        assert_eq!(page.next, Some(10));
    });
}

#[test]
fn an_unsynced_turn_completes_at_once() {
    with_each(|log| {
        let eventual = Turn { sync: false, ..turn(1, log.epoch()) };

        assert_eq!(submit(log, eventual), Completion::Durable { position: 1 });
        log.sync().expect("synced");
        append_to(log, 2);
    });
}

/// A turn that names a blob for a run.
fn naming(log: &mut dyn Log, position: u64, run: u64, blob: &Blob) {
    let (blobs, named) = (vec![blob.clone()], vec![(run, blob.hash())]);
    let turn = Turn { blobs, named, ..turn(position, log.epoch()) };
    assert_eq!(submit(log, turn), Completion::Durable { position });
}

#[test]
fn what_forgotten_runs_leave_is_freed_in_bites_and_shared_blobs_stay() {
    with_each(|log| {
        let own = Blob::new(Bytes::from(vec![1; 5_000]));
        let shared = Blob::new(Bytes::from(vec![2; 5_000]));
        log.put_blobs(&[blob()]).expect("stored");
        naming(log, 1, 1, &own);
        naming(log, 2, 1, &shared);
        naming(log, 3, 2, &shared);
        naming(log, 4, 1, &blob());
        append_to(log, 6);
        let snapshots: Vec<_> = (1..=4).map(|run| (run, events(run))).collect();
        log.put_checkpoint(&Checkpoint { position: 6, bytes: events(6) }, &snapshots)
            .expect("stored");
        log.trim(3, &(1..=4).map(|run| part(run, 1)).collect::<Vec<_>>()).expect("trimmed");
        log.trim(6, &(1..=4).map(|run| part(run, 4)).collect::<Vec<_>>()).expect("trimmed");
        let before = log.verify().expect("all is well");
        let forgotten = Turn { forgotten: vec![1], ..turn(7, log.epoch()) };
        assert_eq!(submit(log, forgotten), Completion::Durable { position: 7 });
        assert_eq!(log.forgotten(), Ok(vec![1]));

        let mut bites = 1;
        while log.free_forgotten(1).expect("freed") {
            log.verify().expect("all is well between two bites");
            bites += 1;
        }

        let after = log.verify().expect("all is well");
        assert!(bites >= 1);
        assert_eq!(log.forgotten(), Ok(Vec::new()));
        assert_eq!(before.history_chunks - after.history_chunks, 2);
        assert_eq!((before.snapshots - after.snapshots, before.blobs - after.blobs), (1, 1));
        assert_eq!(log.get_blob(&own.hash()), Ok(None));
        assert_eq!(log.get_blob(&shared.hash()), Ok(Some(shared.bytes().clone())));
        assert_eq!(log.get_blob(&blob().hash()), Ok(Some(blob().bytes().clone())));
        assert_eq!(log.get_snapshot(1), Ok(None));
        assert_eq!(whole_run(log, 2).map(|pieces| pieces.is_empty()), Ok(false));
    });
}

#[test]
fn each_epoch_knows_where_it_began() {
    let dir = fast_dir();
    let path = dir.path().join("flow.db");
    let mut log = owner(&path);
    append_to(&mut *log, 3);
    let first = log.epoch();
    log.close().expect("closed");

    let mut log = owner(&path);

    assert_eq!(log.epoch_start(first), Ok(Some(0)));
    assert_eq!(log.epoch_start(log.epoch()), Ok(Some(3)));
    assert_eq!(log.epoch_start(log.epoch() + 1), Ok(None));
}
