//! The ring on a log in memory, turned by hand: what is told, when, and what survives.

use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::definition::{Definition, draft_from_document};
use pyflow_core::event::SaidLine;
use pyflow_core::schedule::Pool;
use pyflow_core::time::Millis;
use pyflow_engine::{
    AttemptReport, Engine, EngineSettings, Look, Query, ReportKind, Request, Value,
};
use pyflow_store::MemoryStore;

use crate::rig::{
    DOCUMENT, answered, ask, full, granted, opened, queried, report, result_of, settings, start,
};

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
        queried(engine, Query::Logs { run_id, task_id, after: 0, limit: 10 }).expect("the lines")
    };

    start(&engine, &definition, 2);
    say(&engine, 1, "first words");
    let live = logs(&engine);
    report(&engine, 1, "1");
    say(&engine, 2, "last words");
    report(&engine, 2, "2");
    let ended = logs(&engine);
    let trimmed = queried(&engine, Query::Doctor).expect("all is well")["trimmed"].as_u64();
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
    let status = ask(&engine, Request::Look { ticket: 3, look: Look::Query(query), after: None });
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
        if !matches!(answered(&heard, 1), Some(Ok(Value::Done(_)))) {
            continue;
        }
        if answered(&start(&engine, &definition, 2), 2) == Some(Err("PF2004")) {
            return call;
        }
    }
    panic!("no call of the log is the start's");
}
