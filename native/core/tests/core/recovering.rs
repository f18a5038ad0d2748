//! Recover: what has failed is done anew, what was not reached behind it waits anew, and nothing
//! else changes.

use pyflow_core::command::{RunVerb, TaskVerb};
use pyflow_core::effect::Answer;
use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::rejection::Rejection;
use pyflow_core::state::Run;
use serde_json::json;

use crate::support::{Rig, document, task, with};

#[test]
fn a_failed_task_is_done_anew_and_what_it_kept_from_running_follows() {
    let tasks = [task("a", &[]), task("b", &["a"]), task("c", &["b"]), task("d", &[])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));
    rig.complete("d");
    rig.fail("a");
    assert_eq!(rig.run_state("r"), RunState::Failed);

    rig.recover("r", "a");

    assert_eq!(rig.look("r", Run::generation), 1);
    assert_eq!(rig.names(), ["a"]);
    assert_eq!(rig.held("a").map(|given| given.attempt), Some(2));
    assert_eq!(rig.state("r", "c"), TaskState::Pending);
    for name in ["a", "b", "c"] {
        rig.complete(name);
    }
    assert_eq!(rig.run_state("r"), RunState::Completed);
    assert_eq!(rig.result("r")["d"], json!("d"), "what was done is kept");
}

#[test]
fn a_recover_gives_a_fresh_set_of_attempts() {
    let mut rig = Rig::new();
    let options = json!({"max_retries": 1, "base_delay": 1, "jitter": 0});
    rig.run("r", &document(&[with(task("a", &[]), &options)]));
    rig.fail("a");
    rig.advance(1_000);
    rig.fail("a");

    rig.recover("r", "a");
    rig.fail("a");

    assert_eq!(rig.state("r", "a"), TaskState::Backoff);
    rig.advance(1_000);
    assert_eq!(rig.held("a").map(|given| given.attempt), Some(4));
}

#[test]
fn a_task_is_recovered_while_its_run_is_at_work_and_while_it_is_paused() {
    for pauses in [false, true] {
        let mut rig = Rig::new();
        rig.run("r", &document(&[task("a", &[]), task("b", &[]), task("c", &["a"])]));
        rig.fail("a");
        if pauses {
            rig.control("r", RunVerb::Pause).expect("it can be paused");
        }

        rig.recover("r", "a");
        assert_eq!(rig.look("r", Run::generation), 0, "the run was not over");
        if pauses {
            assert_eq!(rig.names(), ["b"]);
            rig.control("r", RunVerb::Resume).expect("it can be resumed");
        }

        for name in ["a", "b", "c"] {
            rig.complete(name);
        }
        assert_eq!(rig.run_state("r"), RunState::Completed);
    }
}

#[test]
fn a_join_counts_a_recovered_dependency_once() {
    for join in ["all_done", "n_of_m:2", "any_success", "all_success"] {
        let tasks = [
            task("a", &[]),
            task("b", &[]),
            task("c", &[]),
            with(task("join", &["a", "b", "c"]), &json!({"join": join})),
        ];
        let mut rig = Rig::new();
        rig.run("r", &document(&tasks));
        rig.fail("a");

        rig.recover("r", "a");
        rig.fail("a");
        rig.recover("r", "a");
        rig.complete("a");
        let opens = join == "any_success";
        let wanted = if opens { TaskState::Leased } else { TaskState::Pending };
        assert_eq!(rig.state("r", "join"), wanted, "{join}");
        rig.complete("b");
        rig.complete("c");
        rig.complete("join");

        assert_eq!(rig.run_state("r"), RunState::Completed, "{join}");
    }
}

#[test]
fn a_task_behind_two_failures_runs_only_once_both_are_recovered() {
    let tasks = [task("a", &[]), task("b", &[]), task("c", &["a", "b"]), task("d", &["c"])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));
    rig.fail("a");
    rig.fail("b");

    rig.recover("r", "a");
    assert_eq!(rig.state("r", "c"), TaskState::Skipped, "the other has failed still");
    rig.complete("a");
    assert_eq!(rig.run_state("r"), RunState::Failed);
    rig.recover("r", "b");
    rig.complete("b");
    rig.complete("c");
    rig.complete("d");

    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn a_run_that_failed_a_moment_ago_or_long_ago_is_opened_again() {
    for others in [0, 3] {
        let mut rig = Rig::new();
        rig.run("r", &document(&[task("a", &[])]));
        rig.fail("a");
        for other in 0..others {
            rig.run(&format!("other{other}"), &document(&[task("x", &[])]));
        }

        rig.recover("r", "a");
        rig.complete("a");

        assert_eq!(rig.run_state("r"), RunState::Completed);
    }
}

