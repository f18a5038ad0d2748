//! What a worker reports of an attempt.

use super::Decision;
use crate::command::{LeaseRef, Outcome, Report};
use crate::definition::Delivery;
use crate::event::{Event, TaskCancelled, TaskCompleted, TaskError, TaskFailed, TaskRetrying};
use crate::limits::{ERROR_MESSAGE_SIZE_MAX, PAYLOAD_SIZE_MAX};
use crate::rejection::Rejection;
use crate::retry;
use crate::seeded::{Bug, is_planted};
use crate::state::{Active, Instance, Phase, Run, State};
use crate::time::Millis;

pub(super) fn decide(state: &State, command: &Report, now: Millis) -> Decision {
    let (run, active) = held(state, command.lease)?;
    let (number, instance) = (command.lease.run, command.lease.instance);
    let Phase::Leased { stop_asked, .. } = active.phase else { return Err(Rejection::StaleToken) };
    match &command.outcome {
        Outcome::Completed { output } if output.size() > PAYLOAD_SIZE_MAX => {
            let (size, most) = (output.size(), PAYLOAD_SIZE_MAX);
            let message = format!("the output is {size} bytes; at most {most} are allowed");
            let error = TaskError::final_of_engine("PayloadTooLarge", message);
            Ok(vec![failed(run, command, active, &error, now)])
        }
        Outcome::Completed { output } => {
            let output = output.clone();
            Ok(vec![TaskCompleted { run: number, instance, output, at: now }.into()])
        }
        Outcome::Cancelled if stop_asked || run.stop().is_some() => {
            Ok(vec![TaskCancelled { run: number, instance, at: now }.into()])
        }
        Outcome::Cancelled => {
            let message = "the task cancelled itself; nobody had asked it to".to_string();
            let error = TaskError::of_engine("CancelledError", message);
            Ok(vec![failed(run, command, active, &error, now)])
        }
        Outcome::Failed { .. } if stop_asked => {
            Ok(vec![TaskCancelled { run: number, instance, at: now }.into()])
        }
        Outcome::Failed { error } => Ok(vec![failed(run, command, active, error, now)]),
    }
}

/// The record of a lease that is still the latest of its task.
pub(super) fn held(state: &State, lease: LeaseRef) -> Result<(&Run, &Active), Rejection> {
    let run = state.run(lease.run).ok_or(Rejection::StaleToken)?;
    match run.instance(lease.instance) {
        Some(Instance::Settled { grant, .. }) if grant == lease.grant => {
            Err(Rejection::AlreadyReported)
        }
        Some(Instance::Active(_)) => {
            let active = run.active(lease.instance).ok_or(Rejection::StaleToken)?;
            let is_leased = matches!(active.phase, Phase::Leased { .. });
            if active.grant != lease.grant && !is_planted(Bug::StaleReportTaken) {
                return Err(Rejection::StaleToken);
            }
            if is_leased { Ok((run, active)) } else { Err(Rejection::AlreadyReported) }
        }
        Some(Instance::Pending { .. } | Instance::Ready { .. } | Instance::Settled { .. })
        | None => Err(Rejection::StaleToken),
    }
}

fn failed(run: &Run, report: &Report, active: &Active, error: &TaskError, now: Millis) -> Event {
    attempt_failed(run, report.lease, active, error, (report.details.clone(), now))
}

/// The end of a failed attempt: another one after a while, or the task's failure.
pub(super) fn attempt_failed(
    run: &Run,
    lease: LeaseRef,
    active: &Active,
    error: &TaskError,
    (details, now): (Option<bytes::Bytes>, Millis),
) -> Event {
    let error = Box::new(bounded(error));
    let options = run.definition().options(run.task_of(lease.instance));
    let whose = (lease.run, lease.instance);
    let until = retry::next_attempt(options, active, &error, whose, now);
    let attempt = active.attempt;
    let is_lost = is_planted(Bug::SecondRetryLost) && attempt > active.first_attempt;
    match until
        .filter(|_| !is_lost && run.stop().is_none() && options.delivery == Delivery::AtLeastOnce)
    {
        Some(until) => TaskRetrying {
            run: lease.run,
            instance: lease.instance,
            attempt,
            error,
            until,
            details: details.or_else(|| active.details.as_deref().cloned()),
            at: now,
        }
        .into(),
        None => {
            TaskFailed { run: lease.run, instance: lease.instance, attempt, error, at: now }.into()
        }
    }
}

/// An error is kept as it is up to a size; a longer one is cut and says so.
fn bounded(error: &TaskError) -> TaskError {
    let mut kept = error.clone();
    kept.message = cut_message(&error.message);
    kept.traceback = cut_message(&error.traceback);
    kept.kinds.truncate(64);
    kept
}

/// A text of an error as it is kept.
pub(super) fn cut_message(text: &str) -> String {
    cut(text, ERROR_MESSAGE_SIZE_MAX)
}

/// A text up to a size in bytes; one that is longer is cut and says so behind.
pub(super) fn cut(text: &str, size_max: usize) -> String {
    if text.len() <= size_max {
        return text.to_string();
    }
    let mut end = size_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{} … ({} bytes in all)", &text[..end], text.len())
}
