//! Maps: one instance for each item, joined in the order of the items.

use pyflow_core::command::{RunVerb, TaskVerb};
use pyflow_core::lifecycle::{RunState, TaskState};
use serde_json::{Value, json};

use crate::support::{Rig, document, task, with};

fn map(id: &str, items: &Value, more: &Value) -> Value {
    let parameters = json!({"item": "${item}", "index": "${index}"});
    let fields = json!({"for_each": items, "parameters": parameters});
    with(with(task(id, &[]), &fields), more)
}

#[test]
fn items_see_their_value_and_index_and_are_joined_in_their_order() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[map("m", &json!([10, "b", {"c": 1}]), &json!({}))]));

    assert_eq!(rig.held("m[2]").expect("it is at work").args, ["{\"c\":1}", "2"]);
    for name in ["m[2]", "m[0]", "m[1]"] {
        rig.complete(name);
    }

    assert_eq!(rig.result("r"), json!({"m": ["m[0]", "m[1]", "m[2]"]}));
}

#[test]
fn a_map_without_items_is_complete_at_once() {
    let mut rig = Rig::new();

    rig.run("r", &document(&[map("m", &json!([]), &json!({}))]));

    assert_eq!(rig.result("r"), json!({"m": []}));
}

#[test]
fn a_map_takes_its_items_from_an_output_and_refuses_what_is_no_list() {
    for (output, wanted) in [("[1,2]", TaskState::Waiting), ("7", TaskState::Failed)] {
        let items =
            with(map("m", &json!("${output.a}"), &json!({})), &json!({"depends_on": ["a"]}));
        let mut rig = Rig::new();
        rig.run("r", &document(&[task("a", &[]), items]));

        rig.complete_with("a", output);

        assert_eq!(rig.state("r", "m"), wanted, "{output}");
    }
}

#[test]
fn a_map_that_could_not_be_expanded_is_expanded_when_it_is_recovered() {
    let items = with(map("m", &json!("${output.a}"), &json!({})), &json!({"depends_on": ["a"]}));
    let mut rig = Rig::new();
    rig.run("r", &document(&[task("a", &[]), items]));
    rig.complete_with("a", "7");

    rig.recover("r", "m");

    assert_eq!(rig.state("r", "m"), TaskState::Failed, "it is not handed out as a whole");
    assert_eq!(rig.names(), [""; 0]);
}

#[test]
fn no_more_items_are_at_work_than_the_map_allows() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[map("m", &json!([0, 1, 2, 3, 4]), &json!({"concurrency": 2}))]));

    assert_eq!(rig.names(), ["m[0]", "m[1]"]);
    rig.complete("m[1]");
    assert_eq!(rig.names(), ["m[0]", "m[2]"]);
    for name in ["m[0]", "m[2]", "m[3]", "m[4]"] {
        rig.complete(name);
    }

    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn one_failed_item_fails_the_map_once_all_items_have_ended() {
    let mut rig = Rig::new();
    rig.run("r", &document(&[map("m", &json!([0, 1, 2]), &json!({})), task("after", &["m"])]));

    rig.complete("m[0]");
    rig.fail("m[1]");
    assert_eq!(rig.state("r", "m"), TaskState::Waiting);
    rig.complete("m[2]");

    assert_eq!(rig.state("r", "m"), TaskState::Failed);
    assert_eq!(rig.state("r", "after"), TaskState::Skipped);
    assert_eq!(rig.run_state("r"), RunState::Failed);
    assert_eq!(rig.error("r"), "ValueError");
}

