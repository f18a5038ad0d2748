//! Workers that die: what is counted, who is suspected, what may run only once.

use pyflow_core::event::{Event, LeaseEnd};
use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::shard::ShardSettings;
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

fn counted(rig: &Rig) -> Vec<bool> {
    let ended = rig.events.iter().filter_map(|event| {
        if let Event::LeaseEnded(ended) = event { Some(ended.counted) } else { None }
    });
    ended.collect()
}

#[test]
fn a_task_whose_worker_dies_too_often_is_quarantined() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));

    for death in 1..=3 {
        assert_eq!(rig.held("a").map(|given| given.attempt), Some(1), "death {death}");
        rig.give_back("a", LeaseEnd::WorkerDied);
    }

    assert_eq!(rig.state("r", "a"), TaskState::Quarantined);
    assert_eq!((rig.run_state("r"), rig.error("r").as_str()), (RunState::Failed, "Quarantined"));
    rig.recover("r", "a");
    rig.complete("a");
    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn how_a_worker_died_stands_in_the_history_and_in_the_last_error() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[with(task("a", &[]), &json!({"max_deliveries": 2}))]));

    rig.die("a", "the process ended by signal 9 (SIGKILL)");
    rig.die("a", "the process ended by exit status 3");

    let told = rig.events.iter().find_map(|event| {
        if let Event::LeaseEnded(ended) = event { ended.message.clone() } else { None }
    });
    assert_eq!(told.as_deref(), Some("the process ended by signal 9 (SIGKILL)"));
    let error = rig.look("r", |run| run.error().expect("it has failed").error.message.clone());
    assert!(error.ends_with("2 times while it ran; this time: the process ended by exit status 3"));
}

#[test]
fn what_is_given_back_never_counts() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));

    for _ in 0..10 {
        rig.give_back("a", LeaseEnd::Returned);
    }
    for _ in 0..10 {
        let session = rig.held("a").expect("it is at work").session;
        rig.close(session, LeaseEnd::Returned);
        rig.connect();
    }
    for _ in 0..10 {
        rig.restart(true);
    }

    assert_eq!(rig.state("r", "a"), TaskState::Leased);
    assert!(counted(&rig).iter().all(|counted| !counted));
}

#[test]
fn the_death_of_the_process_counts_for_what_ran_alone() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));

    for _ in 0..3 {
        rig.restart(false);
    }

    assert_eq!(rig.state("r", "a"), TaskState::Quarantined);
}

fn slots(count: u32) -> Rig {
    Rig::with_slots(ShardSettings::default(), [count, 0, 0])
}

fn three(options: &Value) -> Value {
    let tasks: Vec<Value> = ["a", "b", "c"].iter().map(|id| with(task(id, &[]), options)).collect();
    document(&tasks)
}

fn die_three_times(rig: &mut Rig) {
    for _ in 0..3 {
        rig.restart(false);
    }
}

#[test]
fn two_deaths_of_the_process_make_no_suspects() {
    let mut rig = slots(8);
    rig.run("r", &three(&json!({})));

    for _ in 0..2 {
        rig.restart(false);
        assert_eq!(rig.names().len(), 3, "all run beside each other again");
    }
}

#[test]
fn what_a_death_was_charged_to_is_a_suspect_at_once() {
    let mut rig = slots(8);
    rig.run("r", &document(&[task("a", &[])]));
    rig.restart(false);

    rig.run("other", &with(document(&[task("x", &[])]), &json!({"id": "other"})));

    assert_eq!(rig.names(), ["a"]);
}

#[test]
fn what_ran_beside_others_is_suspected_and_run_one_at_a_time() {
    let mut rig = slots(8);
    rig.run("r", &three(&json!({})));
    assert_eq!(rig.names().len(), 3);

    die_three_times(&mut rig);

    assert!(counted(&rig).iter().all(|counted| !counted), "nobody knows whose fault it was");
    assert_eq!(rig.names(), ["a"]);
    rig.complete("a");
    assert_eq!(rig.names(), ["b"]);
    rig.complete("b");
    assert_eq!(rig.names(), ["c"]);
}

#[test]
fn a_suspect_waits_until_its_worker_is_clear_and_others_wait_meanwhile() {
    let mut rig = slots(2);
    rig.run("r", &document(&[task("a", &[]), task("b", &[])]));
    die_three_times(&mut rig);
    assert_eq!(rig.names(), ["a"]);

    rig.run("other", &with(document(&[task("x", &[])]), &json!({"id": "other"})));

    assert_eq!(rig.names(), ["a"]);
    rig.complete("a");
    assert_eq!(rig.names(), ["b"], "the other suspect goes before what was never tried");
    rig.complete("b");
    assert_eq!(rig.names(), ["x"]);
}

#[test]
fn a_suspect_that_has_lived_for_a_while_has_others_beside_it() {
    let mut rig = slots(8);
    rig.run("r", &three(&json!({})));
    die_three_times(&mut rig);
    assert_eq!(rig.names(), ["a"]);

    rig.advance(5_000);

    assert_eq!(rig.names(), ["a", "b"]);
}

#[test]
fn a_task_that_takes_its_time_to_bring_its_process_down_is_found_all_the_same() {
    let mut rig = slots(8);
    let healthy = with(document(&[task("x", &[])]), &json!({"id": "healthy"}));
    rig.run("poison", &document(&[task("a", &[])]));
    rig.run("healthy", &healthy);

    // Ten seconds after it begins the process dies, each time; others begin beside it meanwhile.
    for _ in 0..20 {
        if rig.state("poison", "a").is_terminal() {
            break;
        }
        for _ in 0..10 {
            rig.advance(1_000);
        }
        if rig.held("a").is_some() { rig.restart(false) } else { rig.complete("x") }
    }

    assert_eq!(rig.state("poison", "a"), TaskState::Quarantined);
    assert_ne!(rig.state("healthy", "x"), TaskState::Quarantined);
}

