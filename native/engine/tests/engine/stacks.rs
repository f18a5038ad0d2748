//! What the core may ask of the stack of whoever calls it: little, whatever the source.

use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::expr::{Expression, Fuel, Root, Scope, Value};

/// The stack of a small thread, as a host may have.
const STACK_SIZE: usize = 1 << 20;

struct Nothing;

impl Scope for Nothing {
    fn root(&self, _: Root) -> Option<Value> {
        None
    }

    fn output(&self, _: &str) -> Option<Value> {
        None
    }

    fn output_json(&self, _: &str) -> Option<Bytes> {
        None
    }

    fn now_text(&self) -> Arc<str> {
        Arc::from("2026-11-21T10:00:00.000Z")
    }
}

#[test]
fn the_parser_gets_no_more_than_a_small_stack_can_take() {
    let nested = |start: &str, end: &str| format!("{}1{}", start.repeat(62), end.repeat(62));
    let sources = [
        nested("(", ")"),
        nested("[", "]"),
        nested("-(", ")"),
        nested("{'a': ", "}"),
        nested("true ? 1 : ", ""),
        "1 + ".repeat(500) + "1",
        "true && ".repeat(900) + "true",
        format!("{}1{}", "(1 + ".repeat(31), ")".repeat(31)),
    ];
    let worker = std::thread::Builder::new().stack_size(STACK_SIZE).spawn(move || {
        for source in sources {
            // Some are too deep by our count; none may be too deep for the stack.
            let compiled = Expression::compile(&source);
            let _ = compiled.and_then(|found| found.evaluate(&Nothing, &mut Fuel::default()));
        }
    });

    worker.expect("a thread").join().expect("no overflow, no panic");
}
