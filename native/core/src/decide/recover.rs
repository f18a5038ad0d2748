//! Do anew what has failed: one task, or everything of a run.

use super::Decision;
use super::control_task::refused;
use crate::event::{Event, RunReopened, TaskRecovered};
use crate::ids::InstanceIndex;
use crate::lifecycle::{RunState, TaskState};
use crate::rejection::Rejection;
use crate::state::{Ending, Run};
use crate::time::Millis;

const WANTED: &str = "only a failed task of a run that is working or has failed can be recovered";

pub(super) fn of_task(run: &Run, instance: InstanceIndex, now: Millis) -> Decision {
    let task = run.task_of(instance);
    if run.definition().is_handler(task) {
        let wanted = "an error handler is not recovered by itself; recover the task that failed";
        return Err(refused(run, instance, wanted));
    }
    let was_stopped = run.state() == RunState::Failed && run.was_stopped(instance);
    let parts = failed_parts(run, instance);
    if !was_stopped && parts.is_empty() {
        return Err(refused(run, instance, WANTED));
    }
    let reopened = reopened(run, now)?;
    if is_being_handled(run, instance) {
        return Err(refused(run, instance, "its error handler is at work; wait for its end"));
    }
    if run.ending(task.instance()) == Some(Ending::Mended) {
        return Err(refused(run, instance, "its error handler has mended it already"));
    }
    Ok(reopened.into_iter().chain(recovered(run, parts, now)).collect())
}

pub(super) fn of_run(run: &Run, now: Millis) -> Decision {
    let reopened = reopened(run, now)?;
    let definition = run.definition();
    // What comes first is done anew first: what depends on it, and has failed too, is to wait for it.
    let parts = definition
        .topological_order()
        .filter(|task| !definition.is_handler(*task))
        .map(crate::ids::TaskIndex::instance)
        .filter(|task| !matches!(run.ending(*task), Some(Ending::Mended | Ending::Completed)))
        .filter(|task| !is_being_handled(run, *task))
        .flat_map(|task| failed_parts(run, task));
    let recovered: Vec<Event> = recovered(run, parts, now).collect();
    if recovered.is_empty() && run.stop().is_none() {
        let (run_id, state) = (run.run_id().clone(), run.state());
        let wanted = "no task of it has failed that could be recovered";
        return Err(Rejection::RunStateRefused { run_id, state, wanted });
    }
    Ok(reopened.into_iter().chain(recovered).collect())
}

/// What opens a run that has failed again; nothing where it is at work.
fn reopened(run: &Run, now: Millis) -> Result<Option<Event>, Rejection> {
    let refused = |wanted| {
        let (run_id, state) = (run.run_id().clone(), run.state());
        Err(Rejection::RunStateRefused { run_id, state, wanted })
    };
    match run.state() {
        RunState::Failed => Ok(Some(RunReopened { run: run.number(), at: now }.into())),
        RunState::Running | RunState::Paused if run.was_started() => {
            let handler = run.definition().on_error.map(crate::ids::TaskIndex::instance);
            let is_called = |handler| {
                !matches!(run.task_state(handler), Some(TaskState::Pending))
                    && run.ending(handler).is_none()
            };
            if run.unsettled() == 0 && handler.is_some_and(is_called) {
                return refused("its error handler is at work; wait for its end");
            }
            Ok(None)
        }
        RunState::Created
        | RunState::Running
        | RunState::Paused
        | RunState::Cancelling
        | RunState::Completed
        | RunState::Cancelled => refused(WANTED),
    }
}

/// Whether an instance has failed by itself.
fn has_failed(run: &Run, instance: InstanceIndex) -> bool {
    match run.ending(instance) {
        Some(Ending::Failed | Ending::Quarantined) => true,
        Some(Ending::Cancelled) => !run.was_stopped(instance),
        Some(Ending::Completed | Ending::Mended | Ending::Skipped | Ending::Unreached) | None => {
            false
        }
    }
}

/// Whether the error handler of an instance's task has been called and has not ended.
fn is_being_handled(run: &Run, instance: InstanceIndex) -> bool {
    let mut task = run.task_of(instance);
    while let Some(handler) = run.definition().handler(task) {
        let is_called =
            matches!(run.ending(task.instance()), Some(Ending::Failed | Ending::Quarantined));
        if !is_called {
            return false;
        }
        if run.ending(handler.task.instance()).is_none() {
            return run.state() != RunState::Failed;
        }
        task = handler.task;
    }
    false
}

/// What is to be done anew of an instance: of a map, also of one at work, its failed items; of anything
/// else that has failed the whole. What was stopped with its run goes on by itself.
fn failed_parts(run: &Run, instance: InstanceIndex) -> Vec<InstanceIndex> {
    let items = run.map(instance).into_iter().flat_map(|map| {
        (0..map.count).map(|index| map.instance(index)).filter(|item| has_failed(run, *item))
    });
    let mut parts: Vec<InstanceIndex> = items.collect();
    if parts.is_empty() && has_failed(run, instance) {
        parts.push(instance);
    }
    parts
}

fn recovered(
    run: &Run,
    parts: impl IntoIterator<Item = InstanceIndex>,
    now: Millis,
) -> impl Iterator<Item = Event> {
    let run = run.number();
    parts.into_iter().map(move |instance| TaskRecovered { run, instance, at: now }.into())
}
