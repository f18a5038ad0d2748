//! P12: a task is given the outputs that were recorded, and an item its own item.

use std::collections::BTreeMap;

use bytes::Bytes;
use pyflow_core::decide::Rendered;
use pyflow_core::effect::Granted;
use pyflow_core::event::Event;
use pyflow_core::ids::token;
use pyflow_core::time::Millis;
use serde_json::{Value, json};

use super::invariant::{Invariant, Judged};
use crate::flows::{Reads, number};
use crate::model::{Entry, Run};
use crate::world::{Held, Scene};

#[derive(Debug, Default)]
pub(crate) struct ArgumentsAreRight {
    /// What attempts are to be given of the outputs that were on record when they were handed out,
    /// by run, instance and token. More may be on record when that is heard.
    read: BTreeMap<(u64, usize, u64), Bytes>,
}

impl Invariant for ArgumentsAreRight {
    fn name(&self) -> &'static str {
        "P12 arguments are right"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::TaskLeased(leased) = event else { return scene.no_opinion() };
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        if let Some(reads) = &found.task().reads {
            let attempt = (leased.run.0, found.instance, token(leased.epoch, leased.grant));
            self.read.insert(attempt, recorded(found.run, reads));
        }
        scene.no_opinion()
    }

    fn reopened(&mut self, scene: &Scene) -> Judged {
        self.read.clear(); // Whoever was handed anything is gone.
        scene.no_opinion()
    }

    fn granted(&mut self, scene: &Scene, granted: &Granted, held: &Held) -> Judged {
        let Some(run) = scene.model.by_id(&held.run_id) else { return scene.no_opinion() };
        let task = &run.flow.tasks[held.task];
        let entry = scene.entry_of(held);
        if let Some(entry) = entry.filter(|entry| granted.details != entry.details) {
            let (told, kept) = (&granted.details, &entry.details);
            return Err(format!("{} goes on from {told:?}, not {kept:?}", task.id));
        }
        let shape = granted.definition.shape(granted.task);
        let given = |name: &str| {
            let place = shape.iter().position(|known| &**known == name)?;
            granted.args.values.get(place).map(Rendered::text)
        };
        if task.reads.is_some() {
            let instance = run.instance_of(held.task, held.item).unwrap_or(held.task);
            let wanted = self.read.remove(&(run.number, instance, held.token));
            let given = given("value");
            if (wanted.is_none() || given != wanted) && !run.is_blurred {
                return Err(format!("{} is given {given:?}, not {wanted:?}", task.id));
            }
        }
        for (name, wanted) in told(run, held, entry) {
            let given = given(name);
            let is_right = given.as_ref().is_some_and(|json| read(json) == Some(wanted.clone()));
            if !is_right && !run.is_blurred {
                return Err(format!("{} is given {given:?} as {name}, not {wanted}", task.id));
            }
        }
        Ok(())
    }
}

/// What is read of the outputs on record: null for one that is not there.
fn recorded(run: &Run, reads: &Reads) -> Bytes {
    let output = |task: &usize| run.entries[*task].output().map_or(&b"null"[..], |json| json);
    match reads {
        Reads::Output(task) => Bytes::copy_from_slice(output(task)),
        Reads::List(tasks) => {
            let outputs: Vec<&[u8]> = tasks.iter().map(output).collect();
            [b"[", outputs.join(&b","[..]).as_slice(), b"]"].concat().into()
        }
    }
}

fn read(json: &[u8]) -> Option<Value> {
    serde_json::from_slice(json).ok()
}

/// The parameters that a task was drawn with, by their names.
fn told(run: &Run, held: &Held, entry: Option<&Entry>) -> Vec<(&'static str, Value)> {
    let task = &run.flow.tasks[held.task];
    let mut told = Vec::new();
    if let (Some(items), Some(index)) = (run.items_of.get(&held.task), held.item) {
        told.push(("item", items.get(index).cloned().unwrap_or_default()));
        told.push(("index", json!(index)));
    }
    if !task.is_told {
        return told;
    }
    if let Some(seed) = task.counts {
        let counted = number(seed, "").1[usize::from(run.flag)];
        told.push(("counted", json!(counted)));
        told.push(("said", json!(format!("<{counted} of {}>", run.id))));
    }
    told.extend([
        ("run", json!(run.id)),
        ("attempt", json!(held.attempt)),
        ("asked", json!(run.flag)),
        ("merged", merged(run, held.task)),
        ("constant", json!({ "is": ["always", 7] })),
    ]);
    told.extend(entry.map(|entry| ("now", json!(Millis(entry.first_ready_at).to_string()))));
    let failed = match task.handles {
        Some(owner) => Some(owner),
        None if run.flow.on_error == Some(held.task) => run.unforgiven_failure(),
        None => return told,
    };
    let error = failed.and_then(|task| run.entries[task].error.clone());
    // What is told of one that was cancelled is the engine's own.
    let Some((failed, error)) = failed.zip(error) else { return told };
    let failure = json!({
        "task_id": run.flow.tasks[failed].id,
        "error_type": &*error.error_type,
        "message": error.message,
        "attempt": run.failed_attempt(failed),
    });
    told.extend([("failure", failure), ("why", json!(error.message))]);
    told
}

/// What `$.flag` is: the input's, unless an output of a task before it has one; the last of them.
fn merged(run: &Run, task: usize) -> Value {
    let outputs = run.flow.tasks[task].deps.iter().filter_map(|dep| run.entries[*dep].output());
    let flags = outputs.filter_map(|json| read(json)?.as_object()?.get("flag").cloned());
    flags.last().unwrap_or_else(|| json!(run.flag))
}
