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
        let Ask::History { run_id, after, limit } = &asked.ask else { return scene.no_opinion() };
        let Some(Ok(Value::Json(text))) = &asked.answer else { return scene.no_opinion() };
        let Some(run) = scene.model.by_id(run_id) else {
            return Err(format!("run {run_id} has a history and is not in the log"));
        };
        let shown: Vec<Json> =
            serde_json::from_slice(text).map_err(|error| format!("no list: {error}"))?;
        let kept = run.history.iter().skip(*after).take(*limit);
        if shown.len() != kept.len() {
            let (told, kept) = (shown.len(), kept.len());
            return Err(format!("{:?}: {told} events were told, {kept} are kept", asked.ask));
        }
        for ((event, recorded), number) in shown.iter().zip(kept).zip(*after as u64 + 1..) {
            let is_next = event["sequence"].as_u64() == Some(number);
            if !is_next || !recorded.is_shown_as(run, event) {
                return Err(format!("run {run_id}: {event} stands where {recorded:?} is wanted"));
            }
        }
        Ok(())
    }
}
