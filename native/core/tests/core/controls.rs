//! Pause, resume, cancel: of runs and of tasks.

use pyflow_core::command::{RunVerb, TaskVerb};
use pyflow_core::effect::{Answer, StopReason};
use pyflow_core::event::Event;
use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::rejection::Rejection;
use pyflow_core::shard::ShardSettings;
use serde_json::json;

use crate::support::{Rig, document, task, with};

fn pause(rig: &mut Rig, run_id: &str) {
    rig.control(run_id, RunVerb::Pause).expect("it can be paused");
}

fn resume(rig: &mut Rig, run_id: &str) {
    rig.control(run_id, RunVerb::Resume).expect("it can be resumed");
}

#[test]
fn a_paused_run_starts_nothing_and_goes_on_where_it_was() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), task("b", &["a"]), task("c", &["b"])]));

    pause(&mut rig, "r");
    rig.complete("a");
    assert_eq!(rig.state("r", "b"), TaskState::Ready);
    assert_eq!(rig.names(), [""; 0]);
    resume(&mut rig, "r");

    assert_eq!(rig.names(), ["b"]);
    rig.complete("b");
    rig.complete("c");
    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn what_is_ready_when_its_run_is_paused_keeps_its_place_and_is_queued_once() {
    let mut rig = Rig::with_slots(ShardSettings::default(), [1, 0, 0]);
    rig.run("r", &document(&[task("a", &[]), task("b", &[]), task("c", &[])]));

    for _ in 0..50 {
        pause(&mut rig, "r");
        resume(&mut rig, "r");
    }
    assert_eq!(rig.shard.queues().entries().count(), 2, "nothing is queued twice");
    pause(&mut rig, "r");
    rig.complete("a");
    resume(&mut rig, "r");

    assert_eq!(rig.names(), ["b"]);
}

#[test]
fn timers_and_delays_of_a_paused_run_go_on_and_lead_to_no_start() {
    let timer = json!({"id": "t", "task_type": "timer", "parameters": {"seconds": 5}});
    let retried = with(task("a", &[]), &json!({"max_retries": 1, "base_delay": 1}));
    let mut rig = Rig::new();
    rig.run("r", &document(&[timer, retried, task("b", &["t"])]));
    rig.fail("a");

    pause(&mut rig, "r");
    rig.advance(60_000);
    assert_eq!(rig.state("r", "t"), TaskState::Completed);
    assert_eq!(rig.names(), [""; 0]);
    resume(&mut rig, "r");

    assert_eq!(rig.names(), ["a", "b"]);
}

#[test]
fn a_paused_run_fails_no_task_by_its_wait_and_a_resumed_one_waits_its_whole_time() {
    let waits = with(task("b", &[]), &json!({"queue_timeout": 60}));
    let mut rig = Rig::with_slots(ShardSettings::default(), [1, 0, 0]);
    rig.run("r", &document(&[task("a", &[]), waits]));

    pause(&mut rig, "r");
    rig.advance(600_000);
    resume(&mut rig, "r");
    rig.advance(59_999);
    assert_eq!(rig.state("r", "b"), TaskState::Ready);
    rig.advance(1);

    assert_eq!(rig.state("r", "b"), TaskState::Failed);
}

#[test]
fn a_wait_that_began_anew_after_a_pause_is_remembered_over_a_restart() {
    let waits = with(task("a", &[]), &json!({"queue_timeout": 60}));
    for paused_ms in [20_000, 600_000] {
        let mut rig = Rig::with_slots(ShardSettings::default(), [0, 0, 0]);
        rig.run("r", &document(std::slice::from_ref(&waits)));
        rig.advance(30_000);
        pause(&mut rig, "r");
        rig.advance(paused_ms);
        resume(&mut rig, "r");
        rig.advance(40_000);
        rig.restart(true);

        rig.advance(19_999);
        assert_eq!(rig.state("r", "a"), TaskState::Ready, "{paused_ms}");
        rig.advance(1);

        assert_eq!(rig.state("r", "a"), TaskState::Failed, "{paused_ms}");
    }
}

