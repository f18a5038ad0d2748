//! Conditions and timers.

use pyflow_core::lifecycle::{RunState, TaskState};
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

#[test]
fn a_task_whose_condition_is_false_is_skipped_and_one_whose_condition_is_true_is_not() {
    let tasks = [
        task("a", &[]),
        with(task("no", &["a"]), &json!({"condition": "${output.a > 5}"})),
        with(task("yes", &["a"]), &json!({"condition": "output.a < 5"})),
        task("after_no", &["no"]),
    ];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.complete_with("a", "4");

    assert_eq!(rig.state("r", "no"), TaskState::Skipped);
    assert_eq!(rig.state("r", "after_no"), TaskState::Skipped);
    rig.complete("yes");
    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn a_condition_that_cannot_be_evaluated_fails_its_task_and_is_asked_again_on_recover() {
    let tasks =
        [task("a", &[]), with(task("b", &["a"]), &json!({"condition": "output.a.size > 1"}))];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.complete_with("a", "{\"size\":\"large\"}");
    assert_eq!(rig.state("r", "b"), TaskState::Failed);
    rig.recover("r", "b");

    assert_eq!(rig.state("r", "b"), TaskState::Failed, "it is not handed out unasked");
    assert_eq!(rig.names(), [""; 0]);
}

#[test]
fn a_condition_is_not_asked_again_between_two_attempts() {
    let options = json!({"condition": "run.attempt < 2", "max_retries": 1, "base_delay": 0});
    let mut rig = Rig::new();
    rig.run("r", &document(&[with(task("a", &[]), &options)]));

    rig.fail("a");
    rig.advance(1);

    assert_eq!(rig.held("a").map(|given| given.attempt), Some(2));
}

fn timer(id: &str, deps: &[&str], seconds: &Value) -> Value {
    let parameters = json!({"seconds": seconds});
    json!({"id": id, "task_type": "timer", "depends_on": deps, "parameters": parameters})
}

#[test]
fn a_timer_fires_at_its_time_and_not_before() {
    let tasks = [timer("t", &[], &json!(1.5)), task("after", &["t"])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.advance(1_499);
    assert_eq!(rig.state("r", "t"), TaskState::Waiting);
    rig.advance(1);

    assert_eq!(rig.state("r", "t"), TaskState::Completed);
    assert_eq!(rig.state("r", "after"), TaskState::Leased);
}

#[test]
fn a_timer_goes_on_over_a_restart_and_fires_once_where_it_was_due_meanwhile() {
    let tasks = [timer("t", &[], &json!(10)), task("after", &["t"])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.restart(false);
    rig.advance(9_999);
    assert_eq!(rig.state("r", "t"), TaskState::Waiting);
    rig.now = rig.now.plus(5_000);
    rig.restart(false);

    assert_eq!(rig.state("r", "t"), TaskState::Completed);
    assert_eq!(rig.names(), ["after"]);
}

#[test]
fn the_time_of_a_timer_may_be_an_output_and_must_be_a_span() {
    for (output, wanted) in
        [("2", TaskState::Waiting), ("-1", TaskState::Failed), ("\"x\"", TaskState::Failed)]
    {
        let tasks = [task("a", &[]), timer("t", &["a"], &json!("${output.a}"))];
        let mut rig = Rig::new();
        rig.run("r", &document(&tasks));

        rig.complete_with("a", output);

        assert_eq!(rig.state("r", "t"), wanted, "{output}");
    }
}

#[test]
fn the_time_that_a_task_sees_is_that_at_which_it_became_ready_in_each_attempt() {
    let tasks = [with(
        task("a", &[]),
        &json!({"parameters": {"at": "${now()}"}, "max_retries": 1, "base_delay": 5}),
    )];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));
    let first = rig.held("a").expect("it is at work").args;

    rig.advance(1_000);
    rig.fail("a");
    rig.advance(10_000);

    assert_eq!(rig.held("a").expect("it is at work again").args, first);
}
