//! What would take minutes if anything in it grew with the square of the size.

use pyflow_core::command::RunVerb;
use pyflow_core::lifecycle::RunState;
use serde_json::{Value, json};

use crate::driver::{Driver, document, graph};

const COUNT: usize = 100_000;

fn tasks(task: impl Fn(usize) -> Value) -> Vec<Value> {
    (0..COUNT).map(task).collect()
}

fn started(slots: u32, flow: &Value) -> Driver {
    let mut driver = Driver::new(slots);
    driver.deploy(&document(flow));
    driver.start("r");
    driver.pump();
    driver
}

fn state(driver: &Driver) -> RunState {
    driver.shard.state().run_by_id("default", "r").expect("it has not left").state()
}

#[test]
fn a_branch_of_many_tasks_is_taken() {
    let ids: Vec<String> = (0..COUNT).map(|n| format!("t{n}")).collect();
    let mut all = tasks(|n| json!({"id": ids[n], "task_type": "noop", "depends_on": ["d"]}));
    let conditions = json!([{"condition": "true", "next_task": ids}]);
    let parameters = json!({"conditions": conditions});
    all.push(json!({"id": "d", "task_type": "decision", "parameters": parameters}));

    let driver = started(1, &json!({"id": "flow", "tasks": all}));

    assert_eq!(state(&driver), RunState::Completed);
}

#[test]
fn many_items_fail_and_are_recovered() {
    let items: Vec<usize> = (0..COUNT).collect();
    let map = json!({"id": "m", "task_type": "work", "for_each": items});
    let mut driver = started(1_000, &json!({"id": "flow", "tasks": [map]}));

    driver.fail_all();
    assert_eq!(state(&driver), RunState::Failed);
    driver.control("r", RunVerb::Recover);
    driver.complete_all();

    assert_eq!(state(&driver), RunState::Completed);
    assert_eq!(driver.handed_out, 2 * COUNT);
}

#[test]
fn many_tasks_fail_with_handlers_and_are_recovered() {
    let all = tasks(
        |n| json!({"id": format!("t{n}"), "task_type": "work", "on_error": {"task_type": "work"}}),
    );
    let mut driver = started(1_000, &json!({"id": "flow", "tasks": all}));

    driver.fail_all();
    driver.control("r", RunVerb::Recover);
    driver.complete_all();

    assert_eq!(state(&driver), RunState::Completed);
    assert_eq!(driver.handed_out, 3 * COUNT);
}

#[test]
fn many_failures_are_forgiven_by_one_join() {
    let ids: Vec<String> = (0..COUNT).map(|n| format!("t{n}")).collect();
    let mut all = tasks(|n| json!({"id": ids[n], "task_type": "work"}));
    all.push(json!({"id": "good", "task_type": "noop"}));
    let mut deps = ids.clone();
    deps.push("good".into());
    let join = json!({"id": "j", "task_type": "noop", "depends_on": deps, "join": "any_success"});
    all.push(join);
    let mut driver = started(1_000, &json!({"id": "flow", "tasks": all}));

    driver.fail_all();

    assert_eq!(state(&driver), RunState::Completed);
}

#[test]
fn many_tasks_wait_for_a_permit_or_a_rate() {
    for options in [json!({"concurrency_key": "k"}), json!({"rate_limit": "1000/s"})] {
        let all = tasks(|n| {
            let mut task = json!({"id": format!("t{n}"), "task_type": "work"});
            task.as_object_mut()
                .expect("it is an object")
                .extend(options.as_object().expect("they are an object").clone());
            task
        });
        let mut driver = started(1_000, &json!({"id": "flow", "tasks": all}));

        driver.run_out();

        assert_eq!(driver.handed_out, COUNT, "{options}");
    }
}

#[test]
fn many_types_are_queued_at_once() {
    let all = tasks(|n| {
        let task_type =
            if n % 2 == 0 { "work".to_string() } else { format!("other_{}", n % 5_000) };
        json!({"id": format!("t{n}"), "task_type": task_type})
    });
    let mut driver = started(1_000, &json!({"id": "flow", "tasks": all}));

    driver.complete_all();

    assert_eq!(driver.handed_out, COUNT / 2);
}

#[test]
fn a_large_run_is_paused_and_resumed_and_cancelled() {
    let all = tasks(|n| json!({"id": format!("t{n}"), "task_type": "work"}));
    let mut driver = started(10, &json!({"id": "flow", "tasks": all}));

    for _ in 0..1_000 {
        driver.control("r", RunVerb::Pause);
        driver.control("r", RunVerb::Resume);
    }
    driver.control("r", RunVerb::Cancel { reason: String::new() });
    driver.complete_all();

    assert_eq!(state(&driver), RunState::Cancelled);
}

#[test]
fn many_runs_are_started_and_paused_and_resumed_and_cancelled() {
    let mut driver = Driver::new(10);
    driver.deploy(&graph(2, |task| task.checked_sub(1).into_iter().collect()));
    let ids: Vec<String> = (0..COUNT).map(|number| format!("r{number}")).collect();

    for run_id in &ids {
        driver.start(run_id);
    }
    for verb in [RunVerb::Pause, RunVerb::Resume, RunVerb::Cancel { reason: String::new() }] {
        for run_id in &ids {
            driver.control(run_id, verb.clone());
        }
    }
    driver.complete_all();

    assert_eq!(driver.shard.state().runs().filter(|run| !run.state().is_terminal()).count(), 0);
}

#[test]
fn a_chain_of_failures_is_long() {
    let mut driver = Driver::new(10);
    driver.deploy(&graph(COUNT as u32, |task| task.checked_sub(1).into_iter().collect()));
    driver.start("r");

    driver.fail_all();
    driver.control("r", RunVerb::Recover);
    driver.complete_all();

    assert_eq!(state(&driver), RunState::Completed);
}
