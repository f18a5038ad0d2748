//! Retries and timeouts.

use pyflow_core::command::Outcome;
use pyflow_core::effect::StopReason;
use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::shard::ShardSettings;
use serde_json::{Value, json};

use crate::support::{Rig, document, error, task, with};

fn one(options: &Value) -> Value {
    document(&[with(task("a", &[]), options)])
}

fn attempt(rig: &Rig) -> Option<u32> {
    rig.held("a").map(|given| given.attempt)
}

#[test]
fn an_attempt_that_failed_is_made_again_after_a_delay_that_doubles() {
    let options = json!({"max_retries": 3, "base_delay": 2, "max_delay": 5, "jitter": 0});
    let mut rig = Rig::new();
    rig.run("r", &one(&options));

    for (retry, delay_ms) in [(1, 2_000), (2, 4_000), (3, 5_000)] {
        rig.fail("a");
        rig.advance(delay_ms - 1);
        assert_eq!(rig.state("r", "a"), TaskState::Backoff, "retry {retry}");
        rig.advance(1);
        assert_eq!(attempt(&rig), Some(retry + 1));
    }
    rig.fail("a");

    assert_eq!((rig.run_state("r"), rig.state("r", "a")), (RunState::Failed, TaskState::Failed));
}

#[test]
fn a_task_that_has_ended_knows_its_last_attempt_and_when_it_failed() {
    let mut rig = Rig::new();
    let retried = |id: &str| with(task(id, &[]), &json!({"max_retries": 2, "jitter": 0}));
    rig.run("r", &document(&[retried("a"), task("b", &[]), retried("c")]));

    for _ in 0..2 {
        rig.fail("a");
        rig.advance_to_wake();
    }
    rig.complete("a");
    rig.complete("b");
    rig.fail("c");
    rig.advance(10);
    rig.cancel("r");
    let failed_at = rig.now;

    let last = |rig: &Rig, name: &str| {
        rig.look("r", |run| run.last_attempt(run.find_instance(name).expect("it is a task")))
    };
    assert_eq!([last(&rig, "a"), last(&rig, "b"), last(&rig, "c")], [Some(3), None, None]);
    rig.run("s", &with(document(&[task("a", &[])]), &json!({"id": "other"})));
    rig.fail("a");
    let at = rig.look("s", |run| run.failures().iter().next().and_then(|failure| failure.at));
    assert_eq!(at, Some(failed_at));
}

#[test]
fn jitter_varies_a_delay_by_its_share_and_the_same_way_each_time() {
    let until = || {
        let mut rig = Rig::new();
        rig.run("r", &one(&json!({"max_retries": 1, "base_delay": 100, "jitter": 0.5})));
        let begun = rig.now;
        rig.fail("a");
        rig.advance_to_wake();
        rig.now.since(begun)
    };

    assert_eq!(until(), until());
    assert!((50_000..=150_000).contains(&until()), "{}", until());
}

fn fail_with(rig: &mut Rig, change: impl FnOnce(&mut pyflow_core::event::TaskError)) {
    let given = rig.held("a").expect("it is at work");
    let mut failure = error("ValueError");
    change(&mut failure);
    rig.report(&given, Outcome::Failed { error: Box::new(failure) });
}

#[test]
fn which_errors_are_retried_is_told_by_their_kinds_or_by_the_code_itself() {
    let cases = [
        (json!({}), None, true),
        (json!({"retry_on": ["ValueError"]}), None, true),
        (json!({"retry_on": ["OSError", "Exception"]}), None, true),
        (json!({"retry_on": ["OSError"]}), None, false),
        (json!({"no_retry_on": ["Exception"]}), None, false),
        (json!({"retry_on": ["ValueError"], "no_retry_on": ["ValueError"]}), None, false),
        (json!({"no_retry_on": ["ValueError"]}), Some(true), true),
        (json!({}), Some(false), false),
    ];
    for (options, asked, is_retried) in cases {
        let mut rig = Rig::new();
        rig.run("r", &one(&with(json!({"max_retries": 1}), &options)));

        fail_with(&mut rig, |failure| failure.retryable = asked);

        let wanted = if is_retried { TaskState::Backoff } else { TaskState::Failed };
        assert_eq!(rig.state("r", "a"), wanted, "{options} {asked:?}");
    }
}

#[test]
fn an_error_may_say_when_to_try_again() {
    let mut rig = Rig::new();
    rig.run("r", &one(&json!({"max_retries": 1})));

    fail_with(&mut rig, |failure| failure.retry_after_ms = Some(123_000));
    rig.advance(122_999);
    assert_eq!(attempt(&rig), None);
    rig.advance(1);

    assert_eq!(attempt(&rig), Some(2));
}

#[test]
fn no_retry_begins_after_the_budget_of_time_is_spent() {
    let mut rig = Rig::new();
    let options = json!({"max_retries": 9, "base_delay": 4, "jitter": 0, "retry_budget": 10});
    rig.run("r", &one(&options));

    rig.fail("a");
    rig.advance(4_000);
    rig.fail("a"); // The next would begin at 12 seconds.

    assert_eq!(rig.state("r", "a"), TaskState::Failed);
}

