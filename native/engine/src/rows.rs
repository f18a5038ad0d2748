//! A run as the read model keeps it.

use pyflow_core::definition::Priority;
use pyflow_core::history::error_json;
use pyflow_core::lifecycle::RunState;
use pyflow_core::state::{Run, Stop};
use pyflow_store::read_model::RunRow;
use serde_json::{Value, json};

use crate::fault::Refusal;
use crate::out::Value as Answer;

pub(crate) fn row_of(run: &Run) -> RunRow {
    let definition = run.definition();
    let (created, started, ended) = run.times();
    let (first_position, last_position) = run.positions();
    RunRow {
        run: run.number().0,
        run_id: String::from(&**run.run_id()),
        namespace: String::from(&**run.namespace()),
        definition: String::from(&*definition.name),
        version: definition.version.as_deref().map(String::from),
        hash: definition.hash.to_string(),
        status: run.state().name().to_string(),
        created_at_ms: created.0 as i64,
        started_at_ms: started.map(|at| at.0 as i64),
        ended_at_ms: ended.map(|at| at.0 as i64),
        created_by: run.created_by().map(|name| String::from(&**name)),
        priority: priority_name(run.priority()).to_string(),
        metadata: run.metadata().map(|json| String::from_utf8_lossy(json).into_owned()),
        first_position,
        last_position,
        key: run.key().map(|key| String::from(&**key)),
        result: run.result().map(pyflow_core::payload::Payload::json),
        error: error_of(run).map(|error| error.to_string()),
    }
}

fn priority_name(priority: Option<Priority>) -> &'static str {
    match priority {
        Some(Priority::High) => "high",
        Some(Priority::Normal) | None => "normal",
        Some(Priority::Low) => "low",
    }
}

/// The end of a run that did not complete, as a code with fields.
fn error_of(run: &Run) -> Option<Value> {
    let refusal = end_refusal(run)?;
    let kinds = run.error().map(|failure| error_json(&failure.error)["kinds"].clone());
    Some(json!({ "code": refusal.code, "fields": refusal.fields, "kinds": kinds }))
}

fn end_refusal(run: &Run) -> Option<Refusal> {
    match run.state() {
        RunState::Failed => {
            let failure = run.error()?;
            let is_known = failure.instance.index() < run.instance_count();
            let task_id = is_known.then(|| run.instance_id(failure.instance));
            Some(Refusal::run_failed(run.run_id(), task_id.as_deref(), failure))
        }
        RunState::Cancelled => {
            let reason = match run.stop() {
                Some(Stop::Cancelled { reason }) => reason.as_str(),
                Some(Stop::DeadlineExceeded) | None => "",
            };
            Some(Refusal::run_cancelled(run.run_id(), reason))
        }
        RunState::Created
        | RunState::Running
        | RunState::Paused
        | RunState::Cancelling
        | RunState::Completed => None,
    }
}

/// What the one who waits for a run's end is told, once it has ended.
pub(crate) fn end_of(run: &Run) -> Option<Result<Answer, Refusal>> {
    match end_refusal(run) {
        Some(refusal) => Some(Err(refusal)),
        None => run.result().map(|result| Ok(Answer::Json(result.json()))),
    }
}

/// The same of a run that has left memory.
pub(crate) fn end_of_row(row: &RunRow) -> Option<Result<Answer, Refusal>> {
    if let Some(result) = &row.result {
        return Some(Ok(Answer::Json(result.clone())));
    }
    let error: Value = serde_json::from_str(row.error.as_deref()?).ok()?;
    let code = match error["code"].as_str()? {
        "PF1202" => "PF1202",
        "PF1204" => "PF1204",
        _ => "PF1201",
    };
    Some(Err(Refusal::new(code, error["fields"].clone())))
}

/// A row as lists show it.
pub(crate) fn row_json(row: &RunRow) -> Value {
    let metadata = row.metadata.as_deref().and_then(|m| serde_json::from_str::<Value>(m).ok());
    let mut shown = json!({
        "run_id": row.run_id,
        "state": row.status,
        "name": row.definition,
        "version": row.version,
        "definition": row.hash,
        "priority": row.priority,
        "created_at": row.created_at_ms,
        "started_at": row.started_at_ms,
        "ended_at": row.ended_at_ms,
        "created_by": row.created_by,
    });
    if let Some(metadata) = metadata {
        shown["metadata"] = metadata;
    }
    shown
}
