//! P1: what was acknowledged is never lost, and it is on the disk before it is acknowledged.

use pyflow_engine::Value;

use super::invariant::{Invariant, Judged};
use crate::world::{Ask, Asked, Scene};

#[derive(Debug)]
pub(crate) struct AcknowledgedIsKept;

impl Invariant for AcknowledgedIsKept {
    fn name(&self) -> &'static str {
        "P1 what was acknowledged is kept"
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        match &asked.answer {
            Some(Ok(value)) => is_kept(scene, &asked.ask, value, true),
            Some(Err(_)) | None => Ok(()),
        }
    }

    fn reopened(&mut self, scene: &Scene) -> Judged {
        all_kept(scene)
    }

    fn ended(&mut self, scene: &Scene) -> Judged {
        all_kept(scene)
    }
}

fn all_kept(scene: &Scene) -> Judged {
    scene
        .ledger
        .acknowledged()
        .try_for_each(|(_, asked, value)| is_kept(scene, &asked.ask, value, false))
}

/// Whether the log shows what was acknowledged; of an eventual run the power may have taken it.
fn is_kept(scene: &Scene, ask: &Ask, value: &Value, is_fresh: bool) -> Judged {
    let must_have = |run_id: &str| {
        let may_be_lost = !is_fresh && scene.may_be_lost(run_id);
        if scene.model.forgotten.contains(run_id) {
            return Ok(());
        }
        if may_be_lost || scene.model.by_id(run_id).is_some() {
            return Ok(());
        }
        Err(format!("run {run_id} was acknowledged, and the log does not have it"))
    };
    match (ask, value) {
        (Ask::Start(_), Value::Run { run_id, .. }) => must_have(run_id),
        (Ask::StartMany(starts), Value::Runs(run_ids, _)) => {
            if starts.iter().map(|start| &start.run_id).ne(run_ids) {
                return Err(format!("{starts:?} were started, and told are {run_ids:?}"));
            }
            run_ids.iter().try_for_each(|run_id| must_have(run_id))
        }
        (Ask::Deploy { flow }, _) => {
            let hash = scene.flows[*flow].definition.hash;
            let is_kept = scene.model.deployed.contains(&hash);
            is_kept.then_some(()).ok_or_else(|| format!("the deployment of {hash} is lost"))
        }
        // A run that is stopped by its deadline is past cancelling; one that was is no longer asked.
        (Ask::Cancel { run_id, .. }, _) => {
            let known = scene.model.by_id(run_id);
            let is_kept = known.is_some_and(|run| run.stop.is_some() || run.generation > 0);
            let may_be_lost =
                (!is_fresh && scene.may_be_lost(run_id)) || scene.model.forgotten.contains(run_id);
            (is_kept || may_be_lost)
                .then_some(())
                .ok_or_else(|| format!("the cancel of {run_id} was acknowledged and is not kept"))
        }
        _ => Ok(()),
    }
}
