//! The ring on a log in memory, turned by hand: what is told, when, and what survives.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::command::{ControlRun, RunVerb, StartRun};
use pyflow_core::definition::{Definition, draft_from_document};
use pyflow_core::event::SaidLine;
use pyflow_core::schedule::Pool;
use pyflow_core::time::Millis;
use pyflow_engine::{
    AttemptReport, Engine, EngineSettings, Look, Out, Query, ReportKind, Request, Value,
};
use pyflow_store::MemoryStore;

use crate::rig::{
    DOCUMENT, answered, ask, batch, full, granted, named, opened, queried, refused, report,
    result_of, settings, start, token_of,
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
fn a_position_lies_before_what_is_asked_for_after_it() {
    let engine = Engine::open("memory://", &settings()).expect("it opens");
    let definition = opened(&engine);
    let look = Look::Query(Query::Position);
    engine.submit(Request::Look { ticket: 5, look, after: None }).expect("the door is open");

    let heard = start(&engine, &definition, 6);

    let Some(Ok(Value::Json(json))) = answered(&heard, 5) else { panic!("no position: {heard:?}") };
    let answer: serde_json::Value = serde_json::from_slice(&json).expect("it is JSON");
    assert!(answer["position"].as_u64().expect("a number") < token_of(&heard, 6).position);
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

#[test]
fn a_batch_of_starts_that_cannot_be_kept_is_refused_once() {
    let log = MemoryStore::default().open_with_faults([(calls_until_start(), full())]);
    let engine = Engine::open_on(Box::new(log), &settings()).expect("memory can be opened");
    let definition = opened(&engine);
    let starts = batch(&definition, &["one".into(), "two".into()]);

    let heard = ask(&engine, Request::StartMany { ticket: 2, starts });

    let replies = heard.iter().filter(|out| matches!(out, Out::Reply { ticket: 2, .. }));
    assert_eq!((replies.count(), answered(&heard, 2)), (1, Some(Err("PF2004"))));
}

#[test]
fn a_batch_of_starts_is_kept_whole_or_not_at_all() {
    let settings = EngineSettings { turn_event_count_max: 1, ..settings() };
    let run_ids: Vec<String> = (0..5).map(|number| format!("run-{number}")).collect();
    let first = calls_until_start();
    let kept: BTreeSet<usize> = (first..first + 10)
        .map(|call| {
            let log = MemoryStore::default().open_with_faults([(call, full())]);
            let engine = Engine::open_on(Box::new(log), &settings).expect("memory can be opened");
            let starts = batch(&opened(&engine), &run_ids);
            ask(&engine, Request::StartMany { ticket: 2, starts });

            let is_known = |run_id: &&String| {
                let query = Query::Status { run_id: run_id.as_str().into() };
                let look = Look::Query(query);
                let heard = ask(&engine, Request::Look { ticket: 3, look, after: None });
                answered(&heard, 3).expect("looks go on").is_ok()
            };
            run_ids.iter().filter(is_known).count()
        })
        .collect();

    assert_eq!(kept, BTreeSet::from([0, 5]));
}

#[test]
fn looks_at_a_full_store_see_what_the_log_holds() {
    let seen = (1..200).find_map(|call| {
        let store = MemoryStore::default();
        let engine = Engine::open_on(Box::new(store.open()), &settings()).expect("it opens");
        let definition = opened(&engine);
        start(&engine, &definition, 2);
        drop(engine);
        // Of interest is the first turn of the next owner, which ends the lease of the dead one.
        let log = store.open_with_faults([(call, full())]);
        let engine = Engine::open_on(Box::new(log), &settings()).ok()?;
        let start = Box::new(named(&definition, "two"));
        engine.submit(Request::Start { ticket: 3, start }).expect("the door is open");
        let heard = ask(&engine, look_at_task("first"));
        (answered(&heard, 3) == Some(Err("PF2004"))).then(|| state_told(&heard))
    });

    assert_eq!(seen.flatten().as_deref(), Some("leased"));
}

#[test]
fn a_run_that_ended_before_a_checkpoint_is_known_whatever_failed_after_it() {
    let mut ended = 0;
    for (checkpoint_size, call) in (10..30).flat_map(|size| (1..40).map(move |call| (size, call))) {
        let settings = EngineSettings { checkpoint_size: checkpoint_size * 20, ..settings() };
        let store = MemoryStore::default();
        // One call is refused: in one of these stories it is the first that trims.
        let log = store.open_with_faults([(call, refused())]);
        let Ok(engine) = Engine::open_on(Box::new(log), &settings) else { continue };
        let definition = opened(&engine);
        start(&engine, &definition, 2);
        report(&engine, 1, "1");
        report(&engine, 2, "2");
        let before = answered(&result_of(&engine, 3), 3);
        let next = Box::new(named(&definition, "two"));
        ask(&engine, Request::Start { ticket: 4, start: next });
        drop(engine);

        let engine = Engine::open_on(Box::new(store.open()), &settings).expect("it opens again");

        if matches!(before, Some(Ok(_))) {
            ended += 1;
            let after = answered(&result_of(&engine, 5), 5);
            assert_eq!(after, before, "call {call}, size {checkpoint_size}");
        }
    }
    assert!(ended > 0, "no run has ended");
}

#[test]
fn a_run_that_its_deadline_has_stopped_is_recovered_as_a_whole() {
    let engine = Engine::open("memory://", &settings()).expect("memory can be opened");
    let definition = opened(&engine);
    let late = StartRun { deadline_ms: Some(1_000), ..named(&definition, "one") };
    ask(&engine, Request::Start { ticket: 2, start: Box::new(late) });
    engine.advance(1_000);
    let reports = vec![AttemptReport { handle: 1, kind: ReportKind::Cancelled }];
    ask(&engine, Request::Report { session: 1, reports });
    assert_eq!(answered(&result_of(&engine, 3), 3), Some(Err("PF1204")));

    let heard = ask(&engine, Request::RecoverRun { ticket: 4, run_id: "one".into() });

    assert!(matches!(answered(&heard, 4), Some(Ok(Value::Done(_)))));
    assert_eq!(granted(&heard), [(2, "first".to_string())]);
}

#[test]
fn a_cancelled_run_is_cancelled_again_without_a_word_also_after_it_has_left() {
    let engine = Engine::open("memory://", &settings()).expect("memory can be opened");
    let definition = opened(&engine);
    start(&engine, &definition, 2);
    let verb = || RunVerb::Cancel { reason: "enough".into() };
    let control = |ticket, verb| {
        let control = ControlRun { namespace: "default".into(), run_id: "one".into(), verb };
        answered(&ask(&engine, Request::ControlRun { ticket, control }), ticket)
    };
    control(3, verb());
    let reports = vec![AttemptReport { handle: 1, kind: ReportKind::Cancelled }];
    ask(&engine, Request::Report { session: 1, reports });

    let in_memory = control(4, verb());
    ask(&engine, Request::Start { ticket: 5, start: Box::new(named(&definition, "two")) });
    let gone = control(6, verb());

    assert!(matches!(in_memory, Some(Ok(Value::Done(_)))));
    assert!(matches!(gone, Some(Ok(Value::Done(_)))), "{gone:?}");
    assert_eq!(control(7, RunVerb::Pause), Some(Err("PF1104")));
}

fn look_at_task(task_id: &str) -> Request {
    let task_id = Some(task_id.to_string());
    let query = Query::Tasks { run_id: "one".into(), task_id, state: None, limit: 1 };
    Request::Look { ticket: 9, look: Look::Query(query), after: None }
}

fn state_told(heard: &[Out]) -> Option<String> {
    let Some(Ok(Value::Json(text))) = answered(heard, 9) else { return None };
    let tasks: serde_json::Value = serde_json::from_slice(&text).ok()?;
    tasks[0]["state"].as_str().map(String::from)
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
