//! P13: what may run only once is handed out only once in each set of attempts.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct AtMostOnce;

impl Invariant for AtMostOnce {
    fn name(&self) -> &'static str {
        "P13 at most once"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        if !found.task().options.at_most_once {
            return scene.no_opinion();
        }
        match event {
            Event::TaskLeased(leased)
                if leased.attempt == found.entry.attempt && found.entry.handed_out > 0 =>
            {
                Err(format!("{} was handed out twice", found.name()))
            }
            Event::TaskRetrying(_) => Err(format!("{} is tried again", found.name())),
            _ => Ok(()),
        }
    }
}
