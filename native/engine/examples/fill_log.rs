//! Writes a store as a crash leaves it: a long log and no checkpoint. For the restart benchmark.
//!
//! `cargo run --release -p pyflow-engine --example fill_log PATH [MIB] [RUNS] [EVENT_SIZE]` makes runs that end one
//! task after another, until the log holds so many bytes of events of so many bytes each, and then ends without
//! closing. It prints the number of events. With `open PATH` it opens such a store, starts one more run, and prints
//! the seconds until the engine was open and until the start was on disk.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pyflow_core::command::{StartRun, Wanted};
use pyflow_core::definition::{Definition, draft_from_document};
use pyflow_core::limits::BATCH_RUN_COUNT_MAX;
use pyflow_core::payload::Payload;
use pyflow_core::schedule::Pool;
use pyflow_engine::{AttemptReport, Engine, EngineSettings, Out, ReportKind, Request};

const SESSION_SLOTS: u32 = 1_000;
const TYPE: &str = "work";
/// A completed task writes two events: its hand-out, which is short, and its result.
const EVENTS_A_TASK: u64 = 2;
/// What the two take beside the result.
const SIZE_BESIDE: u64 = 50;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("the path of the store");
    if path == "open" {
        return open_and_start(&arguments.next().expect("the path of the store"));
    }
    let mut number = |default: u64| {
        arguments.next().map_or(default, |text| text.parse().expect("a whole number"))
    };
    let (size, runs, event_size) = (number(1024) << 20, number(10_000), number(200));
    let tasks_a_run = size / event_size / EVENTS_A_TASK / runs + 1;
    let engine = open(&path);
    let definition = deploy(&engine, tasks_a_run);
    start(&engine, &definition, runs);
    let result = Bytes::from(format!(
        "\"{}\"",
        "x".repeat((event_size * EVENTS_A_TASK - SIZE_BESIDE) as usize)
    ));
    let tasks = work(&engine, runs * tasks_a_run - runs, &result);
    writeln!(std::io::stdout(), "{}", tasks * EVENTS_A_TASK).expect("somebody reads");
    // As a crash does: nothing is drained, nothing is kept but the log.
    std::process::exit(0);
}

fn open(path: &str) -> Engine {
    let settings = EngineSettings { checkpoint_size: u64::MAX, ..EngineSettings::default() };
    Engine::open(&format!("sqlite:///{path}"), &settings).expect("the store opens")
}

fn open_and_start(path: &str) {
    let began = Instant::now();
    let engine = open(path);
    let opened = began.elapsed().as_secs_f64();
    ask(&engine, Request::StartMany { ticket: 1, starts: vec![start_of("one-more", by_name())] });
    while engine.drain(usize::MAX).is_empty() {
        std::thread::sleep(Duration::from_micros(100));
    }
    let accepted = began.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{opened} {accepted}").expect("somebody reads");
    std::process::exit(0);
}

fn by_name() -> Wanted {
    Wanted::Name { name: "flow".into(), version: None }
}

/// A chain, so that each run has one task at work at a time and its last is never reported.
fn deploy(engine: &Engine, tasks: u64) -> Arc<Definition> {
    let nodes: Vec<String> = (0..tasks)
        .map(|task| {
            let before = if task == 0 { String::new() } else { format!("\"t{}\"", task - 1) };
            format!(r#"{{"id": "t{task}", "task_type": "{TYPE}", "depends_on": [{before}]}}"#)
        })
        .collect();
    // With a result of its own, the outputs are let go of once nobody reads them any more.
    let document = format!(r#"{{"id": "flow", "result": 1, "tasks": [{}]}}"#, nodes.join(","));
    let draft = draft_from_document(document.as_bytes()).expect("the document is right");
    let (definition, stored) = Definition::compile(draft).expect("the definition is right");
    let definition = Arc::new(definition);
    let deployed = definition.clone();
    ask(engine, Request::Deploy { ticket: 1, definition: deployed, stored });
    let session = engine.new_session();
    ask(engine, Request::OpenSession { session, slots: [SESSION_SLOTS, 0, 0] });
    ask(engine, Request::SetTypes { session, types: vec![(TYPE.into(), Pool::Async)] });
    definition
}

fn ask(engine: &Engine, request: Request) {
    engine.submit(request).expect("the door is open");
}

fn start(engine: &Engine, definition: &Definition, runs: u64) {
    let wanted = || Wanted::Hash(definition.hash);
    let starts: Vec<_> = (0..runs).map(|run| start_of(&format!("run-{run}"), wanted())).collect();
    for starts in starts.chunks(BATCH_RUN_COUNT_MAX) {
        ask(engine, Request::StartMany { ticket: 2, starts: starts.to_vec() });
    }
}

fn start_of(run_id: &str, wanted: Wanted) -> StartRun {
    StartRun::new("default", run_id, wanted)
}

/// Reports what is granted until so many tasks have ended.
fn work(engine: &Engine, wanted: u64, result: &Bytes) -> u64 {
    let mut done = 0;
    while done < wanted {
        let reports: Vec<AttemptReport> = engine
            .drain(usize::MAX)
            .into_iter()
            .filter_map(|out| match out {
                Out::Grant(granted) => Some(granted.handle),
                Out::Reply { answer, .. } => {
                    answer.expect("nothing is refused");
                    None
                }
                Out::Stop { .. } | Out::Broken(_) => panic!("the ring stopped"),
            })
            .map(|handle| AttemptReport {
                handle,
                kind: ReportKind::Completed(Payload::new(result.clone())),
            })
            .collect();
        if reports.is_empty() {
            std::thread::sleep(Duration::from_micros(100));
            continue;
        }
        done += reports.len() as u64;
        ask(engine, Request::Report { session: 1, reports });
    }
    done
}
