//! What a caller is refused with: a stable code and fields, ready for the border.

use pyflow_core::history::error_json;
use pyflow_core::rejection::Rejection;
use pyflow_core::state::{Failure, Run};
use pyflow_store::StoreFault;
use serde_json::{Value, json};

/// How long one who is refused for want of room is told to wait.
const RETRY_AFTER_S: f64 = 0.1;

/// A refusal or a fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The code, with a page in `docs/errors/`.
    pub code: &'static str,
    /// The fields of the error, `message` among them.
    pub fields: Value,
}

impl Refusal {
    pub fn new(code: &'static str, fields: Value) -> Self {
        Self { code, fields }
    }

    pub(crate) fn closed() -> Self {
        Self::new("PF2006", json!({}))
    }

    /// A bound of the engine is reached: the option that sets it, its value, and what was found.
    pub(crate) fn busy(limit: &str, limit_max: u64, found: u64) -> Self {
        let retry_after_s = RETRY_AFTER_S;
        Self::new(
            "PF1110",
            json!({
                "limit": limit,
                "limit_max": limit_max,
                "found": found,
                "retry_after_s": retry_after_s,
            }),
        )
    }

    /// A reader was asked to write.
    pub(crate) fn read_only() -> Self {
        let message = "this engine was opened to read; open the store as its owner to write";
        Self::new("PF2005", json!({ "message": message }))
    }

    pub(crate) fn run_unknown(run_id: &str) -> Self {
        Self::new("PF1101", json!({ "run_id": run_id }))
    }

    /// The end of a run that did not complete, as the one who waits for its result is told.
    pub(crate) fn run_failed(run_id: &str, task_id: Option<&str>, failure: &Failure) -> Self {
        let error = &failure.error;
        let is_deadline = &*error.error_type == "DeadlineExceeded" && task_id.is_none();
        let code = if is_deadline { "PF1204" } else { "PF1201" };
        let fields = json!({
            "run_id": run_id,
            "task_id": task_id,
            "error_type": &*error.error_type,
            "message": error.message,
            "traceback_text": error.traceback,
        });
        Self::new(code, fields)
    }

    pub(crate) fn run_cancelled(run_id: &str, reason: &str) -> Self {
        Self::new("PF1202", json!({ "run_id": run_id, "reason": reason }))
    }
}

impl From<StoreFault> for Refusal {
    fn from(fault: StoreFault) -> Self {
        let message = without_code(&fault.to_string(), fault.code());
        let fields = match &fault {
            StoreFault::Busy { pid, .. } => json!({ "message": message, "pid": pid }),
            StoreFault::Damaged(damage) => {
                json!({ "message": message, "position": damage.position })
            }
            StoreFault::SchemeUnknown { scheme, known } => {
                json!({ "message": message, "url": scheme, "known": known })
            }
            StoreFault::Failed { .. }
            | StoreFault::Refused { .. }
            | StoreFault::Fenced { .. }
            | StoreFault::Trimmed { .. }
            | StoreFault::Missing { .. }
            | StoreFault::NotAStore { .. }
            | StoreFault::FormatUnknown { .. }
            | StoreFault::PathUnusable { .. }
            | StoreFault::UrlInvalid { .. }
            | StoreFault::Full { .. }
            | StoreFault::ReadOnly { .. } => json!({ "message": message }),
        };
        Self::new(fault.code(), fields)
    }
}

/// The code stands beside the message, not in it.
fn without_code(message: &str, code: &str) -> String {
    message.replace(&format!(" ({code})"), "")
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        let message = rejection.to_string();
        let fields = match &rejection {
            Rejection::DefinitionUnknown { wanted, .. } => json!({ "name": wanted }),
            Rejection::DefinitionConflict { name, version, difference } => {
                json!({ "name": &**name, "version": &**version, "difference": difference })
            }
            Rejection::RunUnknown { run_id } | Rejection::RunExists { run_id } => {
                json!({ "run_id": &**run_id })
            }
            Rejection::KeyReused { key, run_id } => {
                json!({ "key": &**key, "run_id": &**run_id })
            }
            Rejection::RunStateRefused { run_id, state, .. } => {
                json!({ "run_id": &**run_id, "state": state.name() })
            }
            Rejection::TaskUnknown { run_id, task_id, .. } => {
                json!({ "run_id": &**run_id, "task_id": task_id })
            }
            Rejection::TaskStateRefused { run_id, task_id, state, .. } => {
                json!({ "run_id": &**run_id, "task_id": task_id, "state": state.name() })
            }
            Rejection::PayloadTooLarge { size, size_max, .. } => {
                json!({ "size": size, "size_max": size_max })
            }
            Rejection::LimitExceeded { what, count_max, .. } => {
                json!({ "limit": what, "limit_max": count_max })
            }
            Rejection::InputInvalid { .. }
            | Rejection::StaleToken
            | Rejection::AlreadyReported
            | Rejection::NotDue => json!({}),
        };
        let mut fields = fields;
        if let Value::Object(fields) = &mut fields {
            fields.insert("message".into(), message.into());
        }
        Self::new(rejection.code(), fields)
    }
}

/// The errors of a run, the newest first. A map that failed with one of its items is not told
/// beside it: they are one error.
pub(crate) fn failures_json(run: &Run) -> Vec<Value> {
    let told = run.failures().iter().rev().filter(|failure| !is_of_item(run, failure)).take(100);
    told.map(|failure| {
        json!({
            "task_id": run.instance_id(failure.instance),
            "index": run.item_of(failure.instance).map(|(_, index)| index),
            "attempt": failure.attempt,
            "recovered": failure.recovered,
            "error": error_json(&failure.error),
            "at": failure.at.map(|at| at.0),
        })
    })
    .collect()
}

/// Whether a map's failure is that of one of its items.
fn is_of_item(run: &Run, failure: &Failure) -> bool {
    let is_map = run.definition().options(run.task_of(failure.instance)).for_each.is_some();
    let of_mine = |other: &&Failure| {
        run.item_of(other.instance).is_some_and(|(parent, _)| parent == failure.instance)
    };
    is_map
        && run.item_of(failure.instance).is_none()
        && run.failures().iter().filter(of_mine).any(|other| other.error == failure.error)
}
