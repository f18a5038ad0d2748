//! What is shown of tasks: their words, and outputs that memory has let go of.

use pyflow_core::event::TaskError;
use pyflow_core::lifecycle::TaskState;
use pyflow_engine::{AttemptReport, Engine, Query, ReportKind, Request};

use crate::rig::{ask, named, opened_with, queried, report, settings, start};

#[test]
fn the_words_of_a_run_that_is_recovered_are_those_of_its_tasks() {
    let engine = Engine::open("memory://", &settings()).expect("memory can be opened");
    let document = r#"{"id": "pair", "tasks": [
        {"id": "first", "task_type": "work"},
        {"id": "second", "task_type": "work", "depends_on": ["first"]}
    ]}"#;
    let definition = opened_with(&engine, document);
    start(&engine, &definition, 2);
    report(&engine, 1, "1");
    let reports = vec![AttemptReport { handle: 2, kind: ReportKind::Cancelled }];
    ask(&engine, Request::Report { session: 1, reports });
    // The run has failed, and leaves with the next turn.
    ask(&engine, Request::Start { ticket: 3, start: Box::new(named(&definition, "two")) });

    ask(&engine, Request::RecoverRun { ticket: 4, run_id: "one".into() });

    assert_eq!(engine.task_state("one", "first"), Some(TaskState::Completed));
    assert_eq!(engine.task_state("one", "second"), Some(TaskState::Leased));
}

#[test]
fn outputs_that_nobody_reads_any_more_are_told_whatever_they_were_made_of() {
    let engine = Engine::open("memory://", &settings()).expect("memory can be opened");
    let document = r#"{"id": "shapes", "result": "${output.last}", "tasks": [
        {"id": "each", "task_type": "work", "for_each": [5, 6]},
        {"id": "none", "task_type": "work", "for_each": []},
        {"id": "pass", "task_type": "gateway", "depends_on": ["each"]},
        {"id": "choose", "task_type": "decision", "depends_on": ["pass"], "parameters": {
            "conditions": [{"condition": "1 == 1", "next_task": ["last"]}]}},
        {"id": "last", "task_type": "work", "depends_on": ["choose"]}
    ]}"#;
    let definition = opened_with(&engine, document);
    start(&engine, &definition, 2);
    for (handle, output) in [(1, "50"), (2, "60"), (3, "7")] {
        report(&engine, handle, output);
    }

    let told = |task_id: &str| {
        let (run_id, task_id) = ("one".into(), task_id.to_string());
        queried(&engine, Query::TaskResult { run_id, task_id }).map(|json| json.to_string())
    };

    assert_eq!(told("each").as_deref(), Ok("[50,60]"));
    assert_eq!(told("none").as_deref(), Ok("[]"));
    assert_eq!(told("pass").as_deref(), Ok("[50,60]"));
    assert_eq!(told("choose").as_deref(), Ok(r#"{"next_task":["last"]}"#));
    assert_eq!(told("each[1]").as_deref(), Ok("60"));
    assert_eq!(told("last").as_deref(), Ok("7"));
}

#[test]
fn what_passes_a_gateway_is_told_also_where_an_error_handler_has_put_it_out() {
    let engine = Engine::open("memory://", &settings()).expect("memory can be opened");
    let document = r#"{"id": "mended", "result": "${output.last}", "tasks": [
        {"id": "one", "task_type": "work", "on_error": {"task": "mend_one", "recovers": true}},
        {"id": "pass_one", "task_type": "gateway", "depends_on": ["one"]},
        {"id": "each", "task_type": "work", "for_each": [5], "depends_on": ["pass_one"],
         "on_error": {"task": "mend_each", "recovers": true}},
        {"id": "pass_each", "task_type": "gateway", "depends_on": ["each"]},
        {"id": "last", "task_type": "work", "depends_on": ["pass_each"]},
        {"id": "mend_one", "task_type": "work"},
        {"id": "mend_each", "task_type": "work"}
    ]}"#;
    let definition = opened_with(&engine, document);
    start(&engine, &definition, 2);
    let fail = |handle| {
        let error = TaskError {
            error_type: "ValueError".into(),
            kinds: vec!["ValueError".into()],
            message: "no".into(),
            traceback: String::new(),
            retryable: None,
            retry_after_ms: None,
        };
        let reports = vec![AttemptReport { handle, kind: ReportKind::Failed(Box::new(error)) }];
        ask(&engine, Request::Report { session: 1, reports });
    };
    fail(1);
    report(&engine, 2, "20");
    fail(3);
    report(&engine, 4, "40");
    report(&engine, 5, "7");

    let told = |task_id: &str| {
        let (run_id, task_id) = ("one".into(), task_id.to_string());
        queried(&engine, Query::TaskResult { run_id, task_id }).map(|json| json.to_string())
    };

    assert_eq!(told("pass_one").as_deref(), Ok("20"));
    assert_eq!(told("pass_each").as_deref(), Ok("40"));
}
