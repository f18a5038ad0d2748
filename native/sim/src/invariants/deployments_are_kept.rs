//! P21: what is deployed last under a name is what is started by it, and a version stands for one content.

use pyflow_core::event::{DefinitionDeployed, Event};
use pyflow_core::ids::DefinitionHash;
use pyflow_engine::{Refusal, Value};

use super::invariant::{Invariant, Judged};
use crate::world::{Ask, Asked, Scene};

#[derive(Debug)]
pub(crate) struct DeploymentsAreKept;

impl Invariant for DeploymentsAreKept {
    fn name(&self) -> &'static str {
        "P21 deployments are kept"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::DefinitionDeployed(deployed) = event else { return scene.no_opinion() };
        let DefinitionDeployed { name, version, definition, .. } = deployed;
        let is_taken = version.is_some()
            && scene.model.deployed.iter().any(|known| {
                let flow = &scene.model.flows[known];
                *flow.name == **name && flow.version.as_deref() == version.as_deref()
            });
        if is_taken {
            return Err(format!(
                "{name} {version:?} is taken, and {definition} is deployed as that"
            ));
        }
        Ok(())
    }

    fn answered(&mut self, scene: &Scene, _ticket: u64, asked: &Asked) -> Judged {
        match (&asked.ask, &asked.answer) {
            (Ask::Deploy { flow }, Some(Ok(_))) => is_latest(scene, asked, *flow),
            (Ask::Definition { name, version }, Some(answer)) if scene.is_quiet => {
                is_told(scene, (name, version.as_deref()), answer)
            }
            _ => scene.no_opinion(),
        }
    }
}

/// Whether what was deployed is what its name and version mean from then on.
fn is_latest(scene: &Scene, asked: &Asked, flow: usize) -> Judged {
    let wanted = &scene.flows[flow].definition;
    let all = &scene.model.deployed;
    let is_fresh = all.iter().skip(asked.deployed_count).any(|hash| *hash == wanted.hash);
    let before = &all[..asked.deployed_count.min(all.len())];
    let of_name = before.iter().rev().filter(|hash| *scene.model.flows[hash].name == *wanted.name);
    let mut known = of_name.take(if wanted.version.is_some() { usize::MAX } else { 1 });
    if is_fresh || known.any(|hash| *hash == wanted.hash) {
        return Ok(());
    }
    Err(format!("{} was deployed, and is not the latest {}", wanted.hash, wanted.name))
}

/// Whether the definition of a version is told, or without one what was deployed last.
fn is_told(
    scene: &Scene,
    (name, version): (&str, Option<&str>),
    answer: &Result<Value, Refusal>,
) -> Judged {
    let means = |hash: &&DefinitionHash| {
        let flow = &scene.model.flows[*hash];
        flow.name == name && (version.is_none() || flow.version.as_deref() == version)
    };
    let wanted = scene.model.deployed.iter().rev().find(means);
    let stored = wanted.and_then(|hash| {
        let mut drawn = scene.flows.iter();
        drawn.find(|drawn| drawn.definition.hash == *hash).map(|drawn| &drawn.stored)
    });
    let is_right = match answer {
        Ok(Value::Stored(told)) => Some(told) == stored,
        Ok(_) => false,
        Err(refusal) => stored.is_none() || refusal.code.starts_with("PF20"),
    };
    if is_right { Ok(()) } else { Err(format!("{name} {version:?} is {wanted:?}: {answer:?}")) }
}
