//! The ring on a log in memory, turned by hand: what is told, when, and what survives.

use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::command::{StartRun, Wanted};
use pyflow_core::definition::{Definition, draft_from_document};
use pyflow_core::event::SaidLine;
use pyflow_core::payload::Payload;
use pyflow_core::schedule::Pool;
use pyflow_core::time::Millis;
use pyflow_engine::{
    AttemptReport, Engine, EngineSettings, Look, Out, Query, ReportKind, Request, Value,
};
use pyflow_store::{MemoryFault, MemoryStore, StoreFault};

const DOCUMENT: &str = r#"{"id": "pair", "tasks": [
    {"id": "first", "task_type": "work"},
    {"id": "second", "task_type": "work", "depends_on": ["first"]}
]}"#;

fn settings() -> EngineSettings {
    EngineSettings { inline: true, manual_clock: true, ..EngineSettings::default() }
}

fn full() -> MemoryFault {
    MemoryFault::Fail(StoreFault::Full { path: "memory".into() })
}

/// An engine with one worker that runs `work`, and the definition deployed.
fn opened(engine: &Engine) -> Arc<Definition> {
    let draft = draft_from_document(DOCUMENT.as_bytes()).expect("the document is right");
    let (definition, stored) = Definition::compile(draft).expect("the definition is right");
    let definition = Arc::new(definition);
    let (deployed, ticket) = (definition.clone(), 1);
    ask(engine, Request::Deploy { ticket, definition: deployed, stored });
    let session = engine.new_session();
    ask(engine, Request::OpenSession { session, slots: [4, 0, 0] });
    ask(engine, Request::SetTypes { session, types: vec![("work".into(), Pool::Async)] });
    definition
}

fn ask(engine: &Engine, request: Request) -> Vec<Out> {
    engine.submit(request).expect("the door is open");
    engine.pump();
    engine.drain(usize::MAX)
}

fn start(engine: &Engine, definition: &Definition, ticket: u64) -> Vec<Out> {
    let start = Box::new(StartRun {
        namespace: "default".into(),
        run_id: "one".into(),
        chosen: true,
        key: None,
        wanted: Wanted::Hash(definition.hash),
        input: Payload::new(Bytes::from_static(b"{}")),
        priority: None,
        deadline_ms: None,
        consistency: None,
        metadata: None,
        created_by: None,
    });
    ask(engine, Request::Start { ticket, start })
}

fn report(engine: &Engine, handle: u64, output: &'static str) -> Vec<Out> {
    let kind = ReportKind::Completed(Payload::new(Bytes::from_static(output.as_bytes())));
    ask(engine, Request::Report { session: 1, reports: vec![AttemptReport { handle, kind }] })
}

/// The handles of what was granted, with the ids of the tasks.
fn granted(heard: &[Out]) -> Vec<(u64, String)> {
    let grants = heard.iter().filter_map(|out| match out {
        Out::Grant(granted) => Some(granted),
        Out::Reply { .. } | Out::Stop { .. } | Out::Broken(_) => None,
    });
    grants.map(|granted| (granted.handle, granted.definition.id(granted.task).into())).collect()
}

/// What a ticket was answered with: the value, or the code of the refusal.
fn answered(heard: &[Out], wanted: u64) -> Option<Result<Value, &'static str>> {
    heard.iter().find_map(|out| match out {
        Out::Reply { ticket, answer } if *ticket == wanted => {
            Some(answer.clone().map_err(|refusal| refusal.code))
        }
        Out::Reply { .. } | Out::Grant(_) | Out::Stop { .. } | Out::Broken(_) => None,
    })
}

fn result_of(engine: &Engine, ticket: u64) -> Vec<Out> {
    let look = Look::Result { run_id: "one".into() };
    ask(engine, Request::Look { ticket, look })
}

