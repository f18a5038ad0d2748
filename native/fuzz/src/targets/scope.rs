//! A scope with something of every kind in it.

use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::expr::{Fuel, Root, Scope, Value};

const INPUT: &str = r#"{"a":{"b":[10,20,{"c":"deep"}]},"low":1,"text":"ünï\n","nothing":null,
    "big":9223372036854775807,"tiny":-2.5e-300,"flag":true,"empty":[],"none":{}}"#;
const OUTPUT: &str = r#"{"rows":[{"v":1.5,"n":"x"},{"v":2,"n":"y"}],"id":7}"#;

#[derive(Debug)]
pub(super) struct Seen;

/// What an evaluation may cost here: enough for every branch, little enough for many tries a second.
pub(super) fn fuel() -> Fuel {
    Fuel::new(20_000, 256 * 1024)
}

fn value(json: &str) -> Value {
    Value::from_json(json.as_bytes()).expect("it is JSON")
}

impl Scope for Seen {
    fn root(&self, name: Root) -> Option<Value> {
        match name {
            Root::Merged | Root::Input | Root::Params => Some(value(INPUT)),
            Root::Item => Some(value(OUTPUT)),
            Root::Index => Some(value("3")),
            Root::CurrentTask => Some(value("\"a\"")),
            Root::Event | Root::Run => None,
        }
    }

    fn output(&self, task: &str) -> Option<Value> {
        (task == "a").then(|| value(OUTPUT))
    }

    fn output_json(&self, task: &str) -> Option<Bytes> {
        (task == "a").then(|| Bytes::from_static(OUTPUT.as_bytes()))
    }

    fn now_text(&self) -> Arc<str> {
        Arc::from("2026-01-02T03:04:05.678Z")
    }

    fn direct_outputs(&self) -> Vec<Bytes> {
        vec![Bytes::from_static(OUTPUT.as_bytes()), Bytes::from_static(INPUT.as_bytes())]
    }
}
