//! Turns that the log has not kept: nobody is told of what was in them.

use pyflow_engine::{Engine, Look, Out, Query, Request, Value};
use pyflow_store::{MemoryFault, MemoryStore, StoreFault};

use crate::rig::{answered, ask, opened, queried, refused, report, result_of, settings, start};

const CALL_COUNT_MAX: u64 = 80;

fn failed() -> MemoryFault {
    let (operation, path, detail) = ("a call", "memory".into(), "the device is gone".into());
    MemoryFault::Fail(StoreFault::Failed { operation, path, detail })
}

/// A run of two tasks on a log with these faults, up to the reports of both; gives what was said to
/// the second, which ends the run.
fn told_to_the_end(
    store: &MemoryStore,
    faults: impl IntoIterator<Item = (u64, MemoryFault)>,
) -> Option<(Engine, Vec<Out>)> {
    let engine = Engine::open_on(Box::new(store.open_with_faults(faults)), &settings()).ok()?;
    let definition = opened(&engine);
    start(&engine, &definition, 2);
    report(&engine, 1, "1");
    let waiting = Look::Watch { run_id: None, after: 99, limit: 100, is_bounded: false };
    ask(&engine, Request::Look { ticket: 3, look: waiting, after: None });
    let heard = report(&engine, 2, "2");
    Some((engine, heard))
}

fn is_kept(store: &MemoryStore) -> bool {
    let engine = Engine::open_on(Box::new(store.open()), &settings()).expect("it opens again");
    matches!(answered(&result_of(&engine, 4), 4), Some(Ok(Value::Json(_))))
}

#[test]
fn a_run_whose_end_was_lost_is_not_told_as_ended() {
    let fenced = || MemoryFault::Fenced;
    let makers: [(&dyn Fn() -> MemoryFault, u64); 3] =
        [(&failed, 1), (&fenced, 1), (&refused, CALL_COUNT_MAX)];
    let mut refusals = Vec::new();
    for (fault, count) in makers {
        for call in 1..CALL_COUNT_MAX {
            let store = MemoryStore::default();
            let faults = (call..call + count).map(|call| (call, fault()));
            let Some((engine, _)) = told_to_the_end(&store, faults) else { continue };

            let told = answered(&result_of(&engine, 4), 4);
            let listed = queried(&engine, Query::ListRuns(Box::default()));
            drop(engine);

            match told {
                Some(Ok(_)) => assert!(is_kept(&store), "call {call}: an end was told and is lost"),
                Some(Err("PF1101")) | None => {} // It had not begun, or waits for its end.
                Some(Err(code)) => {
                    assert_eq!(listed, Err(code), "call {call}: all looks are refused alike");
                    refusals.push(code);
                }
            }
        }
    }
    refusals.sort_unstable();
    refusals.dedup();
    assert_eq!(refusals, ["PF2001"]);
}

#[test]
fn who_waits_for_a_store_that_has_failed_for_good_is_told() {
    let refused = (1..CALL_COUNT_MAX).any(|call| {
        let story = told_to_the_end(&MemoryStore::default(), [(call, failed())]);
        story.is_some_and(|(_, heard)| answered(&heard, 3) == Some(Err("PF2001")))
    });

    assert!(refused, "no watcher has heard of a fault");
}

#[test]
fn a_shard_that_could_not_fall_back_does_so_before_it_goes_on() {
    let mut recovered = 0;
    for call in 1..CALL_COUNT_MAX {
        let store = MemoryStore::default();
        // The append is refused, and so is the first read of what the log holds.
        let faults = [(call, refused()), (call + 1, refused())];
        let Some((engine, _)) = told_to_the_end(&store, faults) else { continue };
        if engine.digest().is_some() {
            continue; // The second report was kept.
        }

        engine.pump(); // It is probed whether there is room again.

        let before = engine.digest().expect("writes go on");
        let told = answered(&result_of(&engine, 4), 4);
        drop(engine);
        assert!(matches!(told, Some(Ok(_))), "call {call}: the report is taken up again");
        let again = Engine::open_on(Box::new(store.open()), &settings()).expect("it opens again");
        assert_eq!(again.digest(), Some(before), "call {call}");
        recovered += 1;
    }
    assert!(recovered > 0, "no shard had to fall back twice");
}
