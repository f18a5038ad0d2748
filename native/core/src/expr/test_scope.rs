//! A scope for tests: JSON in, from a few texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::scope::{Root, Scope};
use super::value::Value;

#[derive(Debug, Default)]
pub(super) struct TestScope {
    pub(super) outputs: BTreeMap<String, Bytes>,
    pub(super) merged: Vec<Bytes>,
    pub(super) roots: BTreeMap<Root, Value>,
    /// Answer with values only, as a scope without JSON texts does.
    pub(super) values_only: bool,
}

impl TestScope {
    pub(super) fn merging(parts: &[&str]) -> Self {
        let merged = parts.iter().map(|part| Bytes::copy_from_slice(part.as_bytes())).collect();
        Self { merged, ..Self::default() }
    }

    pub(super) fn with_output(mut self, task: &str, json: &str) -> Self {
        self.outputs.insert(task.to_owned(), Bytes::copy_from_slice(json.as_bytes()));
        self
    }

    pub(super) fn with_root(mut self, root: Root, json: &str) -> Self {
        self.roots.insert(root, Value::from_json(json.as_bytes()).expect("a test's JSON"));
        self
    }
}

impl Scope for TestScope {
    fn root(&self, name: Root) -> Option<Value> {
        if name != Root::Merged {
            return self.roots.get(&name).cloned();
        }
        let mut all = super::value::Map::default();
        for part in &self.merged {
            if let Value::Map(map) = Value::from_json(part).expect("a test's JSON") {
                super::access::merge_into(&mut all, &map);
            }
        }
        Some(Value::map(all))
    }

    fn output(&self, task: &str) -> Option<Value> {
        let text = self.outputs.get(task)?;
        Some(Value::from_json(text).expect("a test's JSON"))
    }

    fn output_json(&self, task: &str) -> Option<Bytes> {
        if self.values_only { None } else { self.outputs.get(task).cloned() }
    }

    fn now_text(&self) -> Arc<str> {
        Arc::from("2026-11-21T10:00:00.000Z")
    }

    fn merged_json(&self) -> Option<&[Bytes]> {
        if self.values_only { None } else { Some(&self.merged) }
    }

    fn direct_outputs(&self) -> Vec<Bytes> {
        self.outputs.values().cloned().collect()
    }
}
