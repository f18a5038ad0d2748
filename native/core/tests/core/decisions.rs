//! Decisions choose branches; what no decision chose is skipped, and so is what only follows it.

use pyflow_core::history::event_json;
use pyflow_core::lifecycle::TaskState::{Leased, Pending, Skipped};
use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::payload::Payload;
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

fn decision(id: &str, deps: &[&str], branches: &[(&str, Value)]) -> Value {
    let conditions: Vec<Value> = branches
        .iter()
        .map(|(condition, next)| json!({"condition": condition, "next_task": next}))
        .collect();
    json!({
        "id": id, "task_type": "decision", "depends_on": deps,
        "parameters": {"conditions": conditions},
    })
}

fn states(rig: &Rig, names: &[&str]) -> Vec<TaskState> {
    names.iter().map(|name| rig.state("r", name)).collect()
}

#[test]
fn the_first_true_branch_is_taken_and_the_others_are_skipped() {
    let branches = [("1 > 2", json!("a")), ("2 > 1", json!("b")), ("true", json!("c"))];
    let tasks = [
        decision("d", &[], &branches),
        task("a", &["d"]),
        task("b", &["d"]),
        task("c", &["d"]),
        task("after_a", &["a"]),
        task("after_a_and_b", &["after_a", "b"]),
    ];
    let mut rig = Rig::new();

    rig.run("r", &document(&tasks));

    let found = states(&rig, &["a", "b", "c", "after_a", "after_a_and_b"]);
    assert_eq!(found, [Skipped, Leased, Skipped, Skipped, Pending]);
    rig.complete("b");
    rig.complete("after_a_and_b");
    assert_eq!(rig.run_state("r"), RunState::Completed);
    assert_eq!(rig.result("r")["d"], json!({"next_task": ["b"]}));
    assert_eq!(rig.result("r")["a"], Value::Null);
}

#[test]
fn the_history_names_what_was_chosen_and_what_was_not() {
    let branches = [("1 > 2", json!("a")), ("2 > 1", json!(["b", "c"])), ("true", json!("c"))];
    let next = |id: &str| task(id, &["d"]);
    let mut rig = Rig::new();

    rig.run("r", &document(&[decision("d", &[], &branches), next("a"), next("b"), next("c")]));

    let taken = rig.events.iter().find(|event| event.kind() == "DecisionTaken");
    let shown = rig.look("r", |run| event_json(Some(run), taken.expect("it was taken"), (1, 1)));
    assert_eq!(shown["branch"], json!(1));
    assert_eq!((&shown["chosen"], &shown["skipped"]), (&json!(["b", "c"]), &json!(["a"])));
}

#[test]
fn where_no_condition_is_true_all_branches_are_skipped_and_the_run_completes() {
    let tasks =
        [decision("d", &[], &[("false", json!("a"))]), task("a", &["d"]), task("b", &["a"])];
    let mut rig = Rig::new();

    rig.run("r", &document(&tasks));

    assert_eq!(states(&rig, &["a", "b"]), [TaskState::Skipped; 2]);
    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn the_default_is_taken_where_no_condition_is_true() {
    let mut d = decision("d", &[], &[("false", json!("a"))]);
    d["parameters"]["default"] = json!(["b", "c"]);
    let tasks = [d, task("a", &["d"]), task("b", &["d"]), task("c", &["d"])];
    let mut rig = Rig::new();

    rig.run("r", &document(&tasks));

    assert_eq!(states(&rig, &["a", "b", "c"]), [Skipped, Leased, Leased]);
}

#[test]
fn a_branch_may_name_several_tasks() {
    let tasks = [
        decision("d", &[], &[("true", json!(["a", "b"])), ("true", json!(["b", "c"]))]),
        task("a", &["d"]),
        task("b", &["d"]),
        task("c", &["d"]),
    ];
    let mut rig = Rig::new();

    rig.run("r", &document(&tasks));

    assert_eq!(states(&rig, &["a", "b", "c"]), [Leased, Leased, Skipped]);
}

/// Two decisions that name the same task, each choosing it or not.
fn two_decisions(first: bool, second: bool, join: &str) -> (Rig, TaskState) {
    let choice = |flag: bool| [(if flag { "true" } else { "false" }, json!("x"))];
    let tasks = [
        decision("d", &[], &choice(first)),
        task("gate", &[]),
        decision("e", &["gate"], &choice(second)),
        with(task("x", &["d", "e"]), &json!({"join": join})),
    ];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));
    let before = rig.state("r", "x");
    rig.complete("gate");
    (rig, before)
}

