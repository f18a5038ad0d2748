//! How long a store with a long log takes until it accepts work again after a kill.
//!
//! Run `cargo run --release -p pyflow-engine --example replay_speed [directory] [MiB of log] [runs]`. The
//! default is 1 GiB of events of about 200 bytes, of 10,000 runs, with no checkpoint ever taken.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pyflow_core::command::{StartRun, Wanted};
use pyflow_core::definition::{Definition, Draft};
use pyflow_core::payload::Payload;
use pyflow_core::schedule::Pool;
use pyflow_engine::{AttemptReport, Engine, EngineSettings, Out, ReportKind, Request};

/// Tasks of each run, all of them ready at once.
const TASK_COUNT: u32 = 400;
/// With the event of its hand-out a task comes to two events of about 200 bytes.
const OUTPUT_SIZE: usize = 320;
const SLOTS: u32 = 1_000;
const SESSION: u32 = 1;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let mut number =
        |missing: u64| arguments.next().map_or(missing, |text| text.parse().expect("a number"));
    let (size, run_count) = (number(1_024) * 1024 * 1024, number(10_000));
    let dir = tempfile::tempdir_in(base).expect("a directory");
    let path = dir.path().join("flow.db");
    let url = format!("sqlite:///{}", path.display());
    let mut out = std::io::stdout();

    let began = Instant::now();
    let written = write_log(&url, size, run_count);
    writeln!(out, "{} MiB of log written in {:.1?}", written >> 20, began.elapsed())
        .expect("somebody reads");
    for (number, model) in (1..).zip(["kept", "lost"]) {
        if model == "lost" {
            std::fs::remove_file(dir.path().join("flow.db-read.db")).expect("it is there");
        }
        let (opening, accepting) = reopen(&url, run_count + number);
        writeln!(
            out,
            "read model {model}: opened in {opening:.2?}, accepts work after {accepting:.2?}"
        )
        .expect("somebody reads");
    }
}

fn settings() -> EngineSettings {
    EngineSettings { inline: true, checkpoint_size: u64::MAX, ..EngineSettings::default() }
}

/// A definition of tasks without edges.
fn definition() -> (Definition, Bytes) {
    let mut draft = Draft::new("wide");
    draft.type_names = vec!["work".into()];
    draft.options = vec!["{}".into()];
    draft.result = Some("1".into());
    draft.shapes = vec![vec![]];
    for task in 0..TASK_COUNT {
        draft.ids.push_str("task_");
        draft.ids.push_str(&task.to_string());
        draft.id_ends.push(draft.ids.len() as u32);
        draft.types.push(0);
        draft.option_of.push(0);
        draft.shape_of.push(0);
        draft.arg_ends.push(0);
        draft.dep_ends.push(0);
    }
    Definition::compile(draft).expect("it can be run")
}

fn start(definition: &Definition, number: u64) -> StartRun {
    let wanted = Wanted::Hash(definition.hash);
    let start = StartRun::new("default", &format!("{number:032x}"), wanted);
    StartRun { consistency: Some(pyflow_core::consistency::Consistency::Eventual), ..start }
}

fn ask(engine: &Engine, request: Request) -> Vec<Out> {
    engine.submit(request).expect("the door is open");
    engine.pump();
    engine.drain(usize::MAX)
}

/// Fills a log and ends as a kill would: nothing is kept but what is in the file.
fn write_log(url: &str, size: u64, run_count: u64) -> u64 {
    let engine = Engine::open(url, &settings()).expect("the store opens");
    let (definition, stored) = definition();
    let definition = Arc::new(definition);
    ask(&engine, Request::Deploy { ticket: 1, definition: definition.clone(), stored });
    let starts = (0..run_count).map(|number| start(&definition, number)).collect();
    ask(&engine, Request::StartMany { ticket: 2, starts });
    engine.new_session();
    ask(&engine, Request::OpenSession { session: SESSION, slots: [SLOTS, 0, 0] });
    let types = vec![("work".into(), Pool::Async)];
    let mut heard = ask(&engine, Request::SetTypes { session: SESSION, types });
    let output = Bytes::from(format!("\"{}\"", "x".repeat(OUTPUT_SIZE)));
    let mut written = 0;
    while written < size {
        let reports: Vec<AttemptReport> =
            heard.iter().filter_map(handle).map(done(&output)).collect();
        assert!(!reports.is_empty(), "there are tasks enough");
        written += reports.len() as u64 * (OUTPUT_SIZE as u64 + 80);
        heard = ask(&engine, Request::Report { session: SESSION, reports });
    }
    written
}

fn done(output: &Bytes) -> impl Fn(u64) -> AttemptReport {
    |handle| AttemptReport { handle, kind: ReportKind::Completed(Payload::new(output.clone())) }
}

fn handle(out: &Out) -> Option<u64> {
    match out {
        Out::Grant(granted) => Some(granted.handle),
        Out::Reply { .. } | Out::Stop { .. } | Out::Broken(_) => None,
    }
}

/// Opens the store and starts a run; gives the time until each was done.
fn reopen(url: &str, number: u64) -> (Duration, Duration) {
    let began = Instant::now();
    let engine = Engine::open(url, &settings()).expect("the store opens");
    let opening = began.elapsed();
    let (definition, _) = definition();
    let start = Box::new(start(&definition, number));
    let heard = ask(&engine, Request::Start { ticket: 3, start });
    let is_taken = |out: &Out| matches!(out, Out::Reply { ticket: 3, answer: Ok(_) });
    assert!(heard.iter().any(is_taken), "the start is accepted");
    (opening, began.elapsed())
}
