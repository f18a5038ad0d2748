//! Reports that come late, twice, or from the wrong attempt.

use pyflow_core::command::{Command, LeaseRef, Outcome, Report, TimeOut};
use pyflow_core::effect::{Answer, StopReason};
use pyflow_core::event::LeaseEnd;
use pyflow_core::ids::Grant;
use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::payload::Payload;
use pyflow_core::rejection::Rejection;
use serde_json::json;

use crate::support::{Rig, document, task, with};

fn lease(rig: &Rig, grant: u32) -> LeaseRef {
    let instance = rig.look("r", |run| run.find_instance("a")).expect("the run has the task");
    LeaseRef { run: rig.number("r"), instance, grant: Grant(grant) }
}

fn report(rig: &mut Rig, grant: u32) -> Result<Answer, Rejection> {
    let outcome = Outcome::Completed { output: Payload::default() };
    let lease = lease(rig, grant);
    rig.ask(&Command::Report(Report { lease, outcome, details: None }))
}

fn retried() -> Rig {
    let options = json!({"max_retries": 2, "base_delay": 1, "jitter": 0});
    let mut rig = Rig::new();
    rig.run("r", &document(&[with(task("a", &[]), &options), task("z", &[])]));
    rig
}

#[test]
fn a_report_is_recorded_once_and_a_repeated_one_changes_nothing() {
    let mut rig = retried();
    rig.complete("a");

    assert_eq!(report(&mut rig, 1), Err(Rejection::AlreadyReported));
    assert_eq!(rig.result_of("a"), "\"a\"");
}

#[test]
fn a_report_of_an_attempt_that_was_overtaken_is_refused() {
    let mut rig = retried();
    rig.fail("a");
    assert_eq!(report(&mut rig, 1), Err(Rejection::AlreadyReported), "it waits for the next");
    rig.advance(1_000);

    assert_eq!(report(&mut rig, 1), Err(Rejection::StaleToken));
    assert_eq!(report(&mut rig, 3), Err(Rejection::StaleToken), "that was never granted");
    assert_eq!(rig.state("r", "a"), TaskState::Leased);
    assert_eq!(report(&mut rig, 2), Ok(Answer::Done));
}

#[test]
fn a_late_report_of_a_lost_attempt_does_not_end_the_new_one() {
    let mut rig = retried();
    let session = rig.held("a").expect("it is at work").session;
    rig.close(session, LeaseEnd::WorkerDied);
    rig.connect();
    assert_eq!(rig.state("r", "a"), TaskState::Leased);

    assert_eq!(report(&mut rig, 1), Err(Rejection::StaleToken));
}

#[test]
fn a_late_report_of_a_run_that_has_ended_is_refused() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));
    rig.complete("a");
    assert_eq!(rig.run_state("r"), RunState::Completed);
    assert_eq!(report(&mut rig, 1), Err(Rejection::AlreadyReported));

    rig.run("next", &document(&[task("a", &[])]));

    assert_eq!(report(&mut rig, 1), Err(Rejection::StaleToken), "it has left");
}

#[test]
fn an_attempt_that_timed_out_keeps_its_slot_until_its_worker_lets_go() {
    use pyflow_core::shard::ShardSettings;
    let mut rig = Rig::with_slots(ShardSettings::default(), [1, 0, 0]);
    rig.run("r", &document(&[with(task("a", &[]), &json!({"timeout": 5})), task("b", &[])]));

    rig.advance(5_000);
    assert_eq!(rig.stops, [("a".to_string(), StopReason::TimedOut)]);
    assert_eq!(rig.names(), ["a"], "a thread cannot be stopped");
    rig.complete("a");

    assert_eq!(rig.names(), ["b"]);
    assert_eq!(rig.state("r", "a"), TaskState::Failed);
}

#[test]
fn what_was_due_and_has_been_overtaken_is_not_done() {
    let mut rig = retried();
    let lease = lease(&rig, 1);
    rig.fail("a");

    let command = Command::TimeOut(TimeOut { lease, is_silent: false, details: None });

    assert_eq!(rig.ask(&command), Err(Rejection::NotDue));
}

#[test]
fn a_report_from_before_a_recover_is_refused() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));
    rig.fail("a");
    rig.recover("r", "a");

    assert_eq!(report(&mut rig, 1), Err(Rejection::StaleToken));
    assert_eq!(report(&mut rig, 2), Ok(Answer::Done));
}

#[test]
fn an_output_or_an_error_that_is_too_large_is_refused_or_cut() {
    let mut rig = retried();
    let given = rig.held("a").expect("it is at work");
    let mut long = crate::support::error("ValueError");
    long.message = "ä".repeat(100_000);

    rig.report(&given, Outcome::Failed { error: Box::new(long) });

    let size = rig.look("r", |run| {
        let instance = run.find_instance("a").expect("the run has the task");
        let error = run.active(instance).and_then(|active| active.error.clone());
        error.expect("its attempt has failed").message.len()
    });
    assert!(size < 17_000, "{size}");
}
