//! Pause, resume or cancel a run.

use super::Decision;
use crate::command::{ControlRun, RunVerb};
use crate::event::{RunCancelRequested, RunPaused, RunResumed};
use crate::lifecycle::RunState;
use crate::limits::ERROR_MESSAGE_SIZE_MAX;
use crate::rejection::Rejection;
use crate::seeded::{Bug, is_planted};
use crate::state::{Run, State};
use crate::time::Millis;

pub(super) fn decide(state: &State, command: &ControlRun, now: Millis) -> Decision {
    let run = live_run(state, &command.namespace, &command.run_id)?;
    match &command.verb {
        RunVerb::Pause => pause(run, now),
        RunVerb::Resume => resume(run, now),
        RunVerb::Cancel { reason } => cancel(run, reason, now),
        RunVerb::Recover => super::recover::of_run(run, now),
    }
}

/// A run that is in memory; one that has ended and left is answered by the read model.
pub(super) fn live_run<'a>(
    state: &'a State,
    namespace: &str,
    run_id: &std::sync::Arc<str>,
) -> Result<&'a Run, Rejection> {
    let unknown = || Rejection::RunUnknown { run_id: run_id.clone() };
    state.run_by_id(namespace, run_id).ok_or_else(unknown)
}

fn refused(run: &Run, wanted: &'static str) -> Rejection {
    Rejection::RunStateRefused { run_id: run.run_id().clone(), state: run.state(), wanted }
}

fn pause(run: &Run, now: Millis) -> Decision {
    match run.state() {
        RunState::Created | RunState::Running => {
            Ok(vec![RunPaused { run: run.number(), at: now }.into()])
        }
        RunState::Paused => Ok(Vec::new()),
        RunState::Cancelling | RunState::Completed | RunState::Failed | RunState::Cancelled => {
            Err(refused(run, "only a run that is working can be paused"))
        }
    }
}

fn resume(run: &Run, now: Millis) -> Decision {
    match run.state() {
        RunState::Paused => Ok(vec![RunResumed { run: run.number(), at: now }.into()]),
        RunState::Created | RunState::Running => Ok(Vec::new()),
        RunState::Cancelling | RunState::Completed | RunState::Failed | RunState::Cancelled => {
            Err(refused(run, "only a paused run can be resumed"))
        }
    }
}

fn cancel(run: &Run, reason: &str, now: Millis) -> Decision {
    match run.state() {
        RunState::Paused if is_planted(Bug::CancelOfPausedLost) => Ok(Vec::new()),
        RunState::Created | RunState::Running | RunState::Paused => {
            let reason: String = reason.chars().take(ERROR_MESSAGE_SIZE_MAX / 4).collect();
            Ok(vec![RunCancelRequested { run: run.number(), reason, at: now }.into()])
        }
        RunState::Cancelling | RunState::Cancelled => Ok(Vec::new()),
        RunState::Completed | RunState::Failed => {
            Err(refused(run, "only a run that has not ended can be cancelled"))
        }
    }
}