#[test]
fn an_item_is_retried_by_itself() {
    let options = json!({"max_retries": 1, "base_delay": 1, "jitter": 0});
    let mut rig = Rig::new();
    rig.run("r", &document(&[map("m", &json!([0, 1]), &options)]));

    rig.fail("m[1]");
    rig.complete("m[0]");
    assert_eq!(rig.state("r", "m[1]"), TaskState::Backoff);
    rig.advance(1_000);
    assert_eq!(rig.held("m[1]").map(|given| given.attempt), Some(2));
    rig.complete("m[1]");

    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn a_recovered_map_does_its_failed_items_again_and_no_others_within_its_limit() {
    let options = json!({"concurrency": 1});
    let mut rig = Rig::new();
    rig.run("r", &document(&[map("m", &json!([0, 1, 2, 3]), &options), task("after", &["m"])]));
    for name in ["m[0]", "m[1]", "m[2]", "m[3]"] {
        if name == "m[1]" { rig.complete(name) } else { rig.fail(name) }
    }
    assert_eq!(rig.run_state("r"), RunState::Failed);

    rig.recover("r", "m");

    assert_eq!(rig.names(), ["m[0]"], "one at a time");
    assert_eq!(rig.held("m[0]").map(|given| given.attempt), Some(2));
    for name in ["m[0]", "m[2]", "m[3]"] {
        rig.complete(name);
    }
    assert_eq!(rig.names(), ["after"]);
    rig.complete("after");
    assert_eq!(rig.result("r")["m"], json!(["m[0]", "m[1]", "m[2]", "m[3]"]));
}

#[test]
fn one_item_is_recovered_while_its_map_is_at_work() {
    let options = json!({"concurrency": 1});
    let mut rig = Rig::new();
    rig.run("r", &document(&[map("m", &json!([0, 1]), &options)]));
    rig.fail("m[0]");

    rig.recover("r", "m[0]");

    assert_eq!(rig.names(), ["m[1]"], "it waits for its turn");
    rig.complete("m[1]");
    rig.complete("m[0]");
    assert_eq!(rig.run_state("r"), RunState::Completed);
}

#[test]
fn a_run_or_a_map_at_work_is_recovered_with_all_its_failed_items() {
    for by_task in [false, true] {
        let mut rig = Rig::new();
        rig.run("r", &document(&[map("m", &json!([0, 1, 2]), &json!({}))]));
        for name in ["m[0]", "m[1]", "m[2]"] {
            rig.fail(name);
        }
        rig.recover("r", "m[2]");
        assert_eq!(rig.names(), ["m[2]"]);

        if by_task {
            rig.recover("r", "m");
        } else {
            rig.control("r", RunVerb::Recover).expect("it can be recovered");
        }

        assert_eq!(rig.names(), ["m[2]", "m[0]", "m[1]"], "by task: {by_task}");
    }
}

#[test]
fn an_item_that_was_cancelled_before_its_turn_is_not_opened() {
    let options = json!({"concurrency": 1});
    let mut rig = Rig::new();
    rig.run("r", &document(&[map("m", &json!([0, 1, 2, 3]), &options)]));

    for name in ["m[1]", "m[2]"] {
        rig.on_task("r", name, TaskVerb::Cancel).expect("it can be cancelled");
    }
    rig.complete("m[0]");
    assert_eq!(rig.names(), ["m[3]"]);
    rig.complete("m[3]");

    assert_eq!(rig.run_state("r"), RunState::Failed);
    rig.recover("r", "m");
    assert_eq!(rig.names(), ["m[1]"]);
}

#[test]
fn outputs_inside_a_map_can_be_read_by_a_later_map_item_by_item() {
    let reads =
        json!({"depends_on": ["m"], "parameters": {"value": "${item.x}", "all": "${output.m}"}});
    let second = with(map("n", &json!("${output.m}"), &json!({})), &reads);
    let mut rig = Rig::new();
    rig.run("r", &document(&[map("m", &json!([0, 1]), &json!({})), second]));

    rig.complete_with("m[0]", "{\"x\":[1]}");
    rig.complete_with("m[1]", "{\"x\":[2]}");

    let all = "[{\"x\":[1]},{\"x\":[2]}]";
    assert_eq!(rig.held("n[1]").expect("it is at work").args, ["[2]", all]);
}

#[test]
fn a_run_with_maps_can_be_cancelled_at_any_time() {
    for completed in 0..3 {
        let mut rig = Rig::new();
        let options = json!({"concurrency": 2});
        rig.run("r", &document(&[map("m", &json!([0, 1, 2, 3]), &options), task("after", &["m"])]));
        for index in 0..completed {
            rig.complete(&format!("m[{index}]"));
        }

        rig.cancel("r");
        for name in rig.names() {
            rig.complete(&name);
        }

        assert_eq!(rig.run_state("r"), RunState::Cancelled);
        assert_eq!(rig.state("r", "m"), TaskState::Cancelled);
    }
}

#[test]
fn an_item_that_is_cancelled_before_its_turn_and_recovered_is_done_once() {
    let mut rig = Rig::new();
    let items = map("m", &json!([0, 1, 2, 3]), &json!({"concurrency": 2}));
    rig.run("r", &document(&[items]));
    rig.on_task("r", "m[3]", TaskVerb::Cancel).expect("it waits");

    rig.recover("r", "m[3]");

    for (name, then) in [("m[0]", "m[2]"), ("m[1]", "m[3]"), ("m[2]", "m[3]")] {
        rig.complete(name);
        assert!(rig.held(then).is_some(), "{then} follows {name}");
    }
    rig.complete("m[3]");
    assert_eq!(rig.result("r"), json!({"m": ["m[0]", "m[1]", "m[2]", "m[3]"]}));
}
