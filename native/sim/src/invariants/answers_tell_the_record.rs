//! P26, P28: what a client is told of a run is what the log has recorded by then.

use pyflow_engine::{Refusal, Value};
use serde_json::Value as Json;

use super::invariant::{Invariant, Judged};
use crate::model::{Run, Stage, Stop};
use crate::world::{Ask, Asked, Scene};

#[derive(Debug)]
pub(crate) struct AnswersTellTheRecord;

impl Invariant for AnswersTellTheRecord {
    fn name(&self) -> &'static str {
        "P28 answers tell the record"
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        if !scene.is_quiet {
            return Ok(()); // It was told between two turns, and the model is past both.
        }
        let Some(answer) = &asked.answer else { return Ok(()) };
        match (&asked.ask, answer) {
            (Ask::Result { run_id }, answer) => match scene.model.by_id(run_id) {
                Some(run) => result_is_right(run, answer),
                None => is_unknown(run_id, answer),
            },
            (Ask::Status { run_id }, Ok(Value::Json(text))) => status_is_right(scene, run_id, text),
            (Ask::Tasks { run_id }, Ok(Value::Json(text))) => tasks_are_right(scene, run_id, text),
            (Ask::List, Ok(Value::Json(text))) => list_is_right(scene, text),
            (Ask::Doctor, Ok(Value::Json(text))) => is_healthy(text),
            (
                Ask::Status { run_id } | Ask::Tasks { run_id } | Ask::History { run_id },
                Err(refusal),
            ) => {
                let is_wrong = refusal.code == "PF1101" && scene.model.by_id(run_id).is_some();
                if is_wrong { Err(format!("run {run_id} is not known any more")) } else { Ok(()) }
            }
            _ => Ok(()),
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
        (Err(refusal), Stage::Failed) => {
            let is_deadline = run.stop == Some(Stop::Deadline);
            refusal.code == if is_deadline { "PF1204" } else { "PF1201" }
        }
        (Err(refusal), Stage::Cancelled) => refusal.code == "PF1202",
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

fn read(text: &[u8]) -> Result<Json, String> {
    serde_json::from_slice(text).map_err(|error| format!("no JSON: {error}"))
}

fn status_is_right(scene: &Scene, run_id: &str, text: &[u8]) -> Judged {
    let shown = read(text)?;
    let Some(run) = scene.model.by_id(run_id) else {
        return Err(format!("run {run_id} is shown and is not in the log"));
    };
    if shown["state"].as_str() != Some(run.stage.word()) {
        let (told, kept) = (&shown["state"], run.stage.word());
        return Err(format!("run {run_id} is shown as {told}; it is {kept}"));
    }
    Ok(())
}

fn tasks_are_right(scene: &Scene, run_id: &str, text: &[u8]) -> Judged {
    let shown = read(text)?;
    let Some(run) = scene.model.by_id(run_id) else { return Ok(()) };
    if run.is_blurred {
        return Ok(());
    }
    let shown = shown.as_array().map_or(&[][..], Vec::as_slice);
    if shown.len() != run.entries.len() {
        let (told, kept) = (shown.len(), run.entries.len());
        return Err(format!("run {run_id} has {kept} tasks and items, {told} are shown"));
    }
    for (instance, task) in shown.iter().enumerate() {
        let (name, word) = (run.name(instance), run.entries[instance].word());
        if task["task_id"].as_str() != Some(name.as_str()) || task["state"].as_str() != Some(word) {
            let (told_name, told) = (&task["task_id"], &task["state"]);
            return Err(format!("{told_name} of {run_id} is shown as {told}; {name} is {word}"));
        }
    }
    Ok(())
}

fn list_is_right(scene: &Scene, text: &[u8]) -> Judged {
    let shown = read(text)?;
    let rows = shown["runs"].as_array().map_or(&[][..], Vec::as_slice);
    for run in scene.model.runs.values() {
        let row = rows.iter().find(|row| row["run_id"].as_str() == Some(run.id.as_str()));
        let state = row.and_then(|row| row["state"].as_str());
        if state != Some(run.stage.word()) {
            let word = run.stage.word();
            return Err(format!("run {} is {word}; it is listed as {state:?}", run.id));
        }
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
