//! Permits and rates: no more at once, and no more in a time, than is allowed.

use pyflow_core::command::RunVerb;
use pyflow_core::event::LeaseEnd;
use pyflow_core::lifecycle::RunState;
use pyflow_core::shard::ShardSettings;
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

fn keyed(id: &str, key: &str) -> Value {
    with(task(id, &[]), &json!({"concurrency_key": key}))
}

#[test]
fn one_holder_of_a_key_is_at_work_and_the_next_follows_it() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[keyed("a", "printer"), keyed("b", "printer"), keyed("c", "other")]));

    assert_eq!(rig.names(), ["a", "c"]);
    rig.complete("a");

    assert_eq!(rig.names(), ["c", "b"]);
}

#[test]
fn a_key_may_depend_on_the_run_and_allow_several() {
    let options = json!({"concurrency_key": "lane-${input.lane}", "concurrency": 2});
    let tasks: Vec<Value> =
        ["a", "b", "c"].iter().map(|id| with(task(id, &[]), &options)).collect();
    let mut rig = Rig::new();
    rig.deploy(&document(&tasks)).expect("it can be deployed");
    for (run_id, lane) in [("r", 1), ("s", 1), ("t", 2)] {
        let mut start = Rig::start(run_id, "flow");
        start.input = pyflow_core::payload::Payload::new(json!({"lane": lane}).to_string().into());
        rig.begin(start).expect("it can be started");
    }

    let at_work: Vec<String> = rig.given.iter().map(|given| given.run_id.clone()).collect();
    assert_eq!(at_work, ["r", "r", "t", "t"]);
}

#[test]
fn a_permit_ends_with_its_lease_however_that_ends() {
    for end in ["fails", "retries", "dies", "cancelled", "restart", "times out"] {
        let a = with(
            keyed("a", "k"),
            &json!({"timeout": 5, "max_retries": u32::from(end == "retries")}),
        );
        let mut rig = Rig::new();
        rig.run("r", &document(&[a]));
        rig.run("s", &with(document(&[keyed("b", "k")]), &json!({"id": "other"})));
        assert_eq!(rig.names(), ["a"]);

        match end {
            "fails" | "retries" => rig.fail("a"),
            "dies" => rig.give_back("a", LeaseEnd::WorkerDied),
            "cancelled" => {
                rig.cancel("r");
                rig.report_cancelled("a");
            }
            "restart" => rig.restart(true),
            _ => rig.advance(5_000),
        }

        assert!(rig.held("b").is_some(), "{end}");
    }
}

#[test]
fn the_permit_of_a_cancelled_waiter_goes_to_the_next_one() {
    let mut rig = Rig::new();
    for run_id in ["r", "s", "t"] {
        rig.run(run_id, &with(document(&[keyed(run_id, "k")]), &json!({"id": run_id})));
    }

    rig.cancel("s");
    rig.complete("r");

    assert_eq!(rig.names(), ["t"]);
}

#[test]
fn the_permit_of_a_paused_waiter_goes_to_the_next_one() {
    let mut rig = Rig::new();
    for run_id in ["r", "s", "t"] {
        rig.run(run_id, &with(document(&[keyed(run_id, "k")]), &json!({"id": run_id})));
    }

    rig.control("s", RunVerb::Pause).expect("it can be paused");
    rig.complete("r");
    assert_eq!(rig.names(), ["t"]);
    rig.control("s", RunVerb::Resume).expect("it can be resumed");
    rig.complete("t");

    assert_eq!(rig.names(), ["s"]);
}

#[test]
fn the_permit_of_a_waiter_that_is_swept_out_goes_to_the_next_one() {
    let heavy = with(keyed("holder", "k"), &json!({"task_type": "heavy"}));
    let unknown = |n| with(task(&format!("unknown_{n}"), &[]), &json!({"task_type": "unknown"}));
    let settings = ShardSettings { sweep_count_min: 0, ..ShardSettings::default() };
    let mut rig = Rig::with_slots(settings, [1, 0, 1]);
    let tasks = [heavy, keyed("first", "k"), keyed("second", "k"), task("busy", &[])];
    for (run_id, of_run) in ["h", "first", "second", "busy"].into_iter().zip(tasks) {
        rig.run(run_id, &with(document(&[of_run]), &json!({"id": run_id})));
    }
    rig.complete("holder");
    rig.cancel("first");

    let unknown: Vec<Value> = (0..20).map(unknown).collect();
    rig.run("unknown", &with(document(&unknown), &json!({"id": "unknown"})));
    rig.complete("busy");

    assert_eq!(rig.names(), ["second"]);
}

