//! What a definition may not say, told before it is ever run.

use pyflow_core::definition::{Definition, draft_from_document};
use serde_json::{Value, json};

use crate::support::{document, task, with};

fn problems(document: &Value) -> Vec<String> {
    let draft = match draft_from_document(document.to_string().as_bytes()) {
        Ok(draft) => draft,
        Err(problems) => return problems.into_iter().map(|problem| problem.message).collect(),
    };
    match Definition::compile(draft) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| problem.message).collect(),
    }
}

#[test]
fn what_could_never_end_or_contradicts_itself_is_refused() {
    let on_error = |id: &str, handler: &str| with(task(id, &[]), &json!({"on_error": handler}));
    let run_handler = |tasks: &[Value]| with(document(tasks), &json!({"on_error": "last"}));
    let decision = json!({
        "id": "d", "task_type": "decision", "for_each": [1],
        "parameters": {"conditions": [{"condition": "true", "next_task": "a"}]},
    });
    let cases = [
        (document(&[on_error("a", "b"), on_error("b", "a")]), "its own failure"),
        (document(&[on_error("a", "a")]), "its own failure"),
        (run_handler(&[task("a", &[]), on_error("last", "a")]), "no error handler itself"),
        (run_handler(&[on_error("a", "last"), task("last", &[])]), "also be that of a task"),
        (run_handler(&[task("a", &["last"]), task("last", &[])]), "no task can depend on it"),
        (document(&[decision, task("a", &["d"])]), "cannot be a map"),
        (
            document(&[with(
                task("a", &[]),
                &json!({"delivery": "at_most_once", "max_retries": 1}),
            )]),
            "cannot be retried",
        ),
        (
            document(&[task("a", &[]), with(task("b", &["a"]), &json!({"join": "n_of_m:2"}))]),
            "n_of_m:2 of 1 dependencies",
        ),
        (document(&[task("a", &["b"]), task("b", &["a"])]), "in a circle"),
        (
            document(&[
                task("a", &[]),
                with(task("b", &[]), &json!({"condition": "output.a == 1"})),
            ]),
            "not upstream",
        ),
    ];

    for (document, wanted) in cases {
        let found = problems(&document);
        assert!(found.iter().any(|message| message.contains(wanted)), "{wanted}: {found:?}");
    }
}

#[test]
fn what_is_odd_but_can_be_run_is_accepted() {
    let chain = [
        with(task("a", &[]), &json!({"on_error": "b"})),
        with(task("b", &[]), &json!({"on_error": "c"})),
        task("c", &[]),
        task("after", &["b"]),
    ];

    assert_eq!(problems(&document(&chain)), [""; 0]);
    assert_eq!(problems(&with(document(&[task("a", &[])]), &json!({"on_error": "a"}))), [""; 0]);
}