#[test]
fn a_task_that_two_decisions_name_is_skipped_only_where_neither_chose_it() {
    for (first, second) in [(true, true), (true, false), (false, true), (false, false)] {
        let (rig, _) = two_decisions(first, second, "all_success");

        let wanted = if first || second { TaskState::Leased } else { TaskState::Skipped };
        assert_eq!(rig.state("r", "x"), wanted, "{first} {second}");
    }
}

#[test]
fn a_join_of_any_does_not_open_before_a_decision_has_chosen_it() {
    let tasks = [
        task("a", &[]),
        task("gate", &[]),
        decision("d", &["gate"], &[("false", json!("x"))]),
        with(task("x", &["a", "d"]), &json!({"join": "any_success"})),
    ];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.complete("a");
    assert_eq!(rig.state("r", "x"), TaskState::Pending);
    rig.complete("gate");

    assert_eq!(rig.state("r", "x"), TaskState::Skipped);
    let (_, before) = two_decisions(true, false, "any_success");
    assert_eq!(before, TaskState::Leased, "one decision has chosen it already");
}

#[test]
fn a_task_that_was_not_chosen_is_skipped_whatever_its_other_dependencies_are() {
    for join in ["all_done", "any_success", "n_of_m:1", "none_failed_min_one_success"] {
        let tasks = [
            task("a", &[]),
            decision("d", &[], &[("false", json!("x"))]),
            with(task("x", &["a", "d"]), &json!({"join": join})),
        ];
        let mut rig = Rig::new();
        rig.run("r", &document(&tasks));

        assert_eq!(rig.state("r", "x"), TaskState::Skipped, "{join}");
        rig.complete("a");

        assert_eq!(rig.run_state("r"), RunState::Completed, "{join}");
    }
}

#[test]
fn a_decision_sees_the_input_the_outputs_before_it_and_its_own_parameters() {
    let mut d = decision("d", &["a"], &[("$.warm && $.flag && output.a.warm", json!("x"))]);
    d["parameters"]["flag"] = json!(true);
    let tasks = [task("a", &[]), d, task("x", &["d"])];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.complete_with("a", "{\"warm\":true}");

    assert_eq!(rig.state("r", "x"), TaskState::Leased);
}

#[test]
fn a_decision_that_cannot_be_evaluated_fails_and_can_be_recovered() {
    let tasks = [decision("d", &[], &[("input.count > 1", json!("x"))]), task("x", &["d"])];
    let mut rig = Rig::new();
    rig.deploy(&document(&tasks)).expect("it can be deployed");
    let mut start = Rig::start("r", "flow");
    start.input = Payload::new("{\"count\":\"many\"}".into());

    rig.begin(start).expect("it can be started");

    assert_eq!(
        (rig.run_state("r"), rig.error("r").as_str()),
        (RunState::Failed, "ExpressionFailed")
    );
    assert_eq!(rig.state("r", "x"), TaskState::Skipped);
    rig.recover("r", "d");
    assert_eq!(rig.run_state("r"), RunState::Failed, "it is tried again, and fails again");
}

#[test]
fn a_gateway_passes_on_the_output_of_the_branch_that_was_taken() {
    let tasks = [
        decision("d", &[], &[("false", json!("a")), ("true", json!("b"))]),
        task("a", &["d"]),
        task("b", &["d"]),
        json!({"id": "merged", "task_type": "gateway", "depends_on": ["a", "b"]}),
        json!({
            "id": "last", "task_type": "work", "depends_on": ["merged"],
            "parameters": {"value": "${output.merged}", "done": "${current_task}"},
        }),
    ];
    let mut rig = Rig::new();
    rig.run("r", &document(&tasks));

    rig.complete_with("b", "{\"done\":1}");

    assert_eq!(rig.held("last").expect("it is at work").args, ["{\"done\":1}", "\"b\""]);
}
