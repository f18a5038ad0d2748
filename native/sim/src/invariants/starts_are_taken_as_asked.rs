//! P9, P21: a run is created as it was asked for: definition, input, priority, deadline, key.

use pyflow_core::event::{Event, RunCreated};
use pyflow_core::ids::DefinitionHash;
use serde_json::Value;

use super::invariant::{Invariant, Judged};
use crate::flows::input_of;
use crate::world::{Asked, Extras, Scene, Start};

#[derive(Debug)]
pub(crate) struct StartsAreTakenAsAsked;

impl Invariant for StartsAreTakenAsAsked {
    fn name(&self) -> &'static str {
        "P9 starts are taken as asked"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::RunCreated(created) = event else { return scene.no_opinion() };
        let mut starts = scene.ledger.asked.values().flat_map(|asked| asked.ask.starts());
        let is_asked = starts.any(|Start { run_id, key, flow, flag, extras, is_chosen }| {
            **run_id == *created.run_id
                && *is_chosen == created.chosen
                && key.as_deref() == created.key.as_deref()
                && has_input(scene, created, extras.given(*flag))
                && has_extras(scene, created, *flow, extras)
        });
        if is_asked { Ok(()) } else { Err(format!("nobody asked for {created:?}")) }
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        let starts = asked.ask.starts();
        if starts.is_empty() {
            return scene.no_opinion();
        }
        let Some(Err(refusal)) = &asked.answer else { return scene.no_opinion() };
        let is_known = |Start { flow, extras, .. }: &Start| {
            wanted(scene, *flow, extras, asked.deployed_count).is_some()
        };
        if refusal.code == "PF1002" && starts.iter().all(is_known) {
            return Err(format!("{:?} was deployed, and is not known", asked.ask));
        }
        Ok(())
    }
}

/// Whether its input is what was given, with the defaults of its definition behind that.
fn has_input(scene: &Scene, created: &RunCreated, flag: Option<bool>) -> bool {
    let Some(flow) = scene.model.flows.get(&created.definition) else { return false };
    serde_json::from_slice::<Value>(&created.input.json())
        .is_ok_and(|input| input == input_of(flow, flag))
}

/// The definition that is meant, among the first that were deployed.
fn wanted(
    scene: &Scene,
    flow: usize,
    extras: &Extras,
    deployed_count: usize,
) -> Option<DefinitionHash> {
    let mut latest = scene.model.deployed.iter().take(deployed_count).rev().copied();
    let own = scene.flows[flow].definition.hash;
    latest.find(|hash| match &extras.by_name {
        None => *hash == own,
        Some(name) => {
            let (flow, version) = (&scene.model.flows[hash], &extras.of_version);
            flow.name == *name && (version.is_none() || flow.version == *version)
        }
    })
}

fn has_extras(scene: &Scene, created: &RunCreated, flow: usize, extras: &Extras) -> bool {
    let wanted = wanted(scene, flow, extras, usize::MAX);
    let Some(flow) = scene.model.flows.get(&created.definition) else { return false };
    let deadline_ms = extras.deadline_ms.or(flow.deadline_s.map(|span_s| span_s * 1_000));
    wanted == Some(created.definition)
        && created.priority == extras.priority
        && created.deadline_at.map(|at| at.0) == deadline_ms.map(|ms| created.at.0 + ms)
        && created.created_by.as_deref() == extras.created_by
        && created.consistency == extras.consistency_of(flow.consistency) as u8
        && created.metadata.as_deref() == extras.metadata.map(str::as_bytes)
}
