//! P9, P21: a run is created as it was asked for: definition, input, priority, deadline, key.

use pyflow_core::event::{Event, RunCreated};

use super::invariant::{Invariant, Judged};
use crate::world::{Ask, Extras, Scene};

#[derive(Debug)]
pub(crate) struct StartsAreTakenAsAsked;

impl Invariant for StartsAreTakenAsAsked {
    fn name(&self) -> &'static str {
        "P9 starts are taken as asked"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::RunCreated(created) = event else { return scene.no_opinion() };
        let mut asks = scene.ledger.asked.values().map(|asked| &asked.ask);
        let is_asked = asks.any(|ask| match ask {
            Ask::Start { run_id, key, flow, flag, extras, .. } => {
                **run_id == *created.run_id
                    && key.as_deref() == created.key.as_deref()
                    && created.input.json() == format!("{{\"flag\":{flag}}}").as_bytes()
                    && has_extras(scene, created, *flow, extras)
            }
            Ask::StartMany { run_ids } => {
                run_ids.iter().any(|run_id| **run_id == *created.run_id)
                    && has_extras(scene, created, 0, &Extras::default())
            }
            _ => false,
        });
        if is_asked { Ok(()) } else { Err(format!("nobody asked for {created:?}")) }
    }
}

fn has_extras(scene: &Scene, created: &RunCreated, flow: usize, extras: &Extras) -> bool {
    let wanted = match &extras.by_name {
        None => Some(scene.flows[flow].definition.hash),
        Some(name) => {
            let latest = scene.model.deployed.iter().rev();
            latest.copied().find(|hash| scene.model.flows[hash].name == *name)
        }
    };
    let Some(flow) = scene.model.flows.get(&created.definition) else { return false };
    let deadline_ms = extras.deadline_ms.or(flow.deadline_s.map(|span_s| span_s * 1_000));
    wanted == Some(created.definition)
        && created.priority == extras.priority
        && created.deadline_at.map(|at| at.0) == deadline_ms.map(|ms| created.at.0 + ms)
        && created.created_by.as_deref() == extras.created_by
        && created.consistency == extras.consistency_of(flow.is_eventual) as u8
        && created.metadata.as_deref() == extras.metadata.map(str::as_bytes)
}
