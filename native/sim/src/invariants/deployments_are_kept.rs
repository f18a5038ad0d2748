//! P21: what is deployed last under a name is what is started by it, and a version stands for one content.

use pyflow_core::event::{DefinitionDeployed, Event};

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
        let (Ask::Deploy { flow }, Some(Ok(_))) = (&asked.ask, &asked.answer) else {
            return scene.no_opinion();
        };
        let wanted = &scene.flows[*flow].definition;
        let all = &scene.model.deployed;
        let is_fresh = all.iter().skip(asked.deployed_count).any(|hash| *hash == wanted.hash);
        let before = &all[..asked.deployed_count.min(all.len())];
        let of_name =
            before.iter().rev().filter(|hash| *scene.model.flows[hash].name == *wanted.name);
        let mut known = of_name.take(if wanted.version.is_some() { usize::MAX } else { 1 });
        if is_fresh || known.any(|hash| *hash == wanted.hash) {
            return Ok(());
        }
        Err(format!("{} was deployed, and is not the latest {}", wanted.hash, wanted.name))
    }
}
