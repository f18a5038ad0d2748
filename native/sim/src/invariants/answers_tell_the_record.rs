//! P26, P28: what a client is told of a run is what the log has recorded by then.

use pyflow_engine::{Refusal, Value};
use serde_json::{Value as Json, json};

use super::invariant::{Invariant, Judged};
use crate::model::{End, Phase, Run, Stage, Stop};
use crate::world::{Ask, Asked, Scene};

#[derive(Debug)]
pub(crate) struct AnswersTellTheRecord;

impl Invariant for AnswersTellTheRecord {
    fn name(&self) -> &'static str {
        "P28 answers tell the record"
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        if !scene.is_quiet {
            return scene.no_opinion(); // It was told between two turns, and the model is past both.
        }
        let Some(answer) = &asked.answer else { return scene.no_opinion() };
        match (&asked.ask, answer) {
            (Ask::Result { run_id }, answer) => match scene.model.by_id(run_id) {
                Some(run) => result_is_right(run, answer),
                None => is_unknown(run_id, answer),
            },
            (Ask::Status { run_id, .. }, Ok(Value::Json(text))) => {
                status_is_right(scene, run_id, text)
            }
            (Ask::Tasks { run_id, .. }, Ok(Value::Json(text))) => {
                tasks_are_right(scene, run_id, &asked.ask, text)
            }
            (Ask::List, Ok(Value::Json(text))) => list_is_right(scene, text),
            (Ask::Doctor, Ok(Value::Json(text))) => is_healthy(text),
            (
                Ask::Status { run_id, .. }
                | Ask::Tasks { run_id, .. }
                | Ask::History { run_id, .. },
                Err(refusal),
            ) => {
                let is_wrong = refusal.code == "PF1101" && scene.model.by_id(run_id).is_some();
                if is_wrong { Err(format!("run {run_id} is not known any more")) } else { Ok(()) }
            }
            _ => scene.no_opinion(),
        }
    }
}

fn is_unknown(run_id: &str, answer: &Result<Value, Refusal>) -> Judged {
    match answer {
        Ok(value) => Err(format!("run {run_id} is not in the log, its result is {value:?}")),
        Err(_) => Ok(()),
    }
}

fn result_is_right(run: &Run, answer: &Result<Value, Refusal>) -> Judged {
    let is_right = match (answer, run.stage) {
        (Ok(Value::Json(text)), Stage::Completed) => run.result.as_ref() == Some(text),
        (Err(refusal), Stage::Failed) => is_downfall(run, refusal),
        (Err(refusal), Stage::Cancelled) => {
            let reason = run.stop_reason.as_deref();
            refusal.code == "PF1202" && refusal.fields["reason"].as_str() == reason
        }
        // The store has failed meanwhile, or the run was opened again since.
        (Err(refusal), _) if refusal.code.starts_with("PF20") => true,
        (Err(refusal), _) => run.generation > 0 && refusal.code.starts_with("PF12"),
        (Ok(_), _) => false,
    };
    if is_right || answer.as_ref().is_err_and(|refusal| refusal.code.starts_with("PF20")) {
        return Ok(());
    }
    Err(format!("run {} is {}, and its result is {answer:?}", run.id, run.stage.word()))
}

/// Whether a refusal tells what a run has failed with, and by which of its tasks.
fn is_downfall(run: &Run, refusal: &Refusal) -> bool {
    let code = if run.stop == Some(Stop::Deadline) { "PF1204" } else { "PF1201" };
    let Some(downfall) = &run.downfall else { return false };
    let name = downfall.instance.map(|instance| run.name(instance));
    refusal.code == code
        && refusal.fields["task_id"].as_str() == name.as_deref()
        && refusal.fields["message"].as_str() == Some(&downfall.error.message)
        && refusal.fields["error_type"].as_str() == Some(&downfall.error.error_type)
        && refusal.fields["traceback_text"].as_str() == Some(&downfall.error.traceback)
}

fn read(text: &[u8]) -> Result<Json, String> {
    serde_json::from_slice(text).map_err(|error| format!("no JSON: {error}"))
}

fn status_is_right(scene: &Scene, run_id: &str, text: &[u8]) -> Judged {
    let shown = read(text)?;
    let Some(run) = scene.model.by_id(run_id) else {
        return Err(format!("run {run_id} is shown and is not in the log"));
    };
    row_is_right(run, &shown)?;
    path_is_right(run, &shown)?;
    let mut counts = serde_json::Map::new();
    for entry in &run.entries {
        let before = counts.get(entry.word()).and_then(Json::as_u64).unwrap_or(0);
        counts.insert(entry.word().into(), (before + 1).into());
    }
    if shown["task_counts"] != Json::Object(counts.clone()) && !run.is_blurred {
        return Err(format!("run {run_id} has {counts:?}; told are {}", shown["task_counts"]));
    }
    Ok(())
}

/// The tasks that have been begun, in order.
fn path_is_right(run: &Run, shown: &Json) -> Judged {
    let begins = ["TaskLeased", "TaskCompleted", "DecisionTaken", "GatewayPassed", "TimerStarted"];
    let mut path: Vec<String> = Vec::new();
    for recorded in run.history.iter().filter(|recorded| begins.contains(&recorded.kind)) {
        let name = recorded.instance.map(|instance| run.name(instance)).unwrap_or_default();
        if !path.contains(&name) {
            path.push(name);
        }
    }
    let told = &shown["path"];
    if *told == json!(path) || !run.former_maps.is_empty() {
        return Ok(()); // A map that is done anew has other items of the same names.
    }
    Err(format!("run {} has begun {path:?}; told is {told}", run.id))
}

