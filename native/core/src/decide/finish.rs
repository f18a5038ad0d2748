//! The end of a run: when, and as what.

use serde_json::json;

use super::args::render;
use super::view::View;
use crate::event::{Event, RunCancelled, RunCompleted, RunFailed, TaskError};
use crate::ids::TaskIndex;
use crate::lifecycle::RunState;
use crate::limits::PAYLOAD_SIZE_MAX;
use crate::payload::{Payload, is_too_deep, too_deep};
use crate::state::{Ending, Failure, Run, Stop};
use crate::time::Millis;

/// How the run ends now, or none while something of it is still to be done.
pub fn finish(run: &Run, now: Millis) -> Option<Event> {
    if let Some(stop) = run.stop() {
        let is_over = run.leased() == 0 && !run.state().is_terminal();
        return is_over.then(|| stopped(run, stop, now));
    }
    if run.state() != RunState::Running || run.unsettled() > 0 {
        return None;
    }
    match run.unforgiven_failure() {
        None => Some(completed(run, now)),
        Some(failure) => {
            let handler = run.definition().on_error.map(TaskIndex::instance);
            let is_told = handler.is_none_or(|task| run.ending(task).is_some());
            is_told.then(|| failed(run, failure, now))
        }
    }
}

fn stopped(run: &Run, stop: &Stop, now: Millis) -> Event {
    match stop {
        Stop::Cancelled { reason } => {
            RunCancelled { run: run.number(), reason: reason.clone(), at: now }.into()
        }
        Stop::DeadlineExceeded => {
            let message = "the run did not end by its deadline".to_string();
            let error = Box::new(TaskError::final_of_engine("DeadlineExceeded", message));
            RunFailed { run: run.number(), instance: None, attempt: 0, error, at: now }.into()
        }
    }
}

fn completed(run: &Run, now: Millis) -> Event {
    let rendered = match run.definition().result() {
        None => Ok(all_outputs(run)),
        Some(template) => render(template, &View::of_result(run, now)).map(Payload::new),
    };
    let (kind, message) = match rendered {
        Ok(result) => match unfit(&result) {
            None => return RunCompleted { run: run.number(), result, at: now }.into(),
            Some(message) => ("PayloadTooLarge", message),
        },
        Err(error) => {
            (super::advance::kind_of(&error), format!("the run's result: {}", error.message))
        }
    };
    let error = Box::new(TaskError::final_of_engine(kind, message));
    RunFailed { run: run.number(), instance: None, attempt: 0, error, at: now }.into()
}

/// Why a result is more than a payload may be, if it is.
fn unfit(result: &Payload) -> Option<String> {
    let (size, most) = (result.size(), PAYLOAD_SIZE_MAX);
    if size > most {
        return Some(format!("the run's result is {size} bytes; at most {most} are allowed"));
    }
    let json = result.json();
    is_too_deep(&json).then(|| too_deep("the run's result", &json))
}

fn failed(run: &Run, failure: &Failure, now: Millis) -> Event {
    let item = run.map(failure.instance).and_then(|map| {
        let mut items = (0..map.count).map(|index| map.instance(index));
        items.find(|item| run.ending(*item).is_some_and(Ending::may_be_recovered))
    });
    RunFailed {
        run: run.number(),
        instance: Some(item.unwrap_or(failure.instance)),
        attempt: failure.attempt,
        error: failure.error.clone(),
        at: now,
    }
    .into()
}

/// The result of a run whose definition names none: each task's id with its output.
fn all_outputs(run: &Run) -> Payload {
    let definition = run.definition();
    let mut text = Vec::with_capacity(definition.task_count() * 8);
    text.push(b'{');
    for task in definition.tasks().filter(|task| !definition.is_handler(*task)) {
        if text.len() > 1 {
            text.push(b',');
        }
        text.extend_from_slice(json!(definition.id(task)).to_string().as_bytes());
        text.push(b':');
        match run.output(task.instance()) {
            Some(output) => text.extend_from_slice(&output.json()),
            None => text.extend_from_slice(b"null"),
        }
    }
    text.push(b'}');
    Payload::new(text.into())
}