#[test]
fn a_waiter_that_lacks_a_second_permit_does_not_keep_the_first_from_others() {
    let limited = json!({"id": "both", "max_concurrent_tasks": 1});
    let both = with(document(&[task("first", &[]), keyed("x", "k")]), &limited);
    let mut rig = Rig::new();
    rig.run("holder", &with(document(&[keyed("holder", "k")]), &json!({"id": "holder"})));
    rig.run("both", &both);
    rig.run("waiter", &with(document(&[keyed("waiter", "k")]), &json!({"id": "waiter"})));

    rig.complete("holder");

    assert_eq!(rig.names(), ["first", "waiter"]);
}

#[test]
fn a_waiter_of_a_type_that_nobody_runs_does_not_keep_a_permit_from_others() {
    let unknown = with(keyed("x", "k"), &json!({"task_type": "unknown"}));
    let mut rig = Rig::new();
    rig.run("holder", &with(document(&[keyed("holder", "k")]), &json!({"id": "holder"})));
    rig.run("r", &document(&[unknown, keyed("y", "k")]));

    rig.complete("holder");

    assert_eq!(rig.names(), ["y"]);
}

#[test]
fn the_most_urgent_waiter_gets_the_permit() {
    let urgent = |id: &str, priority: &str| with(keyed(id, "k"), &json!({"priority": priority}));
    let mut rig = Rig::new();
    rig.run("holder", &with(document(&[keyed("holder", "k")]), &json!({"id": "holder"})));
    rig.run("r", &document(&[urgent("low", "low"), urgent("high", "high")]));

    rig.complete("holder");

    assert_eq!(rig.names(), ["high"]);
}

#[test]
fn no_more_of_a_type_are_at_work_than_allowed_over_all_runs() {
    let limited = with(task("a", &[]), &json!({"concurrency": 2}));
    let mut rig = Rig::new();
    for run_id in ["r", "s", "t"] {
        rig.run(run_id, &document(std::slice::from_ref(&limited)));
    }

    assert_eq!(rig.names().len(), 2);
    rig.complete("a");
    assert_eq!(rig.names().len(), 2);
}

#[test]
fn no_more_tasks_of_a_run_are_at_work_than_it_allows() {
    let tasks: Vec<Value> = ["a", "b", "c"].iter().map(|id| task(id, &[])).collect();
    let mut rig = Rig::new();
    rig.run("r", &with(document(&tasks), &json!({"max_concurrent_tasks": 2})));

    assert_eq!(rig.names(), ["a", "b"]);
    rig.complete("b");

    assert_eq!(rig.names(), ["a", "c"]);
}

#[test]
fn no_more_runs_are_at_work_than_allowed_in_the_order_of_their_creation() {
    let settings = ShardSettings { max_concurrent_runs: 2, ..ShardSettings::default() };
    let mut rig = Rig::with(settings);
    for run_id in ["r1", "r2", "r3", "r4"] {
        rig.run(run_id, &with(document(&[task(run_id, &[])]), &json!({"id": run_id})));
    }

    assert_eq!(rig.names(), ["r1", "r2"]);
    rig.complete("r2");
    assert_eq!(rig.names(), ["r1", "r3"]);
    rig.restart(true);
    rig.complete("r1");
    rig.complete("r3");

    assert_eq!(rig.names(), ["r4"]);
    assert_eq!(rig.run_state("r4"), RunState::Running);
}

#[test]
fn a_rate_lets_a_burst_through_and_then_one_at_each_step() {
    let limited = json!({"rate_limit": "2/s"});
    let tasks: Vec<Value> =
        ["a", "b", "c", "d"].iter().map(|id| with(task(id, &[]), &limited)).collect();
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    assert_eq!(rig.names(), ["a", "b"]);
    rig.advance(499);
    assert_eq!(rig.names(), ["a", "b"]);
    rig.advance(1);
    assert_eq!(rig.names(), ["a", "b", "c"]);
    assert!(rig.advance_to_wake(), "the next step is known");

    assert_eq!(rig.names(), ["a", "b", "c", "d"]);
}

