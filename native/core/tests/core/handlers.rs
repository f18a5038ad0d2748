//! Error handlers: a task's own, and the run's.

use pyflow_core::command::TaskVerb;
use pyflow_core::lifecycle::{RunState, TaskState};
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

fn handled(id: &str, deps: &[&str], handler: &Value) -> Value {
    with(task(id, deps), &json!({"on_error": handler}))
}

#[test]
fn a_handler_that_recovers_lets_its_output_stand_in() {
    let tasks = [
        handled("a", &[], &json!({"task": "h", "recovers": true})),
        task("h", &[]),
        with(task("b", &["a"]), &json!({"parameters": {"value": "${output.a}"}})),
    ];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));
    assert_eq!(rig.names(), ["a"], "a handler waits for a failure");

    rig.fail("a");
    assert_eq!(rig.names(), ["h"]);
    rig.complete_with("h", "42");

    assert_eq!(rig.held("b").expect("it is at work").args, ["42"]);
    assert_eq!(rig.state("r", "a"), TaskState::Failed);
    rig.complete("b");
    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn a_handler_that_does_not_recover_leaves_the_failure() {
    let tasks = [handled("a", &[], &json!("h")), task("h", &[]), task("b", &["a"])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.fail("a");
    assert_eq!(rig.state("r", "b"), TaskState::Pending, "the handler comes first");
    rig.complete("h");

    assert_eq!(rig.state("r", "b"), TaskState::Skipped);
    assert_eq!((rig.run_state("r"), rig.error("r").as_str()), (RunState::Failed, "ValueError"));
}

#[test]
fn a_handler_is_skipped_where_its_task_does_not_fail() {
    for ending in ["complete", "skip", "unreached"] {
        let before = json!({"id": "before", "task_type": "work", "depends_on": []});
        let condition = json!({"condition": if ending == "skip" { "false" } else { "true" }});
        let a = with(handled("a", &["before"], &json!("h")), &condition);
        let mut rig = Rig::new();
        rig.run("r", &document(&[before, a, task("h", &[]), task("after_h", &["h"])]));

        if ending == "unreached" {
            rig.fail("before");
        } else {
            rig.complete("before");
        }
        if ending == "complete" {
            rig.complete("a");
        }

        assert_eq!(rig.state("r", "h"), TaskState::Skipped, "{ending}");
        assert_eq!(rig.state("r", "after_h"), TaskState::Skipped, "{ending}");
        assert!(rig.run_state("r").is_terminal());
    }
}

#[test]
fn a_handler_that_fails_leaves_the_failure_of_its_task() {
    let tasks = [handled("a", &[], &json!({"task": "h", "recovers": true})), task("h", &[])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.fail("a");
    rig.fail("h");

    assert_eq!(rig.run_state("r"), RunState::Failed);
    let failed = rig.look("r", |run| run.error().map(|failure| failure.instance.0));
    assert_eq!(failed, Some(0), "the run tells of the task, not of its handler");
}

#[test]
fn a_handler_can_have_a_handler_and_each_speaks_after_the_next() {
    let tasks = [
        handled("a", &[], &json!({"task": "h", "recovers": true})),
        handled("h", &[], &json!({"task": "g", "recovers": true})),
        task("g", &[]),
        task("b", &["a"]),
    ];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.fail("a");
    rig.fail("h");
    assert_eq!(rig.names(), ["g"]);
    rig.complete("g");

    assert_eq!(rig.result_of("a"), "\"g\"", "the last of them stands in for all");
    rig.complete("b");
    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn a_handler_whose_own_condition_is_false_leaves_the_failure() {
    let h = with(task("h", &[]), &json!({"condition": "false"}));
    let mut rig = Rig::new();
    rig.run("r", &document(&[handled("a", &[], &json!("h")), h, task("b", &["a"])]));

    rig.fail("a");

    assert_eq!(rig.state("r", "h"), TaskState::Skipped);
    assert_eq!(rig.run_state("r"), RunState::Failed);
}

#[test]
fn a_handler_that_was_cancelled_before_it_was_called_is_not_called() {
    for fails in [true, false] {
        let mut rig = Rig::new();
        rig.run(
            "r",
            &document(&[handled("a", &[], &json!("h")), task("h", &[]), task("b", &["a"])]),
        );

        rig.on_task("r", "h", TaskVerb::Cancel).expect("it can be cancelled");
        if fails {
            rig.fail("a");
        } else {
            rig.complete("a");
        }
        if !fails {
            rig.complete("b");
        }

        let wanted = if fails { RunState::Failed } else { RunState::Completed };
        assert_eq!(rig.run_state("r"), wanted);
    }
}

#[test]
fn what_depends_on_a_handler_runs_after_it() {
    let tasks = [handled("a", &[], &json!("h")), task("h", &[]), task("told", &["h"])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.fail("a");
    rig.complete("h");

    assert_eq!(rig.names(), ["told"]);
}

#[test]
fn a_run_is_cancelled_while_a_task_with_a_handler_is_at_work() {
    for fails in [true, false] {
        let mut rig = Rig::new();
        rig.run("r", &document(&[handled("a", &[], &json!("h")), task("h", &[])]));

        rig.cancel("r");
        if fails {
            rig.fail("a");
        } else {
            rig.complete("a");
        }

        assert_eq!(rig.run_state("r"), RunState::Cancelled);
        assert_eq!(rig.state("r", "h"), TaskState::Cancelled, "nothing starts after the cancel");
    }
}

fn with_run_handler(tasks: &[Value]) -> Value {
    let mut document = document(tasks);
    document["on_error"] = json!("last");
    document
}

#[test]
fn the_handler_of_the_run_runs_last_and_leaves_it_failed() {
    let last = with(task("last", &[]), &json!({"parameters": {"task": "${event.task_id}"}}));
    let mut rig = Rig::new();
    rig.run("r", &with_run_handler(&[task("a", &[]), task("b", &[]), last]));

    rig.fail("a");
    assert_eq!(rig.names(), ["b"], "all else ends first");
    rig.complete("b");
    assert_eq!(rig.held("last").expect("it is at work").args, ["\"a\""]);
    rig.complete("last");

    assert_eq!((rig.run_state("r"), rig.error("r").as_str()), (RunState::Failed, "ValueError"));
}

#[test]
fn a_run_that_ends_well_skips_its_handler() {
    let mut rig = Rig::new();
    rig.run("r", &with_run_handler(&[task("a", &[]), task("last", &[])]));

    rig.complete("a");

    assert_eq!(rig.run_state("r"), RunState::Completed);
    assert_eq!(rig.state("r", "last"), TaskState::Skipped);
}

#[test]
fn the_handler_of_the_run_runs_again_where_a_recovered_run_fails_again() {
    let mut rig = Rig::new();
    rig.run("r", &with_run_handler(&[task("a", &[]), task("last", &[])]));
    rig.fail("a");
    let first = rig.held("last").expect("it is at work").token;
    rig.fail("last");
    assert_eq!(rig.run_state("r"), RunState::Failed);

    rig.recover("r", "a");
    rig.fail("a");

    assert!(rig.held("last").expect("it is at work again").token > first, "tokens grow");
    rig.complete("last");
    assert_eq!(rig.run_state("r"), RunState::Failed);
}

#[test]
fn handlers_are_recovered_with_what_they_handle() {
    let tasks = [handled("a", &[], &json!("h")), task("h", &[])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));
    rig.fail("a");
    rig.fail("h");

    assert!(rig.on_task("r", "h", TaskVerb::Recover).is_err());
    rig.recover("r", "a");
    rig.fail("a");
    assert_eq!(rig.names(), ["h"], "it is called for the new failure");
    rig.complete("h");

    assert_eq!(rig.run_state("r"), RunState::Failed);
}

#[test]
fn a_task_is_not_recovered_while_its_handler_is_at_work() {
    let tasks = [handled("a", &[], &json!("h")), task("h", &[])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));
    rig.fail("a");

    let answer = rig.on_task("r", "a", TaskVerb::Recover);

    assert!(answer.is_err(), "{answer:?}");
}

/// A run of these tasks, and of one more that holds it open, that its deadline has stopped.
fn stopped(tasks: &[Value], failing: &[&str]) -> Rig {
    let tasks: Vec<Value> = tasks.iter().cloned().chain([task("open", &[])]).collect();
    let mut rig = Rig::new();
    rig.run("r", &with(document(&tasks), &json!({"deadline": 100})));
    for name in failing {
        rig.fail(name);
    }
    rig.advance(100_000);
    rig
}

#[test]
fn a_handler_that_ends_while_its_run_is_being_stopped_mends_all_the_same() {
    let tasks = [
        handled("a", &[], &json!({"task": "h", "recovers": true})),
        handled("h", &[], &json!({"task": "g", "recovers": true})),
        task("g", &[]),
        with(task("b", &["a"]), &json!({"parameters": {"value": "${output.a}"}})),
    ];
    for failing in [&["a"][..], &["a", "h"]] {
        let last = ["h", "g"][failing.len() - 1];
        let mut rig = stopped(&tasks, failing);
        rig.complete_with(last, "42");
        rig.report_cancelled("open");
        assert_eq!(rig.error("r"), "DeadlineExceeded");
        let answer = rig.on_task("r", "a", TaskVerb::Recover);
        assert!(answer.is_err(), "it is mended: {answer:?}");

        rig.recover("r", "open");

        assert_eq!(rig.held("b").map(|given| given.args), Some(vec!["42".to_string()]), "{last}");
        rig.complete("b");
        rig.complete("open");
        assert_eq!(rig.run_state("r"), RunState::Completed, "{last}");
    }
}

#[test]
fn a_handler_that_only_tells_leaves_the_failure_of_a_stopped_run() {
    let mut rig = stopped(&[handled("a", &[], &json!("h")), task("h", &[])], &["a"]);
    rig.complete("h");
    rig.report_cancelled("open");

    rig.recover("r", "open");
    rig.complete("open");

    assert_eq!((rig.run_state("r"), rig.error("r").as_str()), (RunState::Failed, "ValueError"));
}
