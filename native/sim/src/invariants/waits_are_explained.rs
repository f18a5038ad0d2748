//! P28: who asks why a task does not run is told of each that waits, and what it waits for.

use pyflow_engine::Value;
use serde_json::Value as Json;

use super::invariant::{Invariant, Judged};
use crate::model::{Phase, Run, Stage};
use crate::world::{Ask, Asked, Scene};

#[derive(Debug)]
pub(crate) struct WaitsAreExplained;

impl Invariant for WaitsAreExplained {
    fn name(&self) -> &'static str {
        "P28 waits are explained"
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        let Ask::Explain { run_id } = &asked.ask else { return scene.no_opinion() };
        let Some(Ok(Value::Json(text))) = asked.answer.as_ref().filter(|_| scene.is_quiet) else {
            return scene.no_opinion();
        };
        let shown: Json =
            serde_json::from_slice(text).map_err(|error| format!("no JSON: {error}"))?;
        let Some(run) = scene.model.by_id(run_id).filter(|run| !run.is_blurred) else {
            return scene.no_opinion();
        };
        let wanted = match run.stage {
            Stage::Paused => Some("paused"),
            Stage::Created => Some("concurrency"),
            Stage::Running
            | Stage::Stopping
            | Stage::Completed
            | Stage::Failed
            | Stage::Cancelled => None,
        };
        if shown["blockers"][0]["kind"].as_str() != wanted {
            return Err(format!("run {run_id} is {}: {shown}", run.stage.word()));
        }
        let tasks = shown["tasks"].as_array().map_or(&[][..], Vec::as_slice);
        let waits = |phase: &Phase| !matches!(phase, Phase::Ended(_) | Phase::Leased(_));
        let waiting = (0..run.entries.len()).filter(|at| waits(&run.entries[*at].phase));
        let waiting: Vec<usize> = waiting.collect();
        if tasks.len() != waiting.len() {
            return Err(format!("{} wait in {run_id}, told is {shown}", waiting.len()));
        }
        for (instance, told) in waiting.into_iter().zip(tasks) {
            is_explained(scene, run, instance, told).map_err(|wanted| {
                format!("{} of {run_id}: {wanted}: {told}", run.name(instance))
            })?;
        }
        Ok(())
    }
}

fn is_explained(scene: &Scene, run: &Run, instance: usize, told: &Json) -> Judged {
    let entry = &run.entries[instance];
    if told["task_id"] != *run.name(instance) || told["state"] != entry.word() {
        return Err(format!("it is {}", entry.word()));
    }
    let blockers = told["blockers"].as_array().map_or(&[][..], Vec::as_slice);
    let is_paused = run.stage == Stage::Paused;
    if is_paused != blockers.iter().any(|blocker| blocker["kind"] == "paused") {
        return Err(format!("paused: {is_paused}"));
    }
    let Some(first) = blockers.first() else {
        let may_be_none = run.stage != Stage::Running || !run.is_work(instance);
        return if may_be_none { Ok(()) } else { Err("nothing is told".into()) };
    };
    let wait_is = |until: u64| {
        let wait_s = until.saturating_sub(scene.now) as f64 / 1000.0;
        first["wait_s"].as_f64().is_some_and(|told| (told - wait_s).abs() < 0.01)
    };
    let is_right = match &entry.phase {
        Phase::Waiting => is_awaited(run, instance, first),
        Phase::Backoff { until } => first["kind"] == "backoff" && wait_is(*until),
        Phase::Sleeping { until } => first["kind"] == "timer" && wait_is(*until),
        Phase::Mapped => {
            let left = run.items(instance).filter(|item| item.end().is_none()).count();
            first["kind"] == "dependency" && first["count"] == left
        }
        Phase::Ready if !is_paused && is_unknown(scene, run, instance) => {
            first["kind"] == "unknown_type"
        }
        Phase::Ready if !is_paused && run.is_work(instance) && are_permits_held(scene) => {
            let has_permit = scene.has_permit(run, instance);
            let is_limited = blockers.iter().any(|blocker| blocker["kind"] == "concurrency");
            let kinds = if has_permit { ["rate", "queue"] } else { ["concurrency", "rate"] };
            is_limited != has_permit
                && blockers.iter().all(|blocker| kinds.iter().any(|kind| blocker["kind"] == **kind))
        }
        Phase::Ready => {
            ["concurrency", "rate", "queue", "paused"].iter().any(|kind| first["kind"] == **kind)
        }
        Phase::Leased(_) | Phase::Ended(_) => false,
    };
    if is_right { Ok(()) } else { Err(format!("it is {:?} at {}", entry.phase, scene.now)) }
}

/// Whether what a task waits for is told: others, a failure, or its turn in a map.
fn is_awaited(run: &Run, instance: usize, told: &Json) -> bool {
    let Some((task, None)) = run.place(instance) else { return told["kind"] == "concurrency" };
    if run.flow.is_handler(task) {
        return told["kind"] == "condition";
    }
    let deps = &run.flow.tasks[task].deps;
    let open = deps.iter().filter(|dep| run.entries[**dep].end().is_none()).count();
    told["kind"] == "dependency" && told["count"] == open && told["limit"] == deps.len()
}

/// Whether each lease on record holds its permits: those of a former process hold none any more, and
/// after a turn that was not kept all are held anew once the log takes turns again.
fn are_permits_held(scene: &Scene) -> bool {
    let mut leases = scene.model.runs.values().flat_map(Run::leased);
    scene.takes_writes() && leases.all(|(_, lease)| lease.token >> 32 == u64::from(scene.epoch))
}

/// Whether no worker knows the type of what waits for one.
fn is_unknown(scene: &Scene, run: &Run, instance: usize) -> bool {
    let task_type = run.place(instance).and_then(|(task, _)| run.flow.tasks[task].worker_type());
    let is_known = |name| scene.workers.present.iter().any(|worker| worker.knows(name));
    run.is_work(instance) && task_type.is_some_and(|name| !is_known(name))
}
