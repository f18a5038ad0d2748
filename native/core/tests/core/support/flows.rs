//! Definitions in document form, written down quickly.

use serde_json::{Value, json};

/// A definition with these tasks, started as `flow`.
pub(crate) fn document(tasks: &[Value]) -> Value {
    json!({"id": "flow", "tasks": tasks})
}

/// A task for a worker.
pub(crate) fn task(id: &str, deps: &[&str]) -> Value {
    json!({"id": id, "task_type": "work", "depends_on": deps})
}

/// The same object with more fields, or with others.
pub(crate) fn with(mut object: Value, fields: &Value) -> Value {
    let own = object.as_object_mut().expect("it is an object");
    own.extend(fields.as_object().expect("they are an object").clone());
    object
}
