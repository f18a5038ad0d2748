//! Bytes that a task and a run take.

use std::sync::Arc;

use pyflow_core::codec::Reader;
use pyflow_core::definition::{Definition, definition_of_document};
use pyflow_core::ids::DefinitionHash;
use pyflow_core::lifecycle::RunState;
use pyflow_core::state::State;
use serde_json::{Value, json};

use crate::counted::Counted;
use crate::driver::{Driver, document, graph};

const MILLION: u32 = 1_000_000;

/// Starts a run of a million tasks and ends it; gives the bytes a task before, in between and at
/// the peak.
fn million(deps: impl Fn(u32) -> Vec<u32>) -> (usize, usize) {
    let counted = Counted::new();
    let definition = graph(MILLION, deps);
    let mut driver = Driver::new(1_000);
    driver.deploy(&definition);
    driver.start("r");
    driver.pump();
    let (each, peak) = (counted.bytes() / MILLION as usize, counted.peak() / MILLION as usize);

    driver.complete_all();

    assert_eq!(driver.handed_out, MILLION as usize);
    assert!(driver.shard.state().runs().all(|run| run.state() == RunState::Completed));
    (each, peak)
}

#[test]
fn a_task_that_waits_takes_a_hundred_bytes_at_most_with_its_definition() {
    let (chain, chain_peak) = million(|task| task.checked_sub(1).into_iter().collect());
    let (layers, _) = million(|task| {
        let before = task.checked_sub(1_000);
        before.map_or(Vec::new(), |before| vec![before, before / 1_000 * 1_000])
    });

    assert!(chain <= 100, "{chain} bytes a task of a chain");
    assert!(layers <= 100, "{layers} bytes a task of layers");
    assert!(chain_peak <= 200, "{chain_peak} bytes a task at the peak");
}

#[test]
fn a_task_that_is_ready_takes_little_more() {
    let (wide, wide_peak) = million(|_| Vec::new());
    let last = MILLION - 1;
    let (fan_in, _) = million(|task| if task == last { (0..last).collect() } else { Vec::new() });

    assert!(wide <= 128, "{wide} bytes a task that is ready");
    assert!(wide_peak <= 256, "{wide_peak} bytes a task at the peak");
    assert!(fan_in <= 160, "{fan_in} bytes a task before one that waits for all");
}

#[test]
fn a_definition_takes_little_when_it_is_read_back_and_while_it_is() {
    const COUNT: usize = 50_000;
    let tasks: Vec<Value> = (0..COUNT)
        .map(|task| {
            let before = task.checked_sub(1).map(|before| format!("task_{before}"));
            let before: Vec<String> = before.into_iter().collect();
            json!({"id": format!("task_{task}"), "task_type": "work", "depends_on": before,
                "parameters": {"number": task}})
        })
        .collect();
    let document = json!({"id": "flow", "tasks": tasks}).to_string();
    let (_, stored) = definition_of_document(document.as_bytes()).expect("it can be run");
    let counted = Counted::new();

    let copy = stored.to_vec();
    let definition = Definition::from_stored(copy).expect("it is as it was kept");

    assert_eq!(definition.task_count(), COUNT);
    let (each, peak) = (counted.bytes() / COUNT, counted.peak() / COUNT);
    assert!(each <= 80, "{each} bytes a task, with a constant each");
    assert!(peak <= 110, "{peak} bytes a task at the peak");
}

fn waiting() -> Arc<Definition> {
    document(&json!({"id": "flow", "tasks": [
        {"id": "wait", "task_type": "timer", "parameters": {"seconds": 3600}},
        {"id": "work", "task_type": "work", "depends_on": ["wait"]},
    ]}))
}

#[test]
fn a_run_that_waits_takes_750_bytes_at_most_also_after_a_restart() {
    const COUNT: usize = 100_000;
    let definition = waiting();
    let counted = Counted::new();
    let mut driver = Driver::new(1_000);
    driver.deploy(&definition);
    for number in 0..COUNT {
        driver.start(&format!("{number:031x}"));
    }
    driver.pump();
    let before = counted.bytes() / COUNT;

    let state = driver.shard.state();
    let shard = state.encode_shard();
    let numbers = state.runs().map(pyflow_core::state::Run::number);
    let runs: Vec<Vec<u8>> = numbers
        .map(|run| state.encode_run(run).expect("its number was found just now").0)
        .collect();
    drop(driver);
    let counted = Counted::new();
    let known = |_: &DefinitionHash| Some(definition.clone());
    let mut state = State::decode_shard(&shard, &known).expect("a checkpoint can be read");
    for run in &runs {
        state.decode_run(&mut Reader::new(run)).expect("a snapshot can be read");
    }
    let mut driver = Driver::around(state, 1_000);
    let after = counted.bytes() / COUNT;
    driver.run_out();

    assert_eq!(driver.handed_out, COUNT);
    assert!(before <= 700, "{before} bytes a run");
    assert!(after <= 750, "{after} bytes a run after a restart");
}

#[test]
fn an_item_of_a_map_takes_what_a_task_takes() {
    const COUNT: usize = 100_000;
    let items: Vec<usize> = (0..COUNT).collect();
    let counted = Counted::new();
    let definition = document(&json!({"id": "flow", "tasks": [
        {"id": "m", "task_type": "work", "for_each": items, "concurrency": 100},
    ]}));
    let mut driver = Driver::new(1_000);
    driver.deploy(&definition);
    driver.start("r");
    driver.pump();
    let each = counted.bytes() / COUNT;

    driver.complete_all();

    assert_eq!(driver.handed_out, COUNT);
    assert!(each <= 100, "{each} bytes an item");
}