#[test]
fn a_pause_puts_off_the_wait_for_a_worker_over_a_restart_and_for_what_became_ready_in_it() {
    for restarts in [false, true] {
        let waits = with(task("b", &["a"]), &json!({"queue_timeout": 60}));
        let mut rig = Rig::with_slots(ShardSettings::default(), [1, 0, 0]);
        rig.run("other", &with(document(&[task("x", &[])]), &json!({"id": "other"})));
        rig.complete("x");
        rig.run("r", &document(&[task("a", &[]), waits]));
        pause(&mut rig, "r");
        rig.complete("a");
        if restarts {
            rig.restart(true);
        }
        rig.begin(Rig::start("again", "other")).expect("it takes the only slot");

        rig.advance(600_000);
        resume(&mut rig, "r");
        rig.advance(59_999);
        assert_eq!(rig.state("r", "b"), TaskState::Ready, "{restarts}");
        rig.advance(1);

        assert_eq!(rig.state("r", "b"), TaskState::Failed, "{restarts}");
    }
}

#[test]
fn the_bound_on_all_attempts_goes_on_in_a_pause_wherever_the_task_became_ready() {
    let bound = json!({"total_timeout": 60});
    let tasks = [
        task("a", &[]),
        with(task("queued", &[]), &bound),
        with(task("opened", &["a"]), &bound),
        with(task("skipped", &["a"]), &with(bound, &json!({"condition": "false"}))),
    ];
    for restarts in [false, true] {
        let mut rig = Rig::with_slots(ShardSettings::default(), [1, 0, 0]);
        rig.run("r", &document(&tasks));
        pause(&mut rig, "r");
        rig.complete("a");
        if restarts {
            rig.restart(true);
        }

        rig.advance(60_000);

        let states = ["queued", "opened", "skipped"].map(|name| rig.state("r", name));
        assert_eq!(states, [TaskState::Failed, TaskState::Failed, TaskState::Ready], "{restarts}");
        resume(&mut rig, "r");
        assert_eq!((rig.state("r", "skipped"), rig.names()), (TaskState::Skipped, Vec::new()));
        assert_eq!(rig.error("r"), "TotalTimeout");
    }
}

#[test]
fn a_paused_run_stays_paused_over_a_restart() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), task("b", &["a"])]));
    pause(&mut rig, "r");

    rig.restart(false);

    assert_eq!((rig.run_state("r"), rig.names().len()), (RunState::Paused, 0));
    resume(&mut rig, "r");
    assert_eq!(rig.names(), ["a"]);
}

#[test]
fn a_run_whose_last_task_ends_while_it_is_paused_ends_when_it_is_resumed() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));
    pause(&mut rig, "r");

    rig.complete("a");
    assert_eq!(rig.run_state("r"), RunState::Paused);
    resume(&mut rig, "r");

    assert_eq!(rig.run_state("r"), RunState::Completed);
}

fn one_at_a_time() -> Rig {
    let mut rig = Rig::with(ShardSettings { max_concurrent_runs: 1, ..ShardSettings::default() });
    rig.run("first", &document(&[task("a", &[])]));
    rig.run("second", &document(&[task("a", &[])]));
    assert_eq!(rig.run_state("second"), RunState::Created);
    rig
}

#[test]
fn a_run_that_was_paused_before_it_began_waits_for_its_turn_when_it_is_resumed() {
    let mut rig = one_at_a_time();

    pause(&mut rig, "second");
    assert_eq!(rig.run_state("second"), RunState::Paused);
    resume(&mut rig, "second");
    assert_eq!(rig.run_state("second"), RunState::Created, "one is at work already");
    rig.complete("a");

    assert_eq!(rig.run_state("second"), RunState::Running);
}

#[test]
fn a_run_that_is_paused_before_it_began_does_not_hold_up_others() {
    let mut rig = one_at_a_time();
    rig.run("third", &document(&[task("a", &[])]));

    pause(&mut rig, "second");
    rig.complete("a");
    assert_eq!(rig.run_state("third"), RunState::Running);
    rig.restart(false);
    rig.complete("a");
    assert_eq!(rig.run_state("second"), RunState::Paused);
    resume(&mut rig, "second");

    assert_eq!(rig.run_state("second"), RunState::Running);
}

#[test]
fn a_run_that_is_cancelled_before_it_began_never_begins() {
    let mut rig = one_at_a_time();

    rig.cancel("second");
    rig.complete("a");

    assert_eq!(rig.run_state("second"), RunState::Cancelled);
    assert_eq!(rig.shard.working_count(), 0);
}