#[test]
fn a_refused_recover_leaves_no_trace_of_the_run_that_was_looked_at() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), task("b", &["a"])]));
    rig.fail("a");
    rig.run("other", &document(&[task("x", &[])]));
    assert_eq!(rig.shard.state().run_count(), 1);

    let answer = rig.on_task("r", "b", TaskVerb::Recover);

    assert!(matches!(answer, Err(Rejection::TaskStateRefused { .. })), "{answer:?}");
    assert_eq!(rig.shard.state().run_count(), 1);
    rig.complete("x");
}

#[test]
fn everything_of_a_run_that_has_failed_is_recovered_at_once() {
    let tasks = [task("a", &[]), task("b", &[]), task("c", &["a", "b"])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));
    rig.fail("a");
    rig.fail("b");

    assert_eq!(rig.control("r", RunVerb::Recover), Ok(Answer::Done));

    assert_eq!(rig.names(), ["a", "b"]);
    rig.complete("a");
    rig.complete("b");
    rig.complete("c");
    assert!(matches!(rig.control("r", RunVerb::Recover), Err(Rejection::RunStateRefused { .. })));
}

#[test]
fn a_run_that_was_stopped_by_its_deadline_goes_on_where_it_was() {
    let map = with(task("m", &[]), &json!({"for_each": [0, 1, 2], "concurrency": 1}));
    let timer = json!({"id": "t", "task_type": "timer", "parameters": {"seconds": 500}});
    let tasks = [task("a", &[]), task("b", &["a"]), map, timer, task("done", &[])];
    let mut rig = Rig::new();
    rig.run("r", &with(document(&tasks), &json!({"deadline": 100})));
    rig.complete("m[0]");
    rig.complete("done");
    rig.advance(100_000);
    rig.report_cancelled("a");
    rig.complete("m[1]");
    assert_eq!(rig.error("r"), "DeadlineExceeded");

    assert_eq!(rig.control("r", RunVerb::Recover), Ok(Answer::Done));

    assert_eq!(rig.names(), ["a", "m[2]"]);
    assert_eq!(rig.state("r", "t"), TaskState::Waiting);
    for name in ["a", "b", "m[2]"] {
        rig.complete(name);
    }
    rig.advance(500_000);
    assert_eq!(rig.run_state("r"), RunState::Completed);
    assert_eq!(rig.result("r")["m"], json!(["m[0]", "m[1]", "m[2]"]));
}

#[test]
fn a_deadline_that_is_still_ahead_holds_for_a_recovered_run() {
    let mut rig = Rig::new();
    rig.run("r", &with(document(&[task("a", &[])]), &json!({"deadline": 100})));
    rig.fail("a");

    rig.recover("r", "a");
    rig.advance(100_000);
    rig.report_cancelled("a");

    assert_eq!(rig.error("r"), "DeadlineExceeded");
}

#[test]
fn what_a_recovered_task_reads_is_kept_for_it() {
    let reads = json!({"parameters": {"value": "${output.a}"}});
    let tasks = [task("a", &[]), with(task("b", &["a"]), &reads)];
    let flow = with(document(&tasks), &json!({"result": "${output.b}"}));
    let mut rig = Rig::new();
    rig.run("r", &flow);
    rig.complete_with("a", "[1,2]");
    rig.fail("b");

    rig.recover("r", "b");

    assert_eq!(rig.held("b").expect("it is at work").args, ["[1,2]"]);
}