#[test]
fn a_rate_holds_over_a_restart_and_does_not_hold_back_other_work() {
    let limited = with(task("a", &[]), &json!({"rate_limit": "1/m"}));
    let more = with(task("b", &["a"]), &json!({"rate_limit": "1/m"}));
    let mut rig = Rig::new();
    rig.run("r", &document(&[limited, more, task("free", &["a"])]));
    rig.complete("a");
    assert_eq!(rig.names(), ["free"], "the same type without the limit");

    rig.restart(true);
    rig.advance(59_000);
    assert_eq!(rig.names(), ["free"]);
    rig.advance(1_000);

    assert_eq!(rig.names(), ["free", "b"]);
}

#[test]
fn a_suspect_obeys_permits_and_rates() {
    let options = json!({"concurrency_key": "k", "concurrency": 2, "rate_limit": "2/m"});
    let tasks: Vec<Value> = ["a", "b"].iter().map(|id| with(task(id, &[]), &options)).collect();
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    for _ in 0..2 {
        rig.restart(false);
        rig.advance(60_000);
        assert_eq!(rig.names(), ["a", "b"]);
    }
    rig.restart(false);
    assert_eq!(rig.names(), [""; 0], "two have started in this minute");
    rig.advance(30_000);
    assert_eq!(rig.names(), ["a"]);
    rig.complete("a");
    rig.advance(30_000);
    rig.complete("b");

    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn a_suspect_that_ends_before_its_rate_lets_it_go_keeps_no_worker_clear() {
    let suspect = with(
        task("a", &[]),
        &json!({"rate_limit": "3/m", "queue_timeout": 10, "max_deliveries": 9}),
    );
    let timer = json!({"id": "t", "task_type": "timer", "parameters": {"seconds": 30}});
    let mut rig = Rig::new();
    rig.run("r", &document(&[suspect]));
    rig.run("s", &with(document(&[timer, task("b", &["t"])]), &json!({"id": "other"})));
    for _ in 0..3 {
        rig.restart(false);
    }
    assert_eq!(rig.names(), [""; 0], "three have started in this minute");
    rig.run("busy", &with(document(&[task("busy", &[])]), &json!({"id": "busy"})));

    rig.advance(30_000);

    assert_eq!(rig.run_state("r"), RunState::Failed);
    assert_eq!(rig.names(), ["busy", "b"]);
}

#[test]
fn a_suspect_that_ended_in_its_line_keeps_no_worker_clear() {
    let keyed = json!({"concurrency_key": "k", "rate_limit": "1/m", "max_deliveries": 9});
    let of = |id: &str, more: Value| with(with(task(id, &[]), &keyed), &more);
    let timer = json!({"id": "t", "task_type": "timer", "parameters": {"seconds": 90}});
    let mut rig = Rig::new();
    rig.run("r", &document(&[of("suspect", json!({"queue_timeout": 10}))]));
    let in_line = [of("first", json!({"timeout": 30})), of("second", json!({"queue_timeout": 90}))];
    rig.run("s", &with(document(&in_line), &json!({"id": "in_line"})));
    rig.restart(false);
    rig.run("o", &with(document(&[timer, task("late", &["t"])]), &json!({"id": "others"})));

    rig.advance(60_000);
    assert_eq!(rig.names(), ["first"], "the suspect has ended behind the others");
    rig.advance(30_000);

    assert_eq!(rig.run_state("s"), RunState::Failed);
    assert_eq!(rig.names(), ["first", "late"], "what is told to stop is there still");
}

#[test]
fn only_what_waits_for_room_is_counted_and_keeps_its_place() {
    let settings = ShardSettings { max_concurrent_runs: 1, ..ShardSettings::default() };
    let mut rig = Rig::with(settings);
    rig.run("works", &document(&[task("a", &[])]));
    for run_id in ["b", "c", "d"] {
        rig.begin(Rig::start(run_id, "flow")).expect("it is taken");
    }
    assert_eq!(rig.shard.waiting_count(), 3);

    rig.control("b", RunVerb::Pause).expect("it is paused");
    rig.control("c", RunVerb::Cancel { reason: "enough".into() }).expect("it is cancelled");
    assert_eq!(rig.shard.waiting_count(), 1);
    for _ in 0..3 {
        rig.control("b", RunVerb::Resume).expect("it goes on");
        rig.control("b", RunVerb::Pause).expect("it is paused");
    }
    rig.control("b", RunVerb::Resume).expect("it goes on");
    assert_eq!(rig.shard.waiting_count(), 2);

    rig.complete("a");
    assert_eq!(rig.run_state("b"), RunState::Running, "it came before the other");
    assert_eq!(rig.shard.waiting_count(), 1);
}