#[test]
fn an_attempt_that_takes_too_long_is_stopped_and_made_again() {
    let mut rig = Rig::new();
    rig.run("r", &one(&json!({"timeout": 30, "max_retries": 1, "base_delay": 1})));
    rig.heartbeat("a", "\"half\"");

    rig.advance(29_999);
    assert_eq!(rig.stops, []);
    rig.advance(1);

    assert_eq!(rig.stops, [("a".to_string(), StopReason::TimedOut)]);
    assert_eq!(rig.state("r", "a"), TaskState::Backoff);
    rig.advance(2_000);
    let again = rig.given.last().cloned().expect("it is at work again");
    assert_eq!((again.attempt, again.details.as_deref()), (2, Some("\"half\"")));
}

#[test]
fn a_timeout_of_the_shard_holds_for_tasks_that_name_none() {
    let settings = ShardSettings { default_timeout_ms: Some(5_000), ..ShardSettings::default() };
    let mut rig = Rig::with(settings);
    rig.run("r", &one(&json!({})));

    rig.advance(5_000);

    assert_eq!((rig.run_state("r"), rig.error("r").as_str()), (RunState::Failed, "TimeoutError"));
}

#[test]
fn a_timeout_is_retried_as_an_os_error_is() {
    let mut rig = Rig::new();
    rig.run("r", &one(&json!({"timeout": 1, "max_retries": 1, "retry_on": ["OSError"]})));

    rig.advance(1_000);

    assert_eq!(rig.state("r", "a"), TaskState::Backoff);
}

#[test]
fn an_attempt_that_is_silent_too_long_is_stopped_and_one_that_speaks_is_not() {
    let mut rig = Rig::new();
    rig.run("r", &one(&json!({"heartbeat_timeout": 10})));

    rig.advance(9_000);
    rig.heartbeat("a", "1");
    rig.advance(9_999);
    assert_eq!(rig.state("r", "a"), TaskState::Leased);
    rig.advance(1);

    assert_eq!(rig.run_state("r"), RunState::Failed);
    assert_eq!(rig.stops, [("a".to_string(), StopReason::TimedOut)]);
}

#[test]
fn a_task_that_waits_too_long_for_a_worker_fails() {
    let mut rig = Rig::with_slots(ShardSettings::default(), [1, 0, 0]);
    let tasks = [task("first", &[]), with(task("a", &[]), &json!({"queue_timeout": 60}))];
    rig.run("r", &document(&tasks));

    rig.advance(60_000);
    rig.complete("first");

    assert_eq!((rig.run_state("r"), rig.error("r").as_str()), (RunState::Failed, "QueueTimeout"));
}

#[test]
fn what_is_at_work_in_time_does_not_fail_by_its_wait() {
    let mut rig = Rig::new();
    rig.run("r", &one(&json!({"queue_timeout": 60})));

    rig.advance(120_000);

    assert_eq!(rig.state("r", "a"), TaskState::Leased);
    assert!(rig.shard.timers().is_empty(), "nothing is armed for what is over");
}

#[test]
fn all_attempts_together_are_bounded_wherever_the_task_is() {
    for place in ["leased", "backoff", "queued"] {
        let options = json!({"total_timeout": 20, "max_retries": 5, "base_delay": 15, "jitter": 0});
        let mut rig = Rig::with_slots(ShardSettings::default(), [1, 0, 0]);
        if place == "queued" {
            rig.run("other", &with(one(&json!({})), &json!({"id": "other"})));
        }
        rig.run("r", &one(&options));
        if place == "backoff" {
            rig.advance(10_000);
            rig.fail("a");
        }

        rig.advance(20_000);

        assert_eq!(rig.state("r", "a"), TaskState::Failed, "{place}");
        assert_eq!(rig.error("r"), "TotalTimeout", "{place}");
    }
}

#[test]
fn bounds_on_time_hold_over_a_restart() {
    let mut rig = Rig::new();
    rig.run("r", &one(&json!({"total_timeout": 20, "max_retries": 5, "base_delay": 60})));
    rig.fail("a");

    rig.restart(false);
    rig.advance(20_000);

    assert_eq!(rig.error("r"), "TotalTimeout");
}

#[test]
fn a_run_that_does_not_end_by_its_deadline_is_stopped_and_fails() {
    let mut rig = Rig::new();
    let tasks = [task("a", &[]), task("b", &["a"])];
    rig.run("r", &with(document(&tasks), &json!({"deadline": 100})));

    rig.advance(100_000);
    assert_eq!(rig.stops, [("a".to_string(), StopReason::TimedOut)]);
    assert_eq!(
        (rig.run_state("r"), rig.state("r", "b")),
        (RunState::Cancelling, TaskState::Cancelled)
    );
    rig.report_cancelled("a");

    assert_eq!(
        (rig.run_state("r"), rig.error("r").as_str()),
        (RunState::Failed, "DeadlineExceeded")
    );
}

#[test]
fn a_deadline_holds_for_a_run_that_is_paused_and_for_one_that_has_not_begun() {
    use pyflow_core::command::RunVerb;
    let settings = ShardSettings { max_concurrent_runs: 1, ..ShardSettings::default() };
    let mut rig = Rig::with(settings);
    let flow = with(one(&json!({})), &json!({"deadline": 100}));
    rig.run("paused", &flow);
    rig.run("created", &flow);
    rig.control("paused", RunVerb::Pause).expect("it can be paused");

    rig.advance(100_000);
    rig.complete("a");

    assert_eq!(rig.run_state("paused"), RunState::Failed);
    assert_eq!(rig.run_state("created"), RunState::Failed);
    assert_eq!(rig.shard.working_count(), 0);
}
