//! What an event tells those who look at a history, beside its kind, its time and its task.

use pyflow_core::event::{Event, LeaseEnd, TaskError};
use serde_json::{Value, json};

/// Names and values that stand in what is shown of an event.
pub(super) fn told(event: &Event) -> Vec<(&'static str, Value)> {
    match event {
        Event::RunCreated(created) => vec![
            ("definition", json!(created.definition.to_string())),
            ("created_by", json!(created.created_by.as_deref())),
        ],
        Event::RunCancelRequested(asked) => vec![("reason", json!(asked.reason))],
        Event::RunCancelled(cancelled) => vec![("reason", json!(cancelled.reason))],
        Event::RunFailed(failed) => failure(failed.attempt, &failed.error),
        Event::RunCompleted(completed) => vec![("result", value(&completed.result.json()))],
        Event::TaskLeased(leased) => vec![("attempt", json!(leased.attempt))],
        Event::TaskCompleted(completed) => vec![("output", value(&completed.output.json()))],
        Event::TaskFailed(failed) => failure(failed.attempt, &failed.error),
        Event::TaskQuarantined(ended) => failure(ended.attempt, &ended.error),
        Event::TaskRetrying(retrying) => {
            let until = ("until", json!(retrying.until.0));
            failure(retrying.attempt, &retrying.error).into_iter().chain([until]).collect()
        }
        Event::LeaseEnded(ended) => vec![
            ("cause", json!(cause(ended.cause))),
            ("counted", json!(ended.counted)),
            ("message", json!(ended.message)),
        ],
        Event::DecisionTaken(taken) => vec![("branch", json!(taken.branch))],
        Event::MapExpanded(expanded) => {
            let items = value(&expanded.items.json());
            vec![("count", json!(items.as_array().map_or(0, Vec::len)))]
        }
        Event::TimerStarted(started) => vec![("until", json!(started.until.0))],
        Event::TaskSaid(said) => {
            let lines = said
                .lines
                .iter()
                .map(|line| json!({ "at": line.at.0, "level": &*line.level, "text": line.text }));
            vec![("attempt", json!(said.attempt)), ("lines", lines.collect())]
        }
        _ => Vec::new(),
    }
}

fn failure(attempt: u32, error: &TaskError) -> Vec<(&'static str, Value)> {
    let shown = json!({
        "error_type": &*error.error_type,
        "kinds": error.kinds.iter().map(|kind| &**kind).collect::<Vec<_>>(),
        "message": error.message,
        "traceback": error.traceback,
    });
    vec![("attempt", json!(attempt)), ("error", shown)]
}

fn cause(code: u8) -> &'static str {
    let names = [
        (LeaseEnd::Returned, "returned"),
        (LeaseEnd::WorkerDied, "worker_died"),
        (LeaseEnd::OwnerDied, "owner_died"),
        (LeaseEnd::Left, "worker_left"),
    ];
    names.into_iter().find(|(cause, _)| *cause as u8 == code).map_or("expired", |(_, name)| name)
}

fn value(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap_or(Value::Null)
}