#[test]
fn what_the_handler_of_a_handler_reads_is_kept_for_it() {
    let reads = json!({"parameters": {"value": "${output.x}"}});
    let tasks = [
        task("x", &[]),
        with(task("a", &["x"]), &json!({"on_error": {"task": "h", "recovers": false}})),
        with(task("h", &[]), &json!({"on_error": {"task": "k", "recovers": false}})),
        with(task("k", &[]), &reads),
    ];
    let mut rig = Rig::new();
    rig.run("r", &with(document(&tasks), &json!({"result": 1})));
    rig.complete_with("x", "7");
    rig.fail("a");
    rig.complete("h");

    rig.recover("r", "a");
    rig.fail("a");
    rig.fail("h");

    assert_eq!(rig.held("k").expect("it is at work").args, ["7"]);
    rig.complete("k");
    assert_eq!(rig.run_state("r"), RunState::Failed);
}

#[test]
fn only_what_has_failed_can_be_recovered() {
    let tasks = [task("a", &[]), task("b", &[])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));
    rig.complete("a");

    for name in ["a", "b"] {
        let answer = rig.on_task("r", name, TaskVerb::Recover);
        assert!(matches!(answer, Err(Rejection::TaskStateRefused { .. })), "{name}: {answer:?}");
    }
    rig.complete("b");
    let answer = rig.on_task("r", "b", TaskVerb::Recover);
    assert!(answer.is_err(), "{answer:?}");
}

