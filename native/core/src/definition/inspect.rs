//! A definition shown again as a document, for people and for tools.

use serde_json::{Map, Value, json};

use super::compiled::{Arg, ArgTemplate, Definition};
use crate::expr::list_of_outputs;
use crate::ids::TaskIndex;

impl Definition {
    /// The whole definition in document form.
    pub fn document(&self) -> Value {
        let tasks: Vec<Value> = self.tasks().map(|task| self.task_document(task)).collect();
        let mut document = Map::new();
        document.insert("id".into(), json!(&*self.name));
        insert(&mut document, "name", self.title.as_deref().map(Value::from));
        insert(&mut document, "description", self.description.as_deref().map(Value::from));
        insert(&mut document, "version", self.version.as_deref().map(Value::from));
        insert(&mut document, "consistency", self.consistency.as_deref().map(Value::from));
        insert(&mut document, "max_concurrent_tasks", self.max_concurrent_tasks.map(Value::from));
        insert(&mut document, "deadline", self.deadline_ms.map(|ms| json!(ms as f64 / 1000.0)));
        insert(&mut document, "on_error", self.on_error.map(|task| json!(self.id(task))));
        if !self.defaults.is_empty() {
            let shown =
                self.defaults.iter().map(|(name, value)| (name.clone(), parsed(value.get())));
            document.insert("defaults".into(), shown.collect());
        }
        document.insert("tasks".into(), Value::Array(tasks));
        insert(&mut document, "result", self.result.as_ref().map(|bound| parsed(&bound.source)));
        Value::Object(document)
    }

    /// One task in document form.
    pub fn task_document(&self, task: TaskIndex) -> Value {
        let mut document = Map::new();
        document.insert("id".into(), json!(self.id(task)));
        document.insert("task_type".into(), json!(&**self.task_type(task)));
        document.insert("parameters".into(), self.parameters(task));
        let deps: Vec<&str> =
            self.predecessors(task).iter().map(|dep| self.id(TaskIndex(*dep))).collect();
        document.insert("depends_on".into(), json!(deps));
        let options = &self.options[self.option_of[task.index()] as usize].source;
        if let Value::Object(options) = parsed(options) {
            document.extend(options);
        }
        if let Some(handler) = self.handler(task) {
            let handler = json!({"task": self.id(handler.task), "recovers": handler.recovers});
            document.insert("on_error".into(), handler);
        }
        Value::Object(document)
    }

    fn parameters(&self, task: TaskIndex) -> Value {
        let mut parameters = Map::new();
        for (place, (name, arg)) in self.shape(task).iter().zip(self.args(task)).enumerate() {
            let value = match *arg {
                Arg::Const(index) => {
                    let value = serde_json::from_slice(&self.constant(index));
                    escaped(value.unwrap_or(Value::Null))
                }
                Arg::Template(index) => self.template_document(index),
                Arg::Output(source) => {
                    Value::from(format!("${{output[{}]}}", json!(self.id(TaskIndex(source)))))
                }
                Arg::Failure => Value::from("${failure}"),
            };
            let name = if &**name == "*" { format!("*{place}") } else { name.to_string() };
            parameters.insert(name, value);
        }
        if let Some(branches) = self.branches.get(&task.0) {
            let shown = branches.iter().map(|branch| {
                let targets: Vec<&str> = branch.targets.iter().map(|task| self.id(*task)).collect();
                json!({"condition": branch.source, "next_task": targets})
            });
            parameters.insert("conditions".into(), shown.collect());
        }
        Value::Object(parameters)
    }

    fn template_document(&self, index: u32) -> Value {
        match &self.templates[index as usize] {
            ArgTemplate::List(range) => {
                let ids = self.lists.outputs(range).iter().map(|task| self.id(*task));
                serde_json::from_slice(&list_of_outputs(ids)).unwrap_or(Value::Null)
            }
            ArgTemplate::Bound(bound) => parsed(&bound.source),
        }
    }
}

fn insert(document: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        document.insert(name.into(), value);
    }
}

/// A constant as a document writes it: a `${` in a text of it begins no expression.
fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains("${") => text.replace("${", "$${").into(),
        Value::Array(items) => items.into_iter().map(escaped).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, escaped(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// Text that compile accepted as JSON.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}
