//! Requests as Python writes them: JSON objects, read into the engine's own.

use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::command::{ControlRun, ControlTask, RunVerb, StartRun, TaskVerb, Wanted};
use pyflow_core::consistency::{Consistency, NAMES};
use pyflow_core::definition::Priority;
use pyflow_core::event::{SaidLine, TaskError};
use pyflow_core::ids::DefinitionHash;
use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::payload::Payload;
use pyflow_core::schedule::{Pool, Strategy, Weights};
use pyflow_core::time::Millis;
use pyflow_engine::{EngineSettings, ListRuns, Look, Query, Refusal, ReportKind, Request, Token};
use serde_json::{Value, json};

use crate::fields::{check_nesting, count, needed_text, object_text, span_ms, text, word, wrong};

pub(crate) fn parse(text: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))
}

pub(crate) fn settings(object: &Value) -> Result<EngineSettings, Refusal> {
    let count = |name: &str| object[name].as_u64().map(|count| count as usize);
    let mut settings = EngineSettings::default();
    if let Some(namespace) = object["namespace"].as_str() {
        settings.namespace = namespace.to_string();
    }
    settings.inline = object["inline"].as_bool().unwrap_or(false);
    settings.read_only = object["read_only"].as_bool().unwrap_or(false);
    settings.manual_clock = object["clock"].as_str() == Some("manual");
    settings.max_concurrent_runs = count("max_concurrent_runs").unwrap_or(usize::MAX);
    settings.queue_depth = count("queue_depth").unwrap_or(settings.queue_depth);
    settings.memory_size_max = object["memory_mb"].as_u64().map(|size| size * 1024 * 1024);
    if let Some(size) = object["checkpoint_size"].as_u64() {
        settings.checkpoint_size = size;
    }
    let retention_s = object["retention_s"].as_f64();
    settings.retention_ms = retention_s.map(|seconds| (seconds * 1000.0).ceil() as u64);
    let timeout_s = object["default_timeout_s"].as_f64();
    settings.default_timeout_ms = timeout_s.map(|seconds| (seconds * 1000.0).ceil() as u64);
    settings.strategy = match object["strategy"].as_str() {
        None | Some("strict") => Strategy::Strict,
        Some("weighted_fair_share") => Strategy::WeightedFairShare(Weights::default()),
        Some(other) => {
            let known = "strict, weighted_fair_share";
            return Err(wrong(format!("strategy {other:?} is not known; known are {known}")));
        }
    };
    Ok(settings)
}

pub(crate) fn start(
    object: &Value,
    input: Payload,
    namespace: &Arc<str>,
    fresh_id: impl FnOnce(Option<&str>) -> String,
) -> Result<StartRun, Refusal> {
    let wanted = match text(object, "definition")? {
        Some(hash) => {
            let parsed = DefinitionHash::parse(&hash);
            Wanted::Hash(parsed.ok_or_else(|| wrong("definition is not the hash of one"))?)
        }
        None => {
            Wanted::Name { name: needed_text(object, "name")?, version: text(object, "version")? }
        }
    };
    let (chosen, key) = (text(object, "run_id")?, text(object, "key")?);
    let run_id = match &chosen {
        Some(run_id) => run_id.clone(),
        None => fresh_id(key.as_deref()).into(),
    };
    Ok(StartRun {
        namespace: namespace.clone(),
        run_id,
        chosen: chosen.is_some(),
        key,
        wanted,
        input,
        priority: word(object, "priority", Priority::parse, "high, normal, low")?,
        deadline_ms: span_ms(object, "deadline_s")?,
        consistency: word(object, "consistency", Consistency::parse, NAMES)?,
        metadata: object_text(object, "metadata")?.map(Bytes::from),
        created_by: text(object, "created_by")?,
    })
}

