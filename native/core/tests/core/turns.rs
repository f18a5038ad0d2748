//! Turns are bounded, and what is left over is done in the next one.

use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::limits::TURN_EVENT_COUNT_MAX;
use pyflow_core::shard::ShardSettings;
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

#[test]
fn a_run_goes_as_far_as_it_can_in_one_turn() {
    let tasks: Vec<Value> = (0..50)
        .map(|n| {
            let deps: Vec<String> = (n > 0).then(|| format!("t{}", n - 1)).into_iter().collect();
            json!({"id": format!("t{n}"), "task_type": "noop", "depends_on": deps})
        })
        .collect();
    let mut rig = Rig::new();
    rig.deploy(&document(&tasks)).expect("it can be deployed");
    let position = rig.shard.state().position();

    rig.begin(Rig::start("r", "flow")).expect("it can be started");

    assert_eq!(rig.run_state("r"), RunState::Completed);
    assert_eq!(rig.shard.state().position(), position + 1);
}

#[test]
fn a_turn_that_is_full_leaves_the_rest_to_the_next_one() {
    let count = TURN_EVENT_COUNT_MAX + 500;
    let tasks: Vec<Value> =
        (0..count).map(|n| json!({"id": format!("t{n}"), "task_type": "noop"})).collect();
    let mut rig = Rig::unchecked(ShardSettings::default(), [8, 8, 8]);

    rig.run("r", &document(&tasks));

    assert_eq!(rig.run_state("r"), RunState::Completed);
    assert!(rig.kept.turns().all(|(_, events)| events.len() <= TURN_EVENT_COUNT_MAX + 1));
}

#[test]
fn hand_outs_go_on_in_the_next_turn_where_one_was_full() {
    let count = TURN_EVENT_COUNT_MAX + 500;
    let tasks: Vec<Value> = (0..count).map(|n| task(&format!("t{n}"), &[])).collect();
    let mut rig = Rig::unchecked(ShardSettings::default(), [20_000, 0, 0]);

    rig.run("r", &document(&tasks));

    assert_eq!(rig.given.len(), count);
}

#[test]
fn runs_that_wait_are_admitted_though_the_turn_that_made_room_was_full() {
    let mut rig = Rig::unchecked(ShardSettings::default(), [1, 0, 0]);
    rig.deploy(&document(&[json!({"id": "a", "task_type": "noop"})])).expect("it can be deployed");
    rig.gathers = true;
    for n in 0..TURN_EVENT_COUNT_MAX {
        rig.begin(Rig::start(&format!("r{n}"), "flow")).expect("it can be started");
    }
    rig.gathers = false;
    rig.pump();

    assert_eq!(rig.ended.len(), TURN_EVENT_COUNT_MAX);
}

#[test]
fn a_task_whose_arguments_cannot_be_made_fails_and_what_follows_is_handed_out_at_once() {
    let broken = json!({"parameters": {"value": "${output.a.missing.deeper + 1}"}});
    let keyed = json!({"concurrency_key": "${output.a.missing.deeper + 1}"});
    for options in [broken, keyed] {
        let failing = with(with(task("b", &["a"]), &options), &json!({"on_error": "h"}));
        let mut rig = Rig::new();
        rig.run("r", &document(&[task("a", &[]), failing, task("h", &[])]));

        rig.complete("a");

        assert_eq!(rig.state("r", "b"), TaskState::Failed, "{options}");
        assert_eq!(rig.names(), ["h"], "{options}");
    }
}

#[test]
fn a_turn_that_was_not_kept_leaves_no_trace_but_what_workers_hold() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), task("b", &["a"])]));
    rig.gathers = true;
    rig.complete("a");
    rig.begin(Rig::start("lost", "flow")).expect("it is taken in");

    rig.lose_turn();

    assert_eq!(rig.names(), ["a"], "its worker still holds it");
    assert_eq!(rig.state("r", "a"), TaskState::Leased);
    assert_eq!(rig.run_ids(), ["r"]);
    rig.complete("a");
    assert_eq!(rig.names(), ["b"]);
}

#[test]
fn stale_entries_of_the_queues_are_swept_out() {
    let mut rig = Rig::unchecked(ShardSettings::default(), [0, 0, 0]);
    let tasks: Vec<Value> = (0..100).map(|n| task(&format!("t{n}"), &[])).collect();
    rig.deploy(&document(&tasks)).expect("it can be deployed");

    for n in 0..200 {
        let run_id = format!("r{n}");
        rig.begin(Rig::start(&run_id, "flow")).expect("it can be started");
        rig.cancel(&run_id);
    }

    let count = rig.shard.queues().entries().count();
    assert!(count < 5_000, "{count} entries of runs that are over");
}
