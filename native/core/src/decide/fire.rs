//! Something was due at a time that has come.

use super::Decision;
use super::report::{attempt_failed, held};
use crate::command::{LeaseRef, TimeOut, Wake};
use crate::event::{
    BackoffEnded, Event, RunDeadlineExceeded, TaskCancelled, TaskError, TaskFailed, TimerFired,
};
use crate::ids::{InstanceIndex, RunNumber};
use crate::lifecycle::{RunState, TaskState};
use crate::rejection::Rejection;
use crate::state::{Phase, Run, State};
use crate::time::Millis;

pub(super) fn decide(state: &State, wake: Wake, now: Millis) -> Decision {
    match wake {
        Wake::RunDeadline { run } => run_deadline(state, run, now),
        Wake::Instance { run, instance } => instance_due(state, run, instance, now),
        Wake::AttemptTimeout { .. } | Wake::HeartbeatTimeout { .. } => {
            let (lease, is_silent) = wake.lease().expect("these are of a lease");
            time_out(state, &TimeOut { lease, is_silent, details: None }, now)
        }
        Wake::QueueTimeout { run, instance } => queue_timeout(live(state, run)?, instance, now),
        Wake::TotalTimeout { run, instance } => total_timeout(live(state, run)?, instance, now),
    }
}

fn queue_timeout(run: &Run, instance: InstanceIndex, now: Millis) -> Decision {
    let waits =
        run.state() == RunState::Running && run.task_state(instance) == Some(TaskState::Ready);
    let span_ms = run.definition().options(run.task_of(instance)).queue_timeout_ms;
    if !waits || !is_over(run.in_queue_since(instance), span_ms, now) {
        return Err(Rejection::NotDue);
    }
    let message = "no worker took the task within its queue timeout";
    Ok(vec![over(run, instance, "QueueTimeout", message, now)])
}

fn total_timeout(run: &Run, instance: InstanceIndex, now: Millis) -> Decision {
    let span_ms = run.definition().options(run.task_of(instance)).total_timeout_ms;
    if !is_over(run.first_ready(instance), span_ms, now) {
        return Err(Rejection::NotDue);
    }
    let message = "the attempts together took longer than the total timeout";
    Ok(vec![over(run, instance, "TotalTimeout", message, now)])
}

/// Whether a span of time that began at `since` has passed.
fn is_over(since: Option<Millis>, span_ms: Option<u64>, now: Millis) -> bool {
    since.zip(span_ms).is_some_and(|(since, span_ms)| since.plus(span_ms) <= now)
}

fn live(state: &State, run: RunNumber) -> Result<&Run, Rejection> {
    state.run(run).filter(|run| !run.state().is_terminal()).ok_or(Rejection::NotDue)
}

fn run_deadline(state: &State, run: RunNumber, now: Millis) -> Decision {
    let run = live(state, run)?;
    if run.stop().is_some() || run.deadline_at().is_none_or(|deadline| deadline > now) {
        return Err(Rejection::NotDue);
    }
    Ok(vec![RunDeadlineExceeded { run: run.number(), at: now }.into()])
}

fn instance_due(state: &State, run: RunNumber, instance: InstanceIndex, now: Millis) -> Decision {
    let run = live(state, run)?;
    let number = run.number();
    match run.active(instance).map(|active| &active.phase) {
        Some(Phase::Sleeping { until }) if *until <= now => {
            Ok(vec![TimerFired { run: number, instance, at: now }.into()])
        }
        Some(Phase::Backoff { until }) if *until <= now => {
            Ok(vec![BackoffEnded { run: number, instance, at: now }.into()])
        }
        Some(
            Phase::Sleeping { .. }
            | Phase::Backoff { .. }
            | Phase::Ready
            | Phase::Leased { .. }
            | Phase::Mapping,
        )
        | None => Err(Rejection::NotDue),
    }
}

/// An attempt is over by its time: it is failed, and tried again as its options say.
pub(super) fn time_out(state: &State, command: &TimeOut, now: Millis) -> Decision {
    let (run, active) = held(state, command.lease).map_err(|_| Rejection::NotDue)?;
    if run.stop().is_some() || matches!(active.phase, Phase::Leased { stop_asked: true, .. }) {
        // It was asked to stop and did not do so in time.
        let LeaseRef { run, instance, .. } = command.lease;
        return Ok(vec![TaskCancelled { run, instance, at: now }.into()]);
    }
    let message = if command.is_silent {
        "no heartbeat came within the heartbeat timeout"
    } else {
        "the attempt took longer than its timeout"
    };
    let mut error = TaskError::of_engine("TimeoutError", message.to_string());
    error.kinds.extend(["OSError".into(), "Exception".into()]);
    let at = (command.details.clone(), now);
    Ok(vec![attempt_failed(run, command.lease, active, &error, at)])
}

/// The task has failed for good by a bound on all of its attempts.
fn over(run: &Run, instance: InstanceIndex, kind: &str, message: &str, now: Millis) -> Event {
    let attempt = run.attempt(instance);
    let error = Box::new(TaskError::final_of_engine(kind, message.to_string()));
    TaskFailed { run: run.number(), instance, attempt, error, at: now }.into()
}