pub(crate) fn control(
    ticket: u64,
    namespace: &Arc<str>,
    verb: &str,
    run_id: &str,
    task_id: Option<String>,
    reason: Option<String>,
) -> Result<Request, Refusal> {
    let (namespace, run_id) = (namespace.clone(), Arc::from(run_id));
    let of_run =
        |verb| ControlRun { namespace: namespace.clone(), run_id: Arc::clone(&run_id), verb };
    let request = match (verb, task_id) {
        ("pause", None) => Request::ControlRun { ticket, control: of_run(RunVerb::Pause) },
        ("resume", None) => Request::ControlRun { ticket, control: of_run(RunVerb::Resume) },
        ("cancel", None) => {
            let reason = reason.unwrap_or_default();
            Request::ControlRun { ticket, control: of_run(RunVerb::Cancel { reason }) }
        }
        ("recover", None) => Request::RecoverRun { ticket, run_id },
        ("recover" | "cancel_task", Some(task_id)) => {
            let verb = if verb == "recover" { TaskVerb::Recover } else { TaskVerb::Cancel };
            let control = ControlTask { namespace, run_id, task_id, verb };
            Request::ControlTask { ticket, control }
        }
        _ => return Err(wrong(format!("{verb:?} is not known here"))),
    };
    Ok(request)
}

/// Reads a token as a write's answer gave it.
pub(crate) fn token(text: &str) -> Result<Token, Refusal> {
    Token::parse(text).ok_or_else(|| wrong(format!("{text:?} is not a token that a write gave")))
}

/// The token of the write that must be seen, if one is named.
pub(crate) fn token_of(object: &Value) -> Result<Option<Token>, Refusal> {
    text(object, "token")?.map(|text| token(&text)).transpose()
}

pub(crate) fn look(what: &str, object: &Value) -> Result<Look, Refusal> {
    if what == "prune" {
        return Ok(Look::Prune { before_ms: count(object, "before_ms", 0, (0, u64::MAX))? });
    }
    query(what, object).map(Look::Query)
}

fn query(what: &str, object: &Value) -> Result<Query, Refusal> {
    let own = |name: &str| Ok::<_, Refusal>(text(object, name)?.map(|text| text.to_string()));
    let run_id = || needed_text(object, "run_id");
    let limit =
        |missing| count(object, "limit", missing, (1, LIST_COUNT_MAX)).map(|limit| limit as usize);
    Ok(match what {
        "status" => Query::Status { run_id: run_id()? },
        "tasks" => Query::Tasks {
            run_id: run_id()?,
            task_id: own("task_id")?,
            state: word(object, "state", task_state, TASK_STATES)?,
            limit: limit(1_000)?,
        },
        "result" => Query::TaskResult {
            run_id: run_id()?,
            task_id: needed_text(object, "task_id")?.to_string(),
        },
        "explain" => Query::Explain { run_id: run_id()?, task_id: own("task_id")? },
        "history" => {
            let after = count(object, "after", 0, (0, u64::MAX))?;
            Query::History { run_id: run_id()?, after, limit: limit(1_000)? }
        }
        "logs" => {
            let after = count(object, "after", 0, (0, u64::MAX))?;
            let (run_id, task_id) = (run_id()?, own("task_id")?);
            Query::Logs { run_id, task_id, after, limit: limit(1_000)? }
        }
        "list_runs" => Query::ListRuns(Box::new(ListRuns {
            status: word(object, "status", run_state, RUN_STATES)?,
            definition: own("definition")?,
            created_by: own("created_by")?,
            metadata: pairs(&object["metadata"]),
            limit: limit(50)?,
            cursor: word(object, "cursor", cursor, "the cursors that a page gave")?,
        })),
        "find_run" => Query::FindRun { text: own("text")?.unwrap_or_default() },
        "definitions" => Query::Definitions,
        "definition" => {
            if let Some(hash) = own("hash")? {
                let parsed = DefinitionHash::parse(&hash);
                let hash = parsed.ok_or_else(|| wrong("hash is not that of a definition"))?;
                return Ok(Query::DefinitionOfHash { hash });
            }
            let name = own("name")?.unwrap_or_default();
            Query::Definition { name, version: own("version")? }
        }
        "position" => Query::Position,
        "metrics" => Query::Metrics,
        "doctor" => Query::Doctor,
        "backup" => Query::Backup { path: own("path")?.unwrap_or_default() },
        _ => return Err(wrong(format!("the query {what:?} is not known"))),
    })
}

/// Characters of the name of a log line's level.
const LEVEL_LENGTH_MAX: usize = 32;
/// Rows that one page may hold.
const LIST_COUNT_MAX: u64 = 1_000_000;
const RUN_STATES: &str = "created, running, paused, cancelling, completed, failed, cancelled";
const TASK_STATES: &str = "pending, ready, leased, backoff, waiting, completed, failed, \
    cancelled, skipped, quarantined";

