//! The store in memory fails where it is told to.

use std::path::PathBuf;

use pyflow_store::{Completion, Log, MemoryFault, MemoryStore, StoreFault};

use crate::picture::all_turns;
use crate::scenes::{append_to, submit, submit_at, turn};

fn full() -> StoreFault {
    StoreFault::Full { path: PathBuf::from("memory://") }
}

fn lost_sync() -> StoreFault {
    StoreFault::Failed {
        operation: "appending a turn",
        path: PathBuf::from("memory://"),
        detail: "the sync failed".to_owned(),
    }
}

#[test]
fn any_call_can_fail_and_leaves_nothing_behind() {
    for call in 1..=6 {
        let store = MemoryStore::default();
        let mut log = store.open_with_faults([(call, MemoryFault::Fail(full()))]);
        let mut position = 1;
        let mut failed = 0;
        while position <= 6 {
            match submit(&mut log, turn(position, 1)) {
                Completion::Durable { .. } => position += 1,
                Completion::Failed { fault, .. } => {
                    assert_eq!(fault, full());
                    failed += 1;
                }
                fenced @ Completion::Fenced { .. } => panic!("{fenced:?}"),
            }
        }

        assert_eq!(failed, 1);
        assert_eq!(log.calls(), 7);
        assert_eq!(all_turns(&mut store.open(), 1).map(|turns| turns.len()), Ok(6));
    }
}

#[test]
fn a_final_fault_stays_until_the_log_is_opened_again() {
    let store = MemoryStore::default();
    let mut log = store.open_with_faults([(2, MemoryFault::Fail(lost_sync()))]);
    append_to(&mut store.clone().open_with_faults([]), 0);
    let mut log_now = store.open_with_faults([(1, MemoryFault::Fail(lost_sync()))]);

    let first = submit_at(&mut log_now, 1);
    let second = submit_at(&mut log_now, 1);

    assert_eq!(first, second);
    assert_eq!(log_now.head(), Err(lost_sync()));
    assert_eq!(log.head().map(|head| head.position), Ok(0));
    let mut log = store.open();
    append_to(&mut log, 1);
}

#[test]
fn a_write_can_take_effect_and_yet_fail() {
    let store = MemoryStore::default();
    let mut log = store.open_with_faults([(1, MemoryFault::FailAfter(lost_sync()))]);

    let completion = submit(&mut log, turn(1, 1));

    assert_eq!(completion, Completion::Failed { position: 1, fault: lost_sync() });
    assert_eq!(store.open().head().map(|head| head.position), Ok(1));
}

#[test]
fn a_late_completion_holds_up_those_behind_it() {
    let store = MemoryStore::default();
    let mut log = store.open_with_faults([(1, MemoryFault::Late { asks: 2 })]);
    log.submit(turn(1, 1));
    log.submit(turn(2, 1));
    let mut completions = Vec::new();

    for _ in 0..2 {
        log.completions(&mut completions);
        assert!(completions.is_empty());
    }
    log.completions(&mut completions);

    let durable = |position| Completion::Durable { position };
    assert_eq!(completions, [durable(1), durable(2)]);
}

#[test]
fn a_read_can_be_short() {
    let store = MemoryStore::default();
    append_to(&mut store.open(), 3);
    let mut log = store.open_with_faults([(1, MemoryFault::Short)]);

    assert_eq!(log.read(1, usize::MAX).map(|turns| turns.len()), Ok(1));
    assert_eq!(log.read(1, usize::MAX).map(|turns| turns.len()), Ok(3));
}

#[test]
fn an_older_log_is_fenced_by_a_newer_one_or_on_request() {
    let store = MemoryStore::default();
    let mut old = store.open();
    append_to(&mut old, 1);
    let mut new = store.open_with_faults([(3, MemoryFault::Fenced)]);

    assert_eq!(submit(&mut old, turn(2, 1)), Completion::Fenced { position: 2, epoch: 2 });
    append_to(&mut new, 2);
    assert_eq!(submit(&mut new, turn(3, 2)), Completion::Fenced { position: 3, epoch: 3 });
}
