//! Why is this task not running? A structured answer.

use serde_json::{Value, json};

use crate::definition::{Join, Kind};
use crate::ids::{InstanceIndex, TaskIndex};
use crate::lifecycle::{RunState, TaskState};
use crate::schedule::PermitKey;
use crate::shard::{Shard, permits_of};
use crate::state::{Active, Phase, Run};
use crate::time::Millis;

/// Tasks that are explained at most when a whole run is asked about.
const TASK_COUNT_MAX: usize = 1_000;
/// Names that one blocker lists at most.
const ID_COUNT_MAX: usize = 20;

impl Shard {
    /// What a run, or one of its instances, waits for.
    pub fn explain(&self, run: &Run, instance: Option<InstanceIndex>, now: Millis) -> Value {
        let mut blockers = Vec::new();
        if run.state() == RunState::Paused {
            blockers.push(json!({"kind": "paused", "text": "the run is paused; resume it"}));
        }
        if run.state() == RunState::Created {
            let (count, limit) = (self.working_count(), self.settings().max_concurrent_runs);
            let text = "as many runs are at work as may be; this one waits for one of them to end";
            blockers
                .push(json!({"kind": "concurrency", "count": count, "limit": limit, "text": text}));
        }
        let instances: Vec<InstanceIndex> = match instance {
            Some(instance) => vec![instance],
            None => waiting_instances(run),
        };
        let tasks: Vec<Value> =
            instances.into_iter().map(|each| self.explain_instance(run, each, now)).collect();
        json!({
            "run_id": &**run.run_id(),
            "state": run.state().name(),
            "blockers": blockers,
            "tasks": tasks,
        })
    }

    fn explain_instance(&self, run: &Run, instance: InstanceIndex, now: Millis) -> Value {
        let state = run.task_state(instance).expect("the instance was found in the run");
        let is_held = run.state() == RunState::Paused && !state.is_terminal();
        let mut blockers = match state {
            // It is in no queue: resuming the run queues it.
            TaskState::Ready if is_held => Vec::new(),
            TaskState::Pending => pending(run, instance),
            TaskState::Ready => self.ready(run, instance, now),
            TaskState::Backoff | TaskState::Waiting => due(run, instance, now),
            TaskState::Skipped => skipped(run, instance),
            TaskState::Leased
            | TaskState::Completed
            | TaskState::Failed
            | TaskState::Cancelled
            | TaskState::Quarantined => Vec::new(),
        };
        if is_held {
            blockers.push(json!({"kind": "paused", "text": "the run is paused; resume it"}));
        }
        json!({
            "task_id": run.instance_id(instance),
            "index": run.item_of(instance).map(|(_, index)| index),
            "state": state.name(),
            "blockers": blockers,
        })
    }

    fn ready(&self, run: &Run, instance: InstanceIndex, now: Millis) -> Vec<Value> {
        let task = run.task_of(instance);
        let task_type = run.definition().task_type(task);
        if run.definition().kind(task) != Kind::Activity {
            return Vec::new();
        }
        if !self.sessions().serves(task_type) {
            return vec![self.unserved(task_type)];
        }
        let mut blockers: Vec<Value> = permits_of(run, instance)
            .unwrap_or_default()
            .iter()
            .filter_map(|(key, limit)| self.permit_blocker(key, *limit))
            .collect();
        if let Some((until, of)) = self.rate_blocks(run, instance, now) {
            let wait_s = until.since(now) as f64 / 1000.0;
            let key = of.into_key();
            let text = match &key {
                Some(_) => "the rate limit of its key holds it back",
                None => "its rate limit holds it back",
            };
            blockers.push(json!({
                "kind": "rate", "task_type": &**task_type, "key": key.as_deref(), "wait_s": wait_s,
                "text": text,
            }));
        }
        if blockers.is_empty() {
            blockers.push(self.queue_blocker(run, instance, now));
        }
        blockers
    }

    /// Nothing but other work is before it: in every slot, or as suspects that run alone.
    fn queue_blocker(&self, run: &Run, instance: InstanceIndex, now: Millis) -> Value {
        let task_type = &**run.definition().task_type(run.task_of(instance));
        let ahead = self.queues().queued(task_type);
        let told = |text: &str| json!({"kind": "queue", "task_type": task_type, "count": ahead, "text": text});
        if self.sessions().free_slots(task_type) == 0 {
            return told("every slot that could run it is taken");
        }
        if let Some((suspect, until)) = self.sessions().alone(task_type, now) {
            let mut blocker = told("a task runs alone, for the process has died under it");
            // A run that was stopped may have left before what it had at work has ended.
            if let Some(of) = self.state().run(suspect.lease.run) {
                blocker["ids"] = json!([&**of.run_id(), of.instance_id(suspect.lease.instance)]);
            }
            blocker["wait_s"] = json!(until.since(now) as f64 / 1000.0);
            return blocker;
        }
        if run.active(instance).is_some_and(Active::is_suspect) {
            return told("the process has died under it: it waits for a worker with no other work");
        }
        match self.queues().suspects_before(self.sessions(), task_type) {
            0 => told("a slot is free: the next turn hands it out"),
            1 => told("a task goes first, alone for a while, under which the process has died"),
            count => told(&format!(
                "{count} tasks go first, each alone for a while, under which the process has died"
            )),
        }
    }