fn run_state(name: &str) -> Option<String> {
    RunState::ALL.iter().any(|state| state.name() == name).then(|| name.to_string())
}

fn task_state(name: &str) -> Option<String> {
    TaskState::ALL.iter().any(|state| state.name() == name).then(|| name.to_string())
}

fn cursor(text: &str) -> Option<String> {
    text.parse::<u64>().is_ok().then(|| text.to_string())
}

fn pairs(object: &Value) -> Vec<(String, String)> {
    let Some(object) = object.as_object() else { return Vec::new() };
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
    object.iter().map(|(name, value)| (name.clone(), shown(value))).collect()
}

/// Task types with the pool that each runs in.
pub(crate) fn pools(types: Vec<(String, String)>) -> Result<Vec<(Arc<str>, Pool)>, Refusal> {
    let known = "async, thread, process";
    types
        .into_iter()
        .map(|(task_type, pool)| {
            let found = Pool::parse(&pool);
            let found = found.ok_or_else(|| wrong(format!("{pool:?} is not one of {known}")))?;
            Ok((Arc::from(task_type), found))
        })
        .collect()
}

/// A failure as a worker describes it; the second part is whether its process died.
pub(crate) fn failure(json: &[u8]) -> Result<(TaskError, bool), Refusal> {
    let object = parse(json)?;
    let own = |name: &str| object[name].as_str().unwrap_or_default().to_string();
    let kinds = object["kinds"].as_array().map(Vec::as_slice).unwrap_or_default();
    let retry_after_s = object["retry_after_s"].as_f64();
    let error = TaskError {
        error_type: own("type").into(),
        kinds: kinds.iter().filter_map(Value::as_str).map(Arc::from).collect(),
        message: own("message"),
        traceback: own("traceback"),
        retryable: object["retryable"].as_bool(),
        retry_after_ms: retry_after_s.map(|seconds| (seconds.max(0.0) * 1000.0).ceil() as u64),
    };
    Ok((error, object["exit_status"].is_i64()))
}

/// What a task says: a line of its log, or how far it is.
fn said(json: &[u8]) -> Result<ReportKind, Refusal> {
    let object = parse(json)?;
    let progress = &object["progress"];
    if !progress.is_null() {
        return Ok(ReportKind::Progress(progress.to_string().into()));
    }
    let line = &object["log"];
    let own = |name: &str| line[name].as_str().unwrap_or_default();
    let level: String = own("level").chars().take(LEVEL_LENGTH_MAX).collect();
    let at = Millis(line["at"].as_u64().unwrap_or(0));
    let text = own("text").to_string();
    Ok(ReportKind::Said(vec![SaidLine { at, level: level.into(), text }]))
}

/// What a report says, by its code as in `pyflow.worker.grant`.
pub(crate) fn report_kind(code: u8, bytes: Bytes) -> Result<ReportKind, Refusal> {
    Ok(match code {
        0 => match check_nesting("the output", &bytes) {
            Ok(()) => ReportKind::Completed(Payload::new(bytes)),
            Err(refusal) => {
                let message = refusal.fields["message"].as_str().unwrap_or_default().to_string();
                let error = TaskError::final_of_engine("PayloadTooLarge", message);
                ReportKind::Failed(Box::new(error))
            }
        },
        1 => match failure(&bytes)? {
            (error, true) => ReportKind::WorkerDied(error.message),
            (error, false) => ReportKind::Failed(Box::new(error)),
        },
        2 => ReportKind::Returned,
        3 => ReportKind::Cancelled,
        4 => ReportKind::Heartbeat(bytes),
        _ => said(&bytes)?,
    })
}

/// What goes with a grant only where there is some of it.
pub(crate) fn meta(granted: &pyflow_core::effect::Granted) -> Option<Bytes> {
    let secrets = &granted.args.secrets;
    if granted.metadata.is_none() && granted.details.is_none() && secrets.is_empty() {
        return None;
    }
    let read = |json: &Bytes| serde_json::from_slice::<Value>(json).ok();
    let places: Vec<Value> = secrets
        .iter()
        .map(|each| json!([each.arg, each.range.start, each.range.end, &*each.name]))
        .collect();
    let meta = json!({
        "metadata": granted.metadata.as_ref().and_then(read).unwrap_or_else(|| json!({})),
        "last_heartbeat": granted.details.as_ref().and_then(read),
        "secrets": places,
    });
    Some(meta.to_string().into())
}
