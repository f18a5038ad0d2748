//! Hand an instance to a worker: decided last in a turn, from the free slots of that turn.

use std::sync::Arc;

use super::args::{RenderedArgs, render_args};
use crate::event::{Event, TaskError, TaskFailed, TaskLeased};
use crate::ids::{Epoch, Grant, InstanceIndex, RunNumber, SessionId};
use crate::lifecycle::{RunState, TaskState};
use crate::state::State;
use crate::time::Millis;

/// A hand-out that was decided, or the failure of a task whose arguments cannot be made.
pub fn lease(
    state: &State,
    (number, instance): (RunNumber, InstanceIndex),
    (session, epoch, lease_ms): (SessionId, Epoch, u64),
    (rate_key, now): (Option<Arc<str>>, Millis),
) -> Option<(Event, RenderedArgs)> {
    let run = state.run(number).filter(|run| run.state() == RunState::Running)?;
    if run.task_state(instance) != Some(TaskState::Ready) {
        return None;
    }
    let attempt = run.attempt(instance);
    match render_args(run, instance) {
        Ok(args) => {
            let grant = Grant(run.grant(instance).map_or(0, |grant| grant.0) + 1);
            let (run, at) = (number, now);
            let event = TaskLeased {
                run,
                instance,
                attempt,
                grant,
                epoch,
                session,
                lease_ms,
                at,
                rate_key,
            };
            Some((event.into(), args))
        }
        Err(error) => {
            let kind = super::advance::kind_of(&error);
            let error = Box::new(TaskError::final_of_engine(kind, error.message));
            let event = TaskFailed { run: number, instance, attempt, error, at: now };
            Some((event.into(), RenderedArgs::default()))
        }
    }
}
