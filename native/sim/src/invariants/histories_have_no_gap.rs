//! P22: a run's history is one sequence 1 to n, the same to every reader.

use pyflow_engine::Value;
use serde_json::Value as Json;

use super::invariant::{Invariant, Judged};
use crate::world::{Ask, Asked, Scene};

#[derive(Debug)]
pub(crate) struct HistoriesHaveNoGap;

impl Invariant for HistoriesHaveNoGap {
    fn name(&self) -> &'static str {
        "P22 histories have no gap"
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        if !scene.is_quiet {
            return scene.no_opinion(); // It was told between two turns, and the model is past both.
        }
        let Ask::History { run_id } = &asked.ask else { return scene.no_opinion() };
        let Some(Ok(Value::Json(text))) = &asked.answer else { return scene.no_opinion() };
        let Some(run) = scene.model.by_id(run_id) else {
            return Err(format!("run {run_id} has a history and is not in the log"));
        };
        let shown: Vec<Json> =
            serde_json::from_slice(text).map_err(|error| format!("no list: {error}"))?;
        if shown.len() != run.history.len() {
            let (told, kept) = (shown.len(), run.history.len());
            return Err(format!("run {run_id}: {told} events were told, {kept} are kept"));
        }
        for (place, (event, recorded)) in shown.iter().zip(&run.history).enumerate() {
            let is_next = event["sequence"].as_u64() == Some(place as u64 + 1);
            if !is_next || !recorded.is_shown_as(run, event) {
                return Err(format!("run {run_id}: {event} stands where {recorded:?} is wanted"));
            }
        }
        Ok(())
    }
}
