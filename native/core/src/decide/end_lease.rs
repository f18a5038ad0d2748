//! A lease is over without a report.

use super::Decision;
use super::report::{attempt_failed, cut_message, held};
use crate::command::EndLease;
use crate::definition::Delivery;
use crate::event::{LeaseEnd, LeaseEnded, TaskCancelled, TaskError, TaskFailed, TaskQuarantined};
use crate::seeded::{Bug, is_planted};
use crate::state::{Phase, State};
use crate::time::Millis;

pub(super) fn decide(state: &State, command: &EndLease, now: Millis) -> Decision {
    let lease = command.lease;
    let (run, active) = held(state, lease)?;
    let (number, instance, attempt) = (lease.run, lease.instance, active.attempt);
    let stop_asked = matches!(active.phase, Phase::Leased { stop_asked: true, .. });
    if run.stop().is_some() || stop_asked {
        return Ok(vec![TaskCancelled { run: number, instance, at: now }.into()]);
    }
    let options = run.definition().options(run.task_of(instance));
    let returned = command.cause == LeaseEnd::Returned;
    let forgets = is_planted(Bug::AtMostOnceForgotten);
    if options.delivery == Delivery::AtMostOnce && !returned && !forgets {
        let message =
            "its worker was lost; whether it has run is unknown, and it may run only once";
        let message = with_reason(message.to_string(), command);
        let error = Box::new(TaskError::final_of_engine("unknown_outcome", message));
        return Ok(vec![TaskFailed { run: number, instance, attempt, error, at: now }.into()]);
    }
    let deliveries = active.deliveries + u32::from(command.counted);
    let most = options.max_deliveries + u32::from(is_planted(Bug::QuarantineLate));
    if command.counted && deliveries >= most {
        let message = format!("its worker died {deliveries} times while it ran");
        let message = with_reason(message, command);
        let error = Box::new(TaskError::final_of_engine("Quarantined", message));
        return Ok(vec![TaskQuarantined { run: number, instance, attempt, error, at: now }.into()]);
    }
    if command.cause == LeaseEnd::Expired {
        let message = "nothing was heard of its worker for the whole of the lease".to_string();
        let error = TaskError::of_engine("LeaseExpired", message);
        return Ok(vec![attempt_failed(
            run,
            lease,
            active,
            &error,
            (command.details.clone(), now),
        )]);
    }
    let event = LeaseEnded {
        run: number,
        instance,
        cause: command.cause as u8,
        counted: command.counted,
        details: command.details.clone(),
        at: now,
        message: command.message.as_deref().map(cut_message),
    };
    Ok(vec![event.into()])
}

/// A message with how the worker died this time, where that is known.
fn with_reason(message: String, command: &EndLease) -> String {
    match &command.message {
        Some(reason) => format!("{message}; this time: {}", cut_message(reason)),
        None => message,
    }
}
