//! Users' values: large ones beside the log, none kept longer than it is needed.

use pyflow_core::command::Outcome;
use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::limits::{NESTING_MAX, PAYLOAD_INLINE_SIZE_MAX, PAYLOAD_SIZE_MAX};
use pyflow_core::payload::Payload;
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

fn reader(id: &str, of: &str, deps: &[&str]) -> Value {
    with(task(id, deps), &json!({"parameters": {"value": format!("${{output.{of}}}")}}))
}

fn text(size: usize) -> String {
    format!("\"{}\"", "x".repeat(size))
}

#[test]
fn a_large_value_is_kept_beside_the_log_and_read_back() {
    let large = text(PAYLOAD_INLINE_SIZE_MAX);
    let mut rig = Rig::new();
    rig.run(
        "r",
        &with(document(&[task("a", &[]), reader("b", "a", &["a"])]), &json!({"result": 1})),
    );

    rig.complete_with("a", &large);

    let turn_size = rig.kept.largest_turn();
    assert!(turn_size < 2_000, "{turn_size}");
    rig.restart(true);
    assert_eq!(rig.held("b").expect("it is at work").args, [large]);
}

#[test]
fn a_large_value_is_in_the_result_of_its_run() {
    let large = text(PAYLOAD_INLINE_SIZE_MAX);
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[])]));

    rig.complete_with("a", &large);

    assert_eq!(rig.result("r")["a"].as_str().map(str::len), Some(large.len() - 2));
}

#[test]
fn an_output_is_freed_after_its_last_reader() {
    let tasks =
        [task("a", &[]), reader("b", "a", &["a"]), reader("c", "a", &["b"]), task("d", &["c"])];
    let mut rig = Rig::new();
    rig.run("r", &with(document(&tasks), &json!({"result": "${output.d}"})));
    let is_kept = |rig: &Rig| {
        rig.look("r", |run| run.output(run.find_instance("a").expect("it is a task")).is_some())
    };

    rig.complete("a");
    rig.complete("b");
    assert!(is_kept(&rig));
    rig.complete("c");
    assert!(!is_kept(&rig));
}

#[test]
fn an_output_is_freed_where_its_last_reader_was_skipped_before_it() {
    let choose = json!({
        "id": "d", "task_type": "decision",
        "parameters": {"conditions": [{"condition": "false", "next_task": "b"}]},
    });
    let tasks = [task("a", &[]), choose, reader("b", "a", &["a", "d"]), task("last", &["a"])];
    let mut rig = Rig::new();
    rig.run("r", &with(document(&tasks), &json!({"result": 1})));
    assert_eq!(rig.state("r", "b"), TaskState::Skipped);

    rig.complete("a");

    let kept = rig.look("r", |run| run.output(pyflow_core::ids::InstanceIndex(0)).is_some());
    assert!(!kept);
}

#[test]
fn an_output_is_kept_for_a_reader_that_may_be_recovered() {
    let mut rig = Rig::new();
    let tasks = [task("a", &[]), reader("b", "a", &["a"]), reader("c", "a", &["b"])];
    rig.run("r", &with(document(&tasks), &json!({"result": 1})));
    rig.complete_with("a", "7");
    rig.fail("b");

    rig.recover("r", "b");
    rig.complete("b");

    assert_eq!(rig.held("c").expect("it is at work").args, ["7"]);
}

#[test]
fn an_output_that_a_handler_reads_is_kept_for_its_next_call() {
    let handler = with(task("h", &[]), &json!({"parameters": {"value": "${output.a}"}}));
    let failing = with(task("b", &["a"]), &json!({"on_error": "h"}));
    let mut rig = Rig::new();
    rig.run("r", &with(document(&[task("a", &[]), failing, handler]), &json!({"result": 1})));
    rig.complete_with("a", "7");
    rig.fail("b");
    rig.complete("h");

    rig.recover("r", "b");
    rig.fail("b");

    assert_eq!(rig.held("h").expect("it is at work").args, ["7"]);
}

#[test]
fn a_value_that_is_too_large_fails_its_task() {
    let mut rig = Rig::unchecked(pyflow_core::shard::ShardSettings::default(), [8, 8, 8]);
    rig.run("r", &document(&[task("a", &[])]));
    let given = rig.held("a").expect("it is at work");

    let output = Payload::new(vec![b' '; PAYLOAD_SIZE_MAX + 1].into());
    rig.report(&given, Outcome::Completed { output });

    assert_eq!(
        (rig.run_state("r"), rig.error("r").as_str()),
        (RunState::Failed, "PayloadTooLarge")
    );
}

#[test]
fn outputs_of_items_that_are_too_large_together_fail_their_map() {
    let mut rig = Rig::unchecked(pyflow_core::shard::ShardSettings::default(), [8, 8, 8]);
    let map = with(task("m", &[]), &json!({"for_each": [0, 1]}));
    rig.run("r", &document(&[map]));
    let half = Payload::new(vec![b' '; PAYLOAD_SIZE_MAX / 2].into());

    for name in ["m[0]", "m[1]"] {
        let given = rig.held(name).expect("it is at work");
        rig.report(&given, Outcome::Completed { output: half.clone() });
    }

    assert_eq!(
        (rig.run_state("r"), rig.error("r").as_str()),
        (RunState::Failed, "PayloadTooLarge")
    );
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// How a run ends whose first task, or item of a map, gives a value of this depth.
fn ended(document: &Value, depth: usize) -> Result<RunState, String> {
    let mut rig = Rig::new();
    rig.run("r", document);
    let name = rig.names()[0].clone();
    rig.complete_with(&name, &nested(depth));
    let state = rig.run_state("r");
    if state == RunState::Failed { Err(rig.error("r")) } else { Ok(state) }
}

#[test]
fn a_value_that_the_core_makes_too_deep_fails_with_what_made_it() {
    let of_a = json!("${output.a}");
    let select = json!({"operation": "select", "fields": {"within": of_a}});
    let select = json!({"id": "s", "task_type": "data_transformation", "parameters": select});
    let select = with(select, &json!({"depends_on": ["a"]}));
    let map = with(task("m", &[]), &json!({"for_each": [0]}));
    let (a, one) = ([task("a", &[])], json!({"result": 1}));
    let made = [
        (with(document(&[task("a", &[]), select]), &one), "ExpressionFailed"),
        (with(document(&[map]), &one), "PayloadTooLarge"),
        (document(&a), "PayloadTooLarge"),
        (with(document(&a), &json!({"result": {"within": of_a}})), "ExpressionFailed"),
    ];
    for (flow, error) in made {
        assert_eq!(ended(&flow, NESTING_MAX - 1), Ok(RunState::Completed), "{flow}");
        assert_eq!(ended(&flow, NESTING_MAX), Err(error.to_string()), "{flow}");
    }
}