#[test]
fn a_cancelled_task_is_recovered_by_name_and_not_by_others() {
    let tasks = [task("a", &[]), task("b", &["a"])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));
    rig.on_task("r", "b", TaskVerb::Cancel).expect("it can be cancelled");
    rig.fail("a");

    rig.recover("r", "a");
    rig.complete("a");
    assert_eq!(rig.state("r", "b"), TaskState::Cancelled);
    assert_eq!(rig.run_state("r"), RunState::Failed);
    rig.recover("r", "b");
    rig.complete("b");

    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn what_was_cancelled_while_it_waited_waits_again() {
    for join in ["all_success", "all_done", "n_of_m:2", "none_failed_min_one_success"] {
        let tasks = [
            task("a", &[]),
            task("b", &[]),
            with(
                task("c", &["a", "b"]),
                &json!({"join": join, "parameters": {"x": "${output.a}"}}),
            ),
            task("d", &["c"]),
        ];
        let mut rig = Rig::new();
        rig.run("r", &document(&tasks));
        rig.complete("b");
        rig.on_task("r", "c", TaskVerb::Cancel).expect("it can be cancelled");
        assert_eq!(rig.state("r", "d"), TaskState::Skipped);

        rig.recover("r", "c");
        assert_eq!(rig.names(), ["a"], "{join}");
        assert_eq!(rig.state("r", "c"), TaskState::Pending, "{join}");
        assert_eq!(rig.state("r", "d"), TaskState::Pending, "{join}");
        rig.complete("a");

        assert_eq!(rig.held("c").map(|given| given.args.clone()), Some(vec![r#""a""#.into()]));
        rig.complete("c");
        rig.complete("d");
        assert_eq!(rig.run_state("r"), RunState::Completed, "{join}");
    }
}

#[test]
fn what_was_cancelled_while_it_waited_is_not_reached_where_what_it_waits_for_has_failed() {
    for has_handler in [false, true] {
        let mut tasks = vec![task("a", &[]), task("b", &["a"]), task("c", &["b"])];
        tasks.extend(has_handler.then(|| task("k", &[])));
        let handler = if has_handler { json!({"on_error": "k"}) } else { json!({}) };
        let calls_handler = |rig: &mut Rig| {
            if has_handler {
                assert_eq!(rig.names(), ["k"]);
                rig.complete("k");
            }
            assert_eq!(rig.run_state("r"), RunState::Failed);
        };
        let mut rig = Rig::new();
        rig.run("r", &with(document(&tasks), &handler));
        rig.on_task("r", "b", TaskVerb::Cancel).expect("it can be cancelled");
        rig.fail("a");
        calls_handler(&mut rig);

        rig.recover("r", "b");
        assert_eq!(rig.state("r", "b"), TaskState::Skipped);
        calls_handler(&mut rig);
        rig.recover("r", "a");
        for name in ["a", "b", "c"] {
            rig.complete(name);
        }

        assert_eq!(rig.run_state("r"), RunState::Completed);
    }
}

#[test]
fn what_was_cancelled_while_it_waited_is_not_done_where_its_decision_has_passed_it_over() {
    let conditions = json!([{"condition": "1 == 2", "next_task": "c"}]);
    let parameters = json!({"conditions": conditions, "default": "d"});
    let decision = json!({"id": "b", "task_type": "decision", "depends_on": ["s"],
        "parameters": parameters});
    let joined = with(task("c", &["a", "b"]), &json!({"join": "n_of_m:1"}));
    let mut rig = Rig::new();
    let tasks = [task("a", &[]), task("s", &[]), decision, joined, task("d", &["b"])];
    rig.run("r", &document(&tasks));
    rig.complete("a");
    rig.on_task("r", "c", TaskVerb::Cancel).expect("it can be cancelled");
    for name in ["s", "d"] {
        rig.complete(name);
    }
    assert_eq!(rig.run_state("r"), RunState::Failed);

    rig.recover("r", "c");

    assert_eq!(rig.state("r", "c"), TaskState::Skipped);
    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn a_failed_task_waits_anew_for_what_is_done_anew_before_it() {
    let all_done = json!({"join": "all_done"});
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), with(task("b", &["a"]), &all_done), task("c", &[])]));
    rig.fail("a");
    rig.fail("b");

    rig.recover("r", "a");
    rig.recover("r", "b");
    assert_eq!(rig.names(), ["c", "a"]);
    for name in ["a", "b", "c"] {
        rig.complete(name);
    }

    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn what_is_recovered_at_once_waits_in_whatever_order_it_is_written() {
    let all_done =
        |name: &str, before: &str| with(task(name, &[before]), &json!({"join": "all_done"}));
    let orders = [
        [task("a", &[]), task("m", &["a"]), all_done("b", "a"), all_done("c", "m")],
        [all_done("c", "m"), all_done("b", "a"), task("m", &["a"]), task("a", &[])],
    ];
    for tasks in orders {
        let mut rig = Rig::new();
        rig.run("r", &document(&tasks));
        for name in ["a", "b", "c"] {
            rig.fail(name);
        }

        rig.control("r", RunVerb::Recover).expect("it has failed");
        assert_eq!(rig.names(), ["a"]);
        for name in ["a", "b", "m", "c"] {
            rig.complete(name);
        }

        assert_eq!(rig.run_state("r"), RunState::Completed);
    }
}

#[test]
fn attempts_are_counted_on_where_a_recovered_task_is_cancelled_as_it_waits() {
    let all_done = json!({"join": "all_done", "max_retries": 2, "base_delay": 1, "jitter": 0});
    let mut rig = Rig::new();
    let tasks = [task("a", &[]), with(task("b", &["a"]), &all_done), task("other", &[])];
    rig.run("r", &document(&tasks));
    rig.fail("a");
    for _ in 0..3 {
        rig.fail("b");
        rig.advance(4_000);
    }
    rig.recover("r", "a");
    rig.recover("r", "b");
    rig.on_task("r", "b", TaskVerb::Cancel).expect("it can be cancelled");
    let instance = rig.look("r", |run| run.find_instance("b")).expect("it is a task");
    assert_eq!(rig.look("r", |run| run.last_attempt(instance)), Some(3));

    rig.recover("r", "b");
    rig.complete("a");

    assert_eq!(rig.held("b").map(|given| given.attempt), Some(4));
}

#[test]
fn a_forgiven_failure_of_a_paused_run_that_is_done_can_be_recovered() {
    let joined = with(task("join", &["a", "b"]), &json!({"join": "any_success"}));
    let tasks = [task("a", &[]), task("b", &[]), joined, task("k", &[])];
    let mut rig = Rig::new();
    rig.run("r", &with(document(&tasks), &json!({"on_error": "k"})));
    rig.fail("a");
    rig.complete("b");
    rig.control("r", RunVerb::Pause).expect("it can be paused");
    rig.complete("join");

    rig.recover("r", "a");
    rig.control("r", RunVerb::Resume).expect("it can be resumed");
    rig.complete("a");

    assert_eq!(rig.run_state("r"), RunState::Completed);
}