#[test]
fn a_run_goes_from_grant_to_grant_to_its_result() {
    let engine = Engine::open("memory://", &settings()).expect("memory can be opened");
    let definition = opened(&engine);

    let first = granted(&start(&engine, &definition, 2));
    assert_eq!(first, [(1, "first".to_string())]);
    let second = granted(&report(&engine, 1, "1"));
    assert_eq!(second, [(2, "second".to_string())]);
    report(&engine, 2, "2");

    let result = answered(&result_of(&engine, 3), 3);
    let wanted = Value::Json(Bytes::from_static(br#"{"first":1,"second":2}"#));
    assert_eq!(result, Some(Ok(wanted)));
}

#[test]
fn after_a_crash_the_lost_attempt_is_granted_again_and_nothing_else() {
    let engine = Engine::open("memory://", &settings()).expect("memory can be opened");
    let definition = opened(&engine);
    start(&engine, &definition, 2);
    report(&engine, 1, "1");

    let engine = engine.crash().expect("an inline ring can be crashed");
    let session = engine.new_session();
    ask(&engine, Request::OpenSession { session, slots: [4, 0, 0] });
    let types = vec![("work".into(), Pool::Async)];
    let again = granted(&ask(&engine, Request::SetTypes { session, types }));

    assert_eq!(again, [(1, "second".to_string())]);
    report(&engine, 1, "2");
    assert!(matches!(answered(&result_of(&engine, 3), 3), Some(Ok(Value::Json(_)))));
}

fn asked(engine: &Engine, query: Query) -> serde_json::Value {
    let heard = ask(engine, Request::Look { ticket: 9, look: Look::Query(query) });
    match answered(&heard, 9) {
        Some(Ok(Value::Json(json))) => serde_json::from_slice(&json).expect("an answer is JSON"),
        other => panic!("{other:?}"),
    }
}

fn say(engine: &Engine, handle: u64, text: &str) {
    let line = SaidLine { at: Millis(0), level: "INFO".into(), text: text.into() };
    let kind = ReportKind::Said(vec![line]);
    ask(engine, Request::Report { session: 1, reports: vec![AttemptReport { handle, kind }] });
}

#[test]
fn what_tasks_have_said_outlives_their_run_the_log_and_the_process() {
    let settings = EngineSettings { checkpoint_size: 1, ..settings() };
    let engine = Engine::open("memory://", &settings).expect("memory can be opened");
    let definition = opened(&engine);
    let logs = |engine: &Engine| {
        let (run_id, task_id) = ("one".into(), None);
        asked(engine, Query::Logs { run_id, task_id, after: 0, limit: 10 })
    };

    start(&engine, &definition, 2);
    say(&engine, 1, "first words");
    let live = logs(&engine);
    report(&engine, 1, "1");
    say(&engine, 2, "last words");
    report(&engine, 2, "2");
    let ended = logs(&engine);
    let trimmed = asked(&engine, Query::Doctor)["trimmed"].as_u64();
    let engine = engine.crash().expect("an inline ring can be crashed");

    let texts = |lines: &serde_json::Value| {
        let lines = lines.as_array().expect("lines are a list").iter();
        lines.map(|line| line["text"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (texts(&live), texts(&ended)),
        (vec!["first words".into()], vec!["first words".into(), "last words".into()],)
    );
    assert!(trimmed > Some(0), "the log was trimmed");
    assert_eq!(logs(&engine), ended);
    assert_eq!((&ended[1]["task_id"], &ended[1]["number"]), (&"second".into(), &2.into()));
}

#[test]
fn a_full_disk_refuses_a_start_and_leaves_no_trace_of_it() {
    let calls = calls_until_start();
    let log = MemoryStore::default().open_with_faults([(calls, full())]);
    let engine = Engine::open_on(Box::new(log), &settings()).expect("memory can be opened");
    let definition = opened(&engine);

    let heard = start(&engine, &definition, 2);

    assert_eq!(answered(&heard, 2), Some(Err("PF2004")));
    assert!(granted(&heard).is_empty(), "what was not kept is not handed out");
    let query = Query::Status { run_id: "one".into() };
    let status = ask(&engine, Request::Look { ticket: 3, look: Look::Query(query) });
    assert_eq!(answered(&status, 3), Some(Err("PF1101")), "looks go on");
}

/// How many calls of the log it takes until the call that appends the first start.
fn calls_until_start() -> u64 {
    for call in 1..200 {
        let log = MemoryStore::default().open_with_faults([(call, full())]);
        let Ok(engine) = Engine::open_on(Box::new(log), &settings()) else { continue };
        let draft = draft_from_document(DOCUMENT.as_bytes()).expect("the document is right");
        let (definition, stored) = Definition::compile(draft).expect("the definition is right");
        let definition = Arc::new(definition);
        let deployed = definition.clone();
        let heard = ask(&engine, Request::Deploy { ticket: 1, definition: deployed, stored });
        if answered(&heard, 1) != Some(Ok(Value::Done)) {
            continue;
        }
        if answered(&start(&engine, &definition, 2), 2) == Some(Err("PF2004")) {
            return call;
        }
    }
    panic!("no call of the log is the start's");
}
