//! What a waiting run and a pending task take of the process's resident memory.
//!
//! Run `cargo run --release -p pyflow-engine --example resident_memory [directory] [runs] [tasks]`. The
//! defaults are 100,000 runs that wait on timers and one run of 1,000,000 tasks in a chain.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::command::{StartRun, Wanted};
use pyflow_core::definition::{Definition, Draft, DraftArg, draft_from_document};
use pyflow_engine::{Engine, EngineSettings, Request};

const WAITING: &str = r#"{"id": "flow", "tasks": [
    {"id": "wait", "task_type": "timer", "parameters": {"seconds": 3600}},
    {"id": "work", "task_type": "work", "depends_on": ["wait"]}
]}"#;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let mut number =
        |missing: u64| arguments.next().map_or(missing, |text| text.parse().expect("a number"));
    let (run_count, task_count) = (number(100_000), number(1_000_000));
    let dir = tempfile::tempdir_in(base).expect("a directory");
    let url = |name: &str| format!("sqlite:///{}", dir.path().join(name).display());

    let draft = draft_from_document(WAITING.as_bytes()).expect("the document is right");
    let compiled = Definition::compile(draft).expect("it can be run");
    let growth = growth_of(&url("runs.db"), compiled, run_count);
    say(&format!("{run_count} runs that wait: {} bytes each", growth / run_count));
    let growth = growth_of(&url("tasks.db"), chain(task_count as u32), 1);
    say(&format!("a run of {task_count} tasks: {} bytes a task", growth / task_count));
}

fn say(text: &str) {
    writeln!(std::io::stdout(), "{text}").expect("somebody reads");
}

/// Starts so many runs of a definition that is deployed; gives how much the process grew by that.
fn growth_of(url: &str, (definition, stored): (Definition, Bytes), run_count: u64) -> u64 {
    let settings = EngineSettings { inline: true, ..EngineSettings::default() };
    let engine = Engine::open(url, &settings).expect("the store opens");
    let definition = Arc::new(definition);
    ask(&engine, Request::Deploy { ticket: 1, definition: definition.clone(), stored });
    let before = resident_size();
    for first in (0..run_count).step_by(1_000) {
        let numbers = first..(first + 1_000).min(run_count);
        let starts = numbers.map(|number| start(&definition, number)).collect();
        ask(&engine, Request::StartMany { ticket: 2, starts });
    }
    resident_size().saturating_sub(before)
}

fn ask(engine: &Engine, request: Request) {
    engine.submit(request).expect("the door is open");
    engine.pump();
    engine.drain(usize::MAX);
}

fn start(definition: &Definition, number: u64) -> StartRun {
    StartRun::new("default", &format!("{number:032x}"), Wanted::Hash(definition.hash))
}

/// Tasks that each wait for the one before.
fn chain(count: u32) -> (Definition, Bytes) {
    let mut draft = Draft::new("chain");
    draft.type_names = vec!["work".into()];
    draft.options = vec!["{}".into()];
    draft.result = Some("1".into());
    draft.shapes = vec![vec![], vec!["value".into()]];
    for task in 0..count {
        draft.ids.push_str("task_");
        draft.ids.push_str(&task.to_string());
        draft.id_ends.push(draft.ids.len() as u32);
        let before = task.checked_sub(1);
        draft.types.push(0);
        draft.option_of.push(0);
        draft.shape_of.push(u32::from(before.is_some()));
        draft.args.extend(before.map(DraftArg::Output));
        draft.arg_ends.push(draft.args.len() as u32);
        draft.deps.extend(before);
        draft.dep_ends.push(draft.deps.len() as u32);
    }
    Definition::compile(draft).expect("it can be run")
}

/// Bytes of resident memory.
fn resident_size() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("the system tells it");
    let pages = statm.split_ascii_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok());
    pages.expect("the second number is of pages") * 4_096
}
