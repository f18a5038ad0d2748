//! Events as people and listeners see them: JSON, with names instead of numbers.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::event::{DecisionTaken, Event, SaidLine, TaskError};
use crate::ids::{InstanceIndex, TaskIndex};
use crate::payload::Payload;
use crate::state::{Run, item_count};

/// An error as JSON.
pub fn error_json(error: &TaskError) -> Value {
    let kinds: Vec<&str> = error.kinds.iter().map(|kind| &**kind).collect();
    json!({
        "error_type": &*error.error_type,
        "kinds": kinds,
        "message": error.message,
        "traceback": error.traceback,
    })
}

/// A user's value as JSON; plain text where it is none, which only a foreign writer can make.
pub fn payload_json(payload: &Payload) -> Value {
    let bytes = payload.json();
    serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned()))
}

/// One event of a run; `place` is its position in the log and its number in the run's history.
pub fn event_json(run: Option<&Run>, event: &Event, place: (u64, u64)) -> Value {
    let mut shown = Map::new();
    shown.insert("kind".into(), event.kind().into());
    shown.insert("position".into(), place.0.into());
    shown.insert("sequence".into(), place.1.into());
    shown.insert("at".into(), event.at().0.into());
    if let Some(run) = run {
        shown.insert("run_id".into(), (&**run.run_id()).into());
        if let Some(instance) = event.instance() {
            name_instance(run, instance, &mut shown);
        }
    }
    let own = own_fields(run, event);
    if let Value::Object(own) = own {
        shown.extend(own);
    }
    Value::Object(shown)
}

fn name_instance(run: &Run, instance: InstanceIndex, shown: &mut Map<String, Value>) {
    if instance.index() >= run.instance_count() {
        return;
    }
    shown.insert("task_id".into(), run.instance_id(instance).into());
    if let Some((_, index)) = run.item_of(instance) {
        shown.insert("index".into(), index.into());
    }
}

/// The fields that only this kind of event has.
fn own_fields(run: Option<&Run>, event: &Event) -> Value {
    match event {
        Event::DefinitionDeployed(e) => json!({
            "name": &*e.name, "version": e.version.as_deref(), "definition": e.definition.to_string(),
        }),
        Event::RunsForgotten(e) => {
            let ids: Vec<&str> = e.runs.iter().map(|(_, (_, run_id))| &**run_id).collect();
            json!({ "run_ids": ids })
        }
        Event::RunCreated(e) => json!({
            "name": run.map(|run| &*run.definition().name),
            "definition": e.definition.to_string(),
            "created_by": e.created_by.as_deref(),
            "metadata": e.metadata.as_ref().and_then(|m| serde_json::from_slice::<Value>(m).ok()),
        }),
        Event::RunCancelRequested(e) => json!({ "reason": e.reason }),
        Event::RunCompleted(e) => json!({ "result": payload_json(&e.result) }),
        Event::RunFailed(e) => json!({ "attempt": e.attempt, "error": error_json(&e.error) }),
        Event::RunCancelled(e) => json!({ "reason": e.reason }),
        Event::TaskLeased(e) => json!({
            "attempt": e.attempt, "lease_ms": e.lease_ms, "task_type": type_name(run, e.instance),
        }),
        Event::TaskCompleted(e) => json!({ "output": payload_json(&e.output) }),
        Event::TaskFailed(e) => json!({ "attempt": e.attempt, "error": error_json(&e.error) }),
        Event::TaskRetrying(e) => json!({
            "attempt": e.attempt, "error": error_json(&e.error), "until": e.until.0,
        }),
        Event::TaskQuarantined(e) => json!({ "attempt": e.attempt, "error": error_json(&e.error) }),
        Event::LeaseEnded(e) => json!({
            "cause": cause_name(e.cause), "counted": e.counted, "message": e.message,
        }),
        Event::DecisionTaken(e) => decision_json(run, e),
        Event::GatewayPassed(e) => json!({ "source": source_name(run, e.from) }),
        Event::MapExpanded(e) => json!({ "count": item_count(&e.items.json()).unwrap_or(0) }),
        Event::TimerStarted(e) => json!({ "until": e.until.0 }),
        Event::TaskSaid(e) => {
            let lines: Vec<Value> = e.lines.iter().map(line_json).collect();
            json!({ "attempt": e.attempt, "lines": lines })
        }
        Event::RunStarted(_)
        | Event::RunPaused(_)
        | Event::RunResumed(_)
        | Event::RunDeadlineExceeded(_)
        | Event::RunReopened(_)
        | Event::TaskSkipped(_)
        | Event::TaskCancelled(_)
        | Event::TaskRecovered(_)
        | Event::TaskCancelRequested(_)
        | Event::TimerFired(_)
        | Event::BackoffEnded(_) => Value::Null,
    }
}

/// A line that a task has said.
pub fn line_json(line: &SaidLine) -> Value {
    json!({ "at": line.at.0, "level": &*line.level, "text": line.text })
}

/// A decision with the tasks that it chose and those of its other branches.
fn decision_json(run: Option<&Run>, event: &DecisionTaken) -> Value {
    let branch = event.branch;
    let Some(run) = run else { return json!({ "branch": branch }) };
    let definition = run.definition();
    let branches = definition.branches(run.task_of(event.instance));
    let chosen = branches.get(branch as usize).map_or(&[][..], |branch| &branch.targets);
    let mut told: BTreeSet<TaskIndex> = chosen.iter().copied().collect();
    let others = branches.iter().flat_map(|branch| branch.targets.iter().copied());
    let skipped: Vec<TaskIndex> = others.filter(|task| told.insert(*task)).collect();
    let ids = |tasks: &[TaskIndex]| -> Vec<&str> {
        tasks.iter().map(|task| definition.id(*task)).collect()
    };
    json!({ "branch": branch, "chosen": ids(chosen), "skipped": ids(&skipped) })
}

fn type_name(run: Option<&Run>, instance: InstanceIndex) -> &str {
    let run = run.filter(|run| instance.index() < run.instance_count());
    run.map_or("", |run| run.definition().task_type(run.task_of(instance)))
}

fn source_name(run: Option<&Run>, from: Option<TaskIndex>) -> Option<&str> {
    Some(run?.definition().id(from?))
}

fn cause_name(cause: u8) -> &'static str {
    match cause {
        0 => "returned",
        1 => "worker_died",
        2 => "owner_died",
        3 => "expired",
        _ => "worker_left",
    }
}
