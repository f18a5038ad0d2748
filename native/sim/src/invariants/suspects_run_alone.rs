//! P16: what may have brought its process down runs alone on its worker for a while, so that the next
//! death is known to be its own.

use std::collections::BTreeMap;

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::model::{Entry, Run};
use crate::world::Scene;

/// By session: what runs alone there.
#[derive(Debug, Default)]
pub(crate) struct SuspectsRunAlone {
    alone: BTreeMap<u32, Suspect>,
}

#[derive(Debug)]
struct Suspect {
    run: u64,
    instance: usize,
    token: u64,
    until: u64,
}

impl Suspect {
    fn is_at_work(&self, scene: &Scene) -> bool {
        let entry = scene.model.run(self.run).and_then(|run| run.entries.get(self.instance));
        let lease = entry.and_then(Entry::lease);
        lease.is_some_and(|lease| lease.token == self.token)
    }
}

impl SuspectsRunAlone {
    /// Whether something is at work in a session that has not been there for as long as a suspect
    /// runs alone.
    fn has_company(&self, scene: &Scene, session: u32) -> bool {
        let mut leases = scene.model.runs.values().flat_map(Run::leased);
        !self.alone.contains_key(&session) && leases.any(|(_, lease)| lease.session == session)
    }
}

impl Invariant for SuspectsRunAlone {
    fn name(&self) -> &'static str {
        "P16 suspects run alone"
    }

    fn reopened(&mut self, _scene: &Scene) -> Judged {
        self.alone.clear();
        Ok(())
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::TaskLeased(leased) = event else { return scene.no_opinion() };
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        let (session, at) = (leased.session.0, leased.at.0);
        let alone = self.alone.get(&session).filter(|suspect| at < suspect.until);
        if alone.is_some_and(|suspect| suspect.is_at_work(scene)) {
            return Err(format!("{} runs beside a suspect", found.name()));
        }
        let Some(alone_ms) = found.entry.alone_ms() else { return Ok(()) };
        if self.has_company(scene, session) {
            return Err(format!("{} is a suspect and is begun beside others", found.name()));
        }
        let token = pyflow_core::ids::token(leased.epoch, leased.grant);
        let (run, instance) = (found.run.number, found.instance);
        self.alone.insert(session, Suspect { run, instance, token, until: at + alone_ms });
        Ok(())
    }
}
