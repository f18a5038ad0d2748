//! Cancel or recover one task of a run.

use super::Decision;
use super::control_run::live_run;
use crate::command::{ControlTask, TaskVerb};
use crate::event::{TaskCancelRequested, TaskCancelled};
use crate::ids::InstanceIndex;
use crate::lifecycle::{RunState, TaskState};
use crate::rejection::Rejection;
use crate::state::{Run, State};
use crate::time::Millis;

pub(super) fn decide(state: &State, command: &ControlTask, now: Millis) -> Decision {
    let run = live_run(state, &command.namespace, &command.run_id)?;
    let Some(instance) = run.find_instance(&command.task_id) else {
        let definition = run.definition();
        let ids = definition.tasks().map(|task| definition.id(task));
        let hint = crate::names::closest(&command.task_id, ids)
            .map_or(String::new(), |near| format!("; did you mean {near}?"));
        let (run_id, task_id) = (run.run_id().clone(), command.task_id.clone());
        return Err(Rejection::TaskUnknown { run_id, task_id, hint });
    };
    match command.verb {
        TaskVerb::Cancel => cancel(run, instance, now),
        TaskVerb::Recover => super::recover::of_task(run, instance, now),
    }
}

pub(super) fn refused(run: &Run, instance: InstanceIndex, wanted: &'static str) -> Rejection {
    Rejection::TaskStateRefused {
        run_id: run.run_id().clone(),
        task_id: run.instance_id(instance),
        state: run.task_state(instance).expect("the instance was found in the run"),
        wanted,
    }
}

fn cancel(run: &Run, instance: InstanceIndex, now: Millis) -> Decision {
    let is_at_work = matches!(run.state(), RunState::Running | RunState::Paused);
    if !is_at_work || !run.was_started() {
        let (run_id, state) = (run.run_id().clone(), run.state());
        let wanted = "only a task of a run that is working can be cancelled";
        return Err(Rejection::RunStateRefused { run_id, state, wanted });
    }
    let run_number = run.number();
    match run.task_state(instance).expect("the instance was found in the run") {
        TaskState::Leased => {
            Ok(vec![TaskCancelRequested { run: run_number, instance, at: now }.into()])
        }
        TaskState::Waiting if run.map(instance).is_some() => {
            Err(refused(run, instance, "cancel the items of a map, or the whole run"))
        }
        TaskState::Pending | TaskState::Ready | TaskState::Backoff | TaskState::Waiting => {
            Ok(vec![TaskCancelled { run: run_number, instance, at: now }.into()])
        }
        TaskState::Cancelled => Ok(Vec::new()),
        TaskState::Completed | TaskState::Failed | TaskState::Skipped | TaskState::Quarantined => {
            Err(refused(run, instance, "only a task that has not ended can be cancelled"))
        }
    }
}
