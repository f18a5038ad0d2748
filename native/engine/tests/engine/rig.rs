//! A ring that is turned by hand, and what it says.

use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::command::{StartRun, Wanted};
use pyflow_core::definition::{Definition, draft_from_document};
use pyflow_core::payload::Payload;
use pyflow_core::schedule::Pool;
use pyflow_engine::{
    AttemptReport, Engine, EngineSettings, Look, Out, Query, ReportKind, Request, Token, Value,
};
use pyflow_store::{MemoryFault, StoreFault};
use serde_json::Value as Json;

pub(crate) const DOCUMENT: &str = r#"{"id": "pair", "tasks": [
    {"id": "first", "task_type": "work"},
    {"id": "second", "task_type": "work", "depends_on": ["first"]}
]}"#;

pub(crate) fn settings() -> EngineSettings {
    EngineSettings { inline: true, manual_clock: true, ..EngineSettings::default() }
}

pub(crate) fn full() -> MemoryFault {
    MemoryFault::Fail(StoreFault::Full { path: "memory".into() })
}

/// A call that fails once and leaves the log as it was.
pub(crate) fn refused() -> MemoryFault {
    let (operation, path, detail) = ("a call", "memory".into(), "not now".into());
    MemoryFault::Fail(StoreFault::Refused { operation, path, detail })
}

/// An engine with one worker that runs `work`, and the definition deployed.
pub(crate) fn opened(engine: &Engine) -> Arc<Definition> {
    opened_with(engine, DOCUMENT)
}

/// The same with a definition of the caller's.
pub(crate) fn opened_with(engine: &Engine, document: &str) -> Arc<Definition> {
    let draft = draft_from_document(document.as_bytes()).expect("the document is right");
    let (definition, stored) = Definition::compile(draft).expect("the definition is right");
    let definition = Arc::new(definition);
    let (deployed, ticket) = (definition.clone(), 1);
    ask(engine, Request::Deploy { ticket, definition: deployed, stored });
    let session = engine.new_session();
    ask(engine, Request::OpenSession { session, slots: [4, 0, 0] });
    ask(engine, Request::SetTypes { session, types: vec![("work".into(), Pool::Async)] });
    definition
}

pub(crate) fn ask(engine: &Engine, request: Request) -> Vec<Out> {
    engine.submit(request).expect("the door is open");
    engine.pump();
    engine.drain(usize::MAX)
}

pub(crate) fn start(engine: &Engine, definition: &Definition, ticket: u64) -> Vec<Out> {
    ask(engine, Request::Start { ticket, start: Box::new(named(definition, "one")) })
}

/// A start of a run with a chosen id.
pub(crate) fn named(definition: &Definition, run_id: &str) -> StartRun {
    let wanted = Wanted::Hash(definition.hash);
    StartRun { chosen: true, ..StartRun::new("default", run_id, wanted) }
}

/// Starts of runs as a batch has them, with ids that count as generated.
pub(crate) fn batch(definition: &Definition, run_ids: &[String]) -> Vec<StartRun> {
    let start = |run_id: &String| StartRun { chosen: false, ..named(definition, run_id) };
    run_ids.iter().map(start).collect()
}

pub(crate) fn report(engine: &Engine, handle: u64, output: &'static str) -> Vec<Out> {
    let kind = ReportKind::Completed(Payload::new(Bytes::from_static(output.as_bytes())));
    ask(engine, Request::Report { session: 1, reports: vec![AttemptReport { handle, kind }] })
}

/// The handles of what was granted, with the ids of the tasks.
pub(crate) fn granted(heard: &[Out]) -> Vec<(u64, String)> {
    let grants = heard.iter().filter_map(|out| match out {
        Out::Grant(granted) => Some(granted),
        Out::Reply { .. } | Out::Stop { .. } | Out::Broken(_) => None,
    });
    grants.map(|granted| (granted.handle, granted.definition.id(granted.task).into())).collect()
}

/// What a ticket was answered with: the value, or the code of the refusal.
pub(crate) fn answered(heard: &[Out], wanted: u64) -> Option<Result<Value, &'static str>> {
    heard.iter().find_map(|out| match out {
        Out::Reply { ticket, answer } if *ticket == wanted => {
            Some(answer.clone().map_err(|refusal| refusal.code))
        }
        Out::Reply { .. } | Out::Grant(_) | Out::Stop { .. } | Out::Broken(_) => None,
    })
}

pub(crate) fn result_of(engine: &Engine, ticket: u64) -> Vec<Out> {
    let look = Look::Result { run_id: "one".into() };
    ask(engine, Request::Look { ticket, look, after: None })
}

/// The answer to a query, read from its JSON, or the code of its refusal.
pub(crate) fn queried(engine: &Engine, query: Query) -> Result<Json, &'static str> {
    const TICKET: u64 = 1_000_000;
    let look = Look::Query(query);
    let heard = ask(engine, Request::Look { ticket: TICKET, look, after: None });
    let answer = answered(&heard, TICKET).expect("a query is answered at once")?;
    let Value::Json(json) = answer else { panic!("a query was answered with {answer:?}") };
    Ok(serde_json::from_slice(&json).expect("it is JSON"))
}

/// The token that a write was answered with.
pub(crate) fn token_of(heard: &[Out], wanted: u64) -> Token {
    match answered(heard, wanted) {
        Some(Ok(Value::Done(token) | Value::Run { token, .. } | Value::Runs(_, token))) => token,
        other => panic!("ticket {wanted} was answered with {other:?}"),
    }
}

/// Runs both tasks of a run to its end.
pub(crate) fn run_out(engine: &Engine, start: StartRun, output: &str) {
    let mut heard = ask(engine, Request::Start { ticket: 900, start: Box::new(start) });
    while let Some((handle, _)) = granted(&heard).first() {
        let output = Payload::new(Bytes::copy_from_slice(output.as_bytes()));
        let kind = ReportKind::Completed(output);
        let reports = vec![AttemptReport { handle: *handle, kind }];
        heard = ask(engine, Request::Report { session: 1, reports });
    }
}