/// A run as statuses and lists show it.
fn row_is_right(run: &Run, shown: &Json) -> Judged {
    let priority = ["high", "normal", "low"][usize::from(run.priority.unwrap_or(1))];
    let metadata = run.metadata.as_ref().and_then(|text| serde_json::from_slice(text).ok());
    let wanted = json!({
        "run_id": run.id,
        "state": run.stage.word(),
        "name": run.flow.name,
        "version": run.flow.version,
        "definition": run.definition.to_string(),
        "priority": priority,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "created_by": run.created_by,
        "metadata": metadata.unwrap_or(Json::Null),
    });
    let Json::Object(wanted) = wanted else { return Ok(()) };
    for (name, value) in wanted {
        if shown[&name] != value {
            let (id, told) = (&run.id, &shown[&name]);
            return Err(format!("run {id} is shown with {name} {told}, not {value}"));
        }
    }
    Ok(())
}

/// The instances of a run that are asked for.
fn wanted_tasks(run: &Run, ask: &Ask) -> Vec<usize> {
    let all = 0..run.entries.len();
    let Ask::Tasks { task_id, state, limit, .. } = ask else { return all.collect() };
    let named: Vec<usize> = match task_id {
        // A map that was done anew has had other items of the same names.
        Some(wanted) => all.rev().find(|at| run.name(*at) == *wanted).into_iter().collect(),
        None => all.collect(),
    };
    let is_in_state = |at: &usize| state.is_none_or(|word| run.entries[*at].word() == word);
    named.into_iter().filter(is_in_state).take(*limit).collect()
}

fn tasks_are_right(scene: &Scene, run_id: &str, ask: &Ask, text: &[u8]) -> Judged {
    let shown = read(text)?;
    let Some(run) = scene.model.by_id(run_id) else { return Ok(()) };
    if run.is_blurred {
        return Ok(());
    }
    let shown = shown.as_array().map_or(&[][..], Vec::as_slice);
    let wanted = wanted_tasks(run, ask);
    if shown.len() != wanted.len() {
        let (told, kept) = (shown.len(), wanted.len());
        return Err(format!("{ask:?}: run {run_id} has {kept} of them, {told} are shown"));
    }
    for (instance, task) in wanted.into_iter().zip(shown) {
        let (name, word) = (run.name(instance), run.entries[instance].word());
        if task["task_id"].as_str() != Some(name.as_str()) || task["state"].as_str() != Some(word) {
            let (told_name, told) = (&task["task_id"], &task["state"]);
            return Err(format!("{told_name} of {run_id} is shown as {told}; {name} is {word}"));
        }
        attempt_is_right(run, instance, task)?;
        progress_is_right(scene, run, instance, task)?;
    }
    Ok(())
}

/// Which attempt is shown of a task that was handed out, and with what it has failed.
fn attempt_is_right(run: &Run, instance: usize, shown: &Json) -> Judged {
    let entry = &run.entries[instance];
    let is_known = match &entry.phase {
        Phase::Leased(_) => true,
        Phase::Ended(End::Completed(_) | End::Failed | End::Quarantined) => entry.begun > 0,
        Phase::Waiting
        | Phase::Ready
        | Phase::Backoff { .. }
        | Phase::Sleeping { .. }
        | Phase::Mapped
        | Phase::Ended(End::Mended(_) | End::Cancelled | End::Skipped | End::Unreached) => false,
    };
    if !is_known || entry.is_renewed {
        return Ok(());
    }
    let has_failed = entry.has_failed();
    let message = entry.error.as_ref().map(|error| error.message.as_str());
    let is_right = shown["attempt"].as_u64() == Some(u64::from(entry.attempt))
        && (!has_failed || shown["error"]["message"].as_str() == message);
    if is_right {
        return Ok(());
    }
    let (name, attempt) = (run.name(instance), entry.attempt);
    Err(format!("{name} of {} is at {attempt}, {message:?}, and shown as {shown}", run.id))
}

/// How far an attempt at work has said that it is.
fn progress_is_right(scene: &Scene, run: &Run, instance: usize, shown: &Json) -> Judged {
    let lease = run.entries[instance].lease().filter(|_| scene.takes_writes());
    let (Some((task, item)), Some(lease)) = (run.place(instance), lease) else { return Ok(()) };
    let attempt = (run.id.clone(), task, item, lease.token);
    let told = scene.workers.beats.get(&attempt).and_then(|beat| beat.progress);
    if shown["progress"].as_u64() == told.map(|tenths| tenths as u64) {
        return Ok(());
    }
    Err(format!("{} of {} is at {told:?}, and shown as {shown}", run.name(instance), run.id))
}

fn list_is_right(scene: &Scene, text: &[u8]) -> Judged {
    let shown = read(text)?;
    let rows = shown["runs"].as_array().map_or(&[][..], Vec::as_slice);
    for run in scene.model.runs.values() {
        let row = rows.iter().find(|row| row["run_id"].as_str() == Some(run.id.as_str()));
        row_is_right(run, row.ok_or_else(|| format!("run {} is not listed", run.id))?)?;
    }
    if rows.len() > scene.model.runs.len() {
        let (listed, kept) = (rows.len(), scene.model.runs.len());
        return Err(format!("{listed} runs are listed, {kept} are kept"));
    }
    Ok(())
}

fn is_healthy(text: &[u8]) -> Judged {
    let report = read(text)?;
    let differ = report["runs_that_differ"].as_array().map_or(0, Vec::len);
    if differ > 0 {
        return Err(format!("the read model differs: {}", report["runs_that_differ"]));
    }
    Ok(())
}
