//! P28: only runs that have ended long enough ago are forgotten, and all of those that were asked for or
//! are past the time for which runs are kept.

use pyflow_core::event::Event;
use pyflow_engine::Value;

use super::invariant::{Invariant, Judged};
use crate::model::{KEY_KEPT_MS, Run};
use crate::world::{Ask, Asked, Scene};

/// Runs that have been kept long enough are looked for at least this often.
const LOOK_MS_MAX: u64 = 3_600_000;

#[derive(Debug)]
pub(crate) struct ForgottenAsAsked;

impl Invariant for ForgottenAsAsked {
    fn name(&self) -> &'static str {
        "P28 runs are forgotten as asked"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::RunsForgotten(forgotten) = event else { return scene.no_opinion() };
        let asks = scene.ledger.asked.values().filter_map(|asked| match asked.ask {
            Ask::Prune { before_ms } => Some(before_ms),
            _ => None,
        });
        // By itself the process forgets what is past its time.
        let kept = scene.swarm.retention_ms.map(|span_ms| forgotten.at.0 - span_ms);
        let latest = asks.chain(kept).max().unwrap_or(0);
        for (number, _) in &forgotten.runs {
            let run = scene.model.run(number.0).ok_or(format!("run {number} is not there"))?;
            if !may_go(run, latest, forgotten.at.0) {
                let (id, word, ended) = (&run.id, run.stage.word(), run.ended_at);
                return Err(format!("run {id} is {word} since {ended:?} and is forgotten"));
            }
        }
        Ok(())
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        let Some(span_ms) = scene.swarm.retention_ms else { return scene.no_opinion() };
        let wake_ms = scene.engine.as_ref().and_then(pyflow_engine::Engine::next_wake_ms);
        // It goes on a bite at a time, and after a trouble it waits before it tries again.
        if wake_ms == Some(0) || scene.trouble_count > 0 {
            return scene.no_opinion();
        }
        let looked_at = scene.now - LOOK_MS_MAX;
        let mut runs = scene.model.runs.values();
        match runs.find(|run| may_go(run, looked_at - span_ms, looked_at)) {
            Some(run) => Err(format!("run {} ended at {:?} and is kept", run.id, run.ended_at)),
            None => Ok(()),
        }
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        let (Ask::Prune { before_ms }, Some(Ok(Value::Json(_)))) = (&asked.ask, &asked.answer)
        else {
            return scene.no_opinion();
        };
        if scene.disk.is_full() || scene.trouble_count != asked.trouble_count {
            return scene.no_opinion(); // What could not be moved to the histories is kept.
        }
        let mut runs = scene.model.runs.values();
        match runs.find(|run| may_go(run, *before_ms, asked.at)) {
            Some(run) => Err(format!("run {} was to be forgotten and is there", run.id)),
            None => Ok(()),
        }
    }
}

/// Whether a run may be forgotten at a time: it ended before that, and its key stands for it no more.
fn may_go(run: &Run, before_ms: u64, now: u64) -> bool {
    let kept_ms = if run.first_key.is_some() { KEY_KEPT_MS } else { 0 };
    run.ended_at.is_some_and(|ended| ended < before_ms && ended + kept_ms < now)
}
