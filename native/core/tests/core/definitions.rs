//! What a definition may not say, told before it is ever run.

use proptest::prelude::*;
use pyflow_core::definition::{Definition, draft_from_document};
use serde_json::{Value, json};

use crate::random_flows;
use crate::support::{Dice, Rig, document, task, with};

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
        (with(document(&[task("a", &[])]), &json!({"defaults": [1]})), "a value for each field"),
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

fn compiled(document: &Value) -> Definition {
    let draft = draft_from_document(document.to_string().as_bytes());
    let draft = draft.unwrap_or_else(|problems| panic!("{problems:?} in {document}"));
    let (definition, _) =
        Definition::compile(draft).unwrap_or_else(|problems| panic!("{problems:?} in {document}"));
    definition
}

#[test]
fn only_what_is_called_for_a_failure_can_read_it() {
    let reads = |id: &str| with(task(id, &[]), &json!({"parameters": {"why": "${failure}"}}));
    let handled = with(task("a", &[]), &json!({"on_error": "b"}));

    assert_eq!(problems(&document(&[handled, reads("b")])), [""; 0]);
    let last = with(document(&[task("a", &[]), reads("b")]), &json!({"on_error": "b"}));
    assert_eq!(problems(&last), [""; 0]);
    let found = problems(&document(&[task("a", &[]), reads("b")]));
    assert_eq!(found, ["`failure` is in view of error handlers only"]);
}

#[test]
fn an_error_handler_of_an_error_handler_is_shown_as_it_was_given() {
    let given = document(&[
        with(task("a", &[]), &json!({"on_error": {"task": "b", "recovers": true}})),
        with(
            task("b", &[]),
            &json!({
                "parameters": {"why": "${failure}", "*2": 2, "*1": "${input.x}", "also": 3},
                "on_error": {"task_type": "work", "recovers": true},
            }),
        ),
    ]);

    let definition = compiled(&given);

    let shown = definition.document();
    let parameters = json!({"why": "${failure}", "*1": "${input.x}", "*2": 2, "also": 3});
    assert_eq!(shown["tasks"][1]["parameters"], parameters);
    assert_eq!(shown["tasks"][2]["parameters"], json!({"*0": "${failure}"}));
    assert_eq!(compiled(&shown).hash, definition.hash);
}

#[test]
fn lists_of_outputs_are_shown_and_given_as_they_were_written() {
    let odd = r#"a "b".c"#;
    let list = |items: &[&str]| json!({"parameters": {"value": items}});
    let readers = [
        list(&["${output.a}", r#"${output["a \"b\".c"]}"#]),
        list(&["${output.a}", "${output.a}"]),
        list(&[r#"${output["a"]}"#]),
        list(&["${output.a}", "$${output.a}", "x"]),
        list(&["${output.a + 1}"]),
        list(&[]),
    ];
    let tasks: Vec<Value> = readers
        .iter()
        .enumerate()
        .map(|(place, reads)| with(task(&format!("r{place}"), &["a", odd]), reads))
        .collect();
    let given = document(&[&[task("a", &[]), task(odd, &[])], &*tasks].concat());

    let definition = compiled(&given);
    let shown = definition.document();
    let mut rig = Rig::new();
    rig.run("r", &given);
    rig.complete_with("a", " 1 ");
    rig.complete_with(odd, r#"{"x":[2]}"#);

    for (place, reads) in readers.iter().enumerate() {
        assert_eq!(shown["tasks"][place + 2]["parameters"], reads["parameters"], "{place}");
    }
    assert_eq!(compiled(&shown).hash, definition.hash);
    let args = |name| rig.held(name).expect("it is at work").args.concat();
    assert_eq!(args("r0"), r#"[1,{"x":[2]}]"#);
    assert_eq!(args("r1"), "[1,1]");
    assert_eq!(args("r2"), "[1]");
    assert_eq!(args("r3"), r#"[1,"${output.a}","x"]"#);
    assert_eq!(args("r4"), "[2]");
    assert_eq!(args("r5"), "[]");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_definition_is_shown_as_a_document_that_compiles_into_the_same(
        seed in any::<u64>(),
        tasks in 1_usize..14,
        reads in any::<u16>(),
    ) {
        let mut given = random_flows::document(&mut Dice::new(seed), "flow", tasks);
        let listed = given["tasks"].as_array_mut().expect("tasks are a list");
        let names: Vec<Value> =
            listed.iter().map(|task| task["on_error"].get("task").unwrap_or(&task["on_error"]).clone()).collect();
        for (place, task) in listed.iter_mut().enumerate() {
            // Some of those that are called for a failure read it.
            if names.contains(&task["id"]) && task["task_type"] == "work" && reads >> (place % 16) & 1 == 1 {
                task["parameters"]["why"] = json!("${failure}");
            }
        }

        let definition = compiled(&given);
        let again = compiled(&definition.document());

        prop_assert_eq!(again.document(), definition.document());
        prop_assert_eq!(compiled(&again.document()).hash, again.hash);
        prop_assert_eq!(again.hash, definition.hash);
    }
}