#[test]
fn a_cancel_is_recorded_before_it_is_answered_and_reaches_what_is_at_work() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), task("b", &[]), task("c", &["a"])]));

    rig.cancel("r");

    assert!(rig.events.iter().any(|event| matches!(event, Event::RunCancelRequested(_))));
    let stops =
        [("a".to_string(), StopReason::Cancelled), ("b".to_string(), StopReason::Cancelled)];
    assert_eq!(rig.stops, stops);
    assert_eq!(
        (rig.run_state("r"), rig.state("r", "c")),
        (RunState::Cancelling, TaskState::Cancelled)
    );
    rig.complete("a"); // It was done before it heard of it.
    rig.report_cancelled("b");
    assert_eq!(rig.run_state("r"), RunState::Cancelled);
    assert_eq!(rig.state("r", "a"), TaskState::Completed);
}

#[test]
fn nothing_of_a_cancelled_run_is_retried_or_handed_out_again() {
    let retried = with(task("a", &[]), &json!({"max_retries": 5}));
    for ending in ["fail", "worker", "restart", "timeout"] {
        let mut rig = Rig::new();
        let a = with(retried.clone(), &json!({"timeout": 10}));
        rig.run("r", &document(&[a]));
        rig.cancel("r");

        match ending {
            "fail" => rig.fail("a"),
            "worker" => rig.give_back("a", pyflow_core::event::LeaseEnd::WorkerDied),
            "restart" => rig.restart(false),
            _ => rig.advance(10_000),
        }

        assert_eq!(rig.run_state("r"), RunState::Cancelled, "{ending}");
    }
}

#[test]
fn verbs_are_refused_where_a_run_has_no_use_for_them_and_repeated_without_harm() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));

    assert_eq!(rig.control("r", RunVerb::Resume), Ok(Answer::Done));
    pause(&mut rig, "r");
    pause(&mut rig, "r");
    rig.cancel("r");
    rig.cancel("r");
    for verb in [RunVerb::Pause, RunVerb::Resume] {
        let answer = rig.control("r", verb);
        assert!(matches!(answer, Err(Rejection::RunStateRefused { .. })), "{answer:?}");
    }
    rig.report_cancelled("a");
    assert!(rig.control("unknown", RunVerb::Pause).is_err());
}

#[test]
fn one_task_is_cancelled_and_its_run_goes_on_and_fails() {
    let retried = with(task("b", &[]), &json!({"max_retries": 5, "timeout": 10}));
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), retried, task("c", &["b"])]));

    assert_eq!(rig.on_task("r", "b", TaskVerb::Cancel), Ok(Answer::Done));
    assert_eq!(rig.stops, [("b".to_string(), StopReason::Cancelled)]);
    rig.advance(10_000); // It does not hear of it.

    assert_eq!(rig.state("r", "b"), TaskState::Cancelled, "it is not tried again");
    assert_eq!(rig.state("r", "c"), TaskState::Skipped);
    rig.complete("a");
    assert_eq!((rig.run_state("r"), rig.error("r").as_str()), (RunState::Failed, "TaskCancelled"));
}

#[test]
fn a_task_is_cancelled_wherever_it_is() {
    let timer = json!({"id": "t", "task_type": "timer", "parameters": {"seconds": 5}});
    let retried = with(task("a", &[]), &json!({"max_retries": 5}));
    let mut rig = Rig::with_slots(ShardSettings::default(), [1, 0, 0]);
    rig.run("r", &document(&[retried, task("queued", &[]), timer, task("pending", &["queued"])]));
    rig.fail("a");
    rig.give_back("queued", pyflow_core::event::LeaseEnd::Returned);

    for name in ["a", "pending", "t"] {
        assert_eq!(rig.on_task("r", name, TaskVerb::Cancel), Ok(Answer::Done), "{name}");
        assert_eq!(rig.state("r", name), TaskState::Cancelled, "{name}");
    }
    assert_eq!(rig.on_task("r", "a", TaskVerb::Cancel), Ok(Answer::Done), "once more is no harm");
    rig.complete("queued");
    assert_eq!(rig.run_state("r"), RunState::Failed);
    let hint = rig.on_task("r", "pendin", TaskVerb::Cancel);
    assert!(format!("{hint:?}").contains("did you mean pending?"), "{hint:?}");
}

#[test]
fn a_task_that_stops_by_itself_has_failed() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));

    rig.report_cancelled("a");

    assert_eq!((rig.run_state("r"), rig.error("r").as_str()), (RunState::Failed, "CancelledError"));
}
