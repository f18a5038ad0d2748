//! What an expression of a task can see of its run.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use crate::definition::Arg;
use crate::expr::{FieldCache, Root, Scope, Value};
use crate::ids::{InstanceIndex, TaskIndex};
use crate::state::Run;
use crate::time::Millis;

/// The run as one of its instances sees it.
pub(super) struct View<'a> {
    run: &'a Run,
    instance: InstanceIndex,
    task: TaskIndex,
    /// What `now()` gives.
    now: Millis,
    merged: OnceCell<Vec<Bytes>>,
    fields: FieldCache,
}

impl<'a> View<'a> {
    pub(super) fn new(run: &'a Run, instance: InstanceIndex, now: Millis) -> Self {
        Self::made(run, instance, run.task_of(instance), now)
    }

    /// The run as its result sees it: every output, no task of its own.
    pub(super) fn of_result(run: &'a Run, now: Millis) -> Self {
        Self::made(run, InstanceIndex(u32::MAX), TaskIndex(u32::MAX), now)
    }

    fn made(run: &'a Run, instance: InstanceIndex, task: TaskIndex, now: Millis) -> Self {
        let (merged, fields) = (OnceCell::new(), FieldCache::default());
        Self { run, instance, task, now, merged, fields }
    }

    fn is_task(&self) -> bool {
        self.task.index() < self.run.definition().task_count()
    }

    fn item(&self) -> Option<(Bytes, u32)> {
        let (parent, index) = self.run.item_of(self.instance)?;
        Some((self.run.map(parent)?.item(index), index))
    }

    fn output_of(&self, task: TaskIndex) -> Bytes {
        super::args::output_of(self.run, task)
    }

    /// The parameters that are constants; the others are made from what this view shows.
    fn parameters(&self) -> Bytes {
        let definition = self.run.definition();
        let mut text = String::from("{");
        if self.is_task() {
            for (name, arg) in definition.shape(self.task).iter().zip(definition.args(self.task)) {
                let Arg::Const(index) = *arg else { continue };
                let value = definition.constant(index);
                let Ok(value) = std::str::from_utf8(&value) else { continue };
                let comma = if text.len() > 1 { "," } else { "" };
                write!(text, "{comma}{}:{value}", json!(&**name))
                    .expect("writing to memory cannot fail");
            }
        }
        text.push('}');
        text.into()
    }

    /// The branch that the nearest decision upstream chose: by edges, ties by task order.
    fn current_task(&self) -> Option<&str> {
        if !self.is_task() {
            return None;
        }
        let definition = self.run.definition();
        let mut seen = std::collections::BTreeSet::from([self.task.0]);
        let mut near = VecDeque::from([self.task.0]);
        while !near.is_empty() {
            let mut further: Vec<u32> = Vec::new();
            for task in near.drain(..) {
                let before = definition.predecessors(TaskIndex(task));
                further.extend(before.iter().copied().filter(|task| seen.insert(*task)));
            }
            further.sort_unstable();
            for task in &further {
                if let Some(chosen) = self.chosen_by(TaskIndex(*task)) {
                    return Some(definition.id(chosen));
                }
            }
            near.extend(further);
        }
        Some(definition.id(self.task))
    }

    fn chosen_by(&self, decision: TaskIndex) -> Option<TaskIndex> {
        let branch = self.run.branch_taken(decision)?;
        let branches = self.run.definition().branches(decision);
        branches.get(branch as usize)?.targets.first().copied()
    }

    fn run_facts(&self) -> Bytes {
        let definition = self.run.definition();
        let facts = json!({
            "id": &**self.run.run_id(),
            "definition": &*definition.name,
            "version": definition.version.as_deref(),
            "namespace": &**self.run.namespace(),
            "created_by": self.run.created_by().map(|by| &**by),
            "attempt": self.run.active(self.instance).map_or(1, |active| active.attempt),
        });
        facts.to_string().into()
    }
}

impl Scope for View<'_> {
    fn root(&self, name: Root) -> Option<Value> {
        match name {
            Root::CurrentTask => self.current_task().map(Value::text),
            Root::Index => self.item().map(|(_, index)| Value::Int(i64::from(index))),
            Root::Merged | Root::Input | Root::Params | Root::Item | Root::Event | Root::Run => {
                self.root_json(name).and_then(|json| Value::from_json(&json).ok())
            }
        }
    }

    fn output(&self, task: &str) -> Option<Value> {
        self.output_json(task).and_then(|json| Value::from_json(&json).ok())
    }

    fn output_json(&self, task: &str) -> Option<Bytes> {
        self.run.definition().find(task).map(|task| self.output_of(task))
    }

    fn now_text(&self) -> Arc<str> {
        self.now.to_string().into()
    }

    fn root_json(&self, name: Root) -> Option<Bytes> {
        match name {
            Root::Input => Some(self.run.input().json()),
            Root::Params => Some(self.parameters()),
            Root::Item => self.item().map(|(item, _)| item),
            Root::Run => Some(self.run_facts()),
            Root::Event if self.is_task() && self.run.definition().is_handler(self.task) => {
                Some(super::args::failure_of(self.run, self.task))
            }
            Root::Merged | Root::Index | Root::Event | Root::CurrentTask => None,
        }
    }

    fn merged_json(&self) -> Option<&[Bytes]> {
        Some(self.merged.get_or_init(|| {
            let mut parts = vec![self.run.input().json()];
            parts.extend(self.direct_outputs());
            parts.push(self.parameters());
            parts
        }))
    }

    fn field_cache(&self) -> Option<&FieldCache> {
        // All items of a map look at the same texts.
        let is_item = self.run.item_of(self.instance).is_some();
        Some(if is_item { self.run.field_cache() } else { &self.fields })
    }

    fn direct_outputs(&self) -> Vec<Bytes> {
        if !self.is_task() {
            return Vec::new();
        }
        let predecessors = self.run.definition().predecessors(self.task);
        predecessors.iter().map(|task| self.output_of(TaskIndex(*task))).collect()
    }
}