    fn unserved(&self, task_type: &str) -> Value {
        if self.sessions().ids().is_empty() {
            let text = "no worker is connected";
            return json!({"kind": "no_worker", "task_type": task_type, "text": text});
        }
        let text =
            format!("no worker knows the task type {task_type}; import its module, or register it");
        json!({"kind": "unknown_type", "task_type": task_type, "text": text})
    }

    fn permit_blocker(&self, key: &PermitKey, limit: u32) -> Option<Value> {
        let (held, _) = self.queues().permit_counts(key);
        let name = match key {
            PermitKey::Named(name) | PermitKey::TaskType(name) => name.to_string(),
            PermitKey::Run(_) => "max_concurrent_tasks".to_string(),
        };
        (held >= limit as usize).then(|| {
            let text = format!("{held} of {limit} permits of {name} are taken");
            json!({"kind": "concurrency", "key": name, "count": held, "limit": limit, "text": text})
        })
    }
}

fn waiting_instances(run: &Run) -> Vec<InstanceIndex> {
    (0..run.instance_count() as u32)
        .map(InstanceIndex)
        .filter(|instance| {
            let state = run.task_state(*instance);
            state.is_some_and(|state| !state.is_terminal() && state != TaskState::Leased)
        })
        .take(TASK_COUNT_MAX)
        .collect()
}

fn pending(run: &Run, instance: InstanceIndex) -> Vec<Value> {
    if let Some((parent, _)) = run.item_of(instance) {
        let limit = run.definition().options(TaskIndex(parent.0)).concurrency;
        let text = "as many items of the map are at work as may be";
        return vec![
            json!({"kind": "concurrency", "key": run.instance_id(parent), "limit": limit, "text": text}),
        ];
    }
    let task = TaskIndex(instance.0);
    let definition = run.definition();
    if let Some(owner) = definition.handles(task) {
        let text = "it is an error handler: it runs if that task fails";
        return vec![json!({"kind": "condition", "ids": [definition.id(owner)], "text": text})];
    }
    if definition.on_error == Some(task) {
        return vec![json!({"kind": "condition", "text": "it runs if the run fails"})];
    }
    let open: Vec<&str> = definition
        .predecessors(task)
        .iter()
        .map(|source| TaskIndex(*source))
        .filter(|source| run.ending(source.instance()).is_none())
        .map(|source| definition.id(source))
        .collect();
    let (count, limit) = (open.len(), definition.predecessors(task).len());
    let ids = &open[..count.min(ID_COUNT_MAX)];
    let rule = match definition.options(task).join {
        Join::AllSuccess => "all of them to succeed",
        Join::AllDone => "all of them to end",
        Join::AnySuccess => "one of them to succeed",
        Join::NoneFailedMinOneSuccess => "one of them to succeed and none to fail",
        Join::CountOf(_) => "enough of them to succeed",
    };
    let text = format!("it waits for {rule}");
    vec![json!({"kind": "dependency", "ids": ids, "count": count, "limit": limit, "text": text})]
}

fn due(run: &Run, instance: InstanceIndex, now: Millis) -> Vec<Value> {
    let Some(active) = run.active(instance) else { return Vec::new() };
    let blocker = match &active.phase {
        Phase::Sleeping { until } => {
            json!({"kind": "timer", "wait_s": until.since(now) as f64 / 1000.0, "text": "a timer runs"})
        }
        Phase::Backoff { until } => {
            let message = active.error.as_ref().map_or("", |error| error.message.as_str());
            let text = format!("attempt {} waits after: {message}", active.attempt);
            json!({"kind": "backoff", "wait_s": until.since(now) as f64 / 1000.0, "text": text})
        }
        Phase::Mapping => {
            let map = run.map(instance);
            let (count, limit) = map.map_or((0, 0), |map| (map.count - map.settled, map.count));
            let text = "its items are being worked on";
            json!({"kind": "dependency", "count": count, "limit": limit, "text": text})
        }
        Phase::Ready | Phase::Leased { .. } => return Vec::new(),
    };
    vec![blocker]
}

fn skipped(run: &Run, instance: InstanceIndex) -> Vec<Value> {
    let text = match run.ending(instance) {
        Some(crate::state::Ending::Unreached) => "a task before it failed",
        _ => "its condition was false, or a decision chose another branch",
    };
    vec![json!({"kind": "condition", "text": text})]
}