#[test]
fn a_suspect_that_reports_is_suspected_no_more() {
    let mut rig = slots(8);
    rig.run("r", &three(&json!({"max_retries": 3, "base_delay": 0})));
    die_three_times(&mut rig);

    for name in ["a", "b", "c"] {
        rig.fail(name);
    }
    rig.advance(1);

    assert_eq!(rig.names().len(), 3, "all run beside each other again");
}

#[test]
fn a_suspect_does_not_hold_up_a_worker_that_cannot_run_it() {
    use pyflow_core::schedule::Pool;
    let mut rig = slots(8);
    rig.run("r", &three(&json!({})));
    die_three_times(&mut rig);
    rig.connect_with([2, 0, 0], &[("elsewhere", Pool::Async)]);
    let other = json!({"id": "x", "task_type": "elsewhere"});

    rig.run("other", &with(document(&[other]), &json!({"id": "other"})));

    assert_eq!(rig.names(), ["a", "x"]);
}

#[test]
fn a_suspect_that_has_ended_in_the_queue_holds_up_nobody() {
    let limited = json!({"task_type": "other", "rate_limit": "1/m", "queue_timeout": 62});
    let nap = json!({"id": "nap", "task_type": "timer", "parameters": {"seconds": 70}});
    let mut rig = slots(2);
    let tasks = [with(task("limited", &[]), &limited), nap, task("late", &["nap"])];
    rig.run("r", &document(&tasks));
    rig.restart(false);
    rig.run("other", &with(document(&[task("long", &[])]), &json!({"id": "second"})));
    assert_eq!(rig.names(), ["long"], "the suspect waits for its rate");

    rig.advance(61_000);
    assert_eq!(rig.names(), ["long"], "the worker is cleared for the suspect");
    rig.advance(2_000);
    assert_eq!(rig.state("r", "limited"), TaskState::Failed);
    rig.advance(8_000);

    assert_eq!(rig.names(), ["long", "late"]);
}

#[test]
fn a_task_that_may_run_only_once_is_never_handed_out_again() {
    for end in ["worker", "leaves", "restart", "polite", "fails", "times out"] {
        let options = json!({"delivery": "at_most_once", "timeout": 10});
        let mut rig = Rig::new();
        rig.run("r", &document(&[with(task("a", &[]), &options)]));
        let session = rig.held("a").expect("it is at work").session;

        match end {
            "worker" => rig.give_back("a", LeaseEnd::WorkerDied),
            "leaves" => rig.close(session, LeaseEnd::Returned),
            "restart" => rig.restart(false),
            "polite" => rig.restart(true),
            "fails" => rig.fail("a"),
            _ => rig.advance(10_000),
        }

        assert_eq!(rig.run_state("r"), RunState::Failed, "{end}");
        let wanted = match end {
            "fails" => "ValueError",
            "times out" => "TimeoutError",
            _ => "unknown_outcome",
        };
        assert_eq!(rig.error("r"), wanted, "{end}");
    }
}

#[test]
fn a_task_that_may_run_only_once_and_was_not_begun_can_be_given_back() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[with(task("a", &[]), &json!({"delivery": "at_most_once"}))]));

    rig.give_back("a", LeaseEnd::Returned);

    assert_eq!(rig.names(), ["a"]);
}

#[test]
fn a_lease_that_ran_out_is_an_attempt_that_failed() {
    let mut rig = Rig::new();
    let options = json!({"max_retries": 1, "base_delay": 1, "jitter": 0});
    rig.run("r", &document(&[with(task("a", &[]), &options)]));

    rig.give_back("a", LeaseEnd::Expired);

    assert_eq!(rig.state("r", "a"), TaskState::Backoff);
}

#[test]
fn what_an_attempt_told_by_its_heartbeat_reaches_the_next_one() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));
    rig.heartbeat("a", "{\"done\":3}");

    rig.give_back("a", LeaseEnd::WorkerDied);

    let details = rig.held("a").expect("it is at work again").details;
    assert_eq!(details.as_deref(), Some("{\"done\":3}"));
}

#[test]
fn who_has_beaten_is_not_taken_for_silent_after_a_turn_was_lost() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[with(task("a", &[]), &json!({"heartbeat_timeout": 10}))]));
    rig.advance(8_000);
    rig.heartbeat("a", "\"half\"");
    rig.advance(1_000);

    rig.lose_turn();
    rig.advance(3_000);

    assert_eq!(rig.state("r", "a"), TaskState::Leased);
    rig.advance(7_000);
    assert_eq!(rig.state("r", "a"), TaskState::Failed);
}

#[test]
fn how_a_worker_left_is_known_still_after_its_turn_was_lost() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));
    rig.heartbeat("a", "\"half\"");
    let session = rig.held("a").expect("it is at work").session;
    rig.gathers = true;
    rig.close(session, LeaseEnd::WorkerDied);

    rig.lose_turn();
    rig.connect();
    rig.pump();

    let details = rig.held("a").expect("it is at work again").details;
    assert_eq!(details.as_deref(), Some("\"half\""));
    assert_eq!(counted(&rig), [true], "its death counts as it would have");
}
