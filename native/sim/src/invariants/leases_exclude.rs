//! P11, P14: a task is handed out only while nobody holds it, and its tokens grow.

use pyflow_core::event::Event;
use pyflow_core::ids::token;

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct LeasesExclude;

impl Invariant for LeasesExclude {
    fn name(&self) -> &'static str {
        "P11 leases exclude each other"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::TaskLeased(leased) = event else { return scene.no_opinion() };
        let Some(found) = scene.subject(event) else {
            return Err("something unknown was handed out".into());
        };
        let token = token(leased.epoch, leased.grant);
        if found.entry.lease().is_some() {
            return Err(format!("{} was handed out twice at once", found.name()));
        }
        if token <= found.entry.token {
            let before = found.entry.token;
            return Err(format!("{}: token {token} after {before}", found.name()));
        }
        if leased.epoch.0 != scene.epoch {
            return Err(format!("{}: epoch {} is not the owner's", found.name(), leased.epoch));
        }
        Ok(())
    }
}
