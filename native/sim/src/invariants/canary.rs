//! A claim that is false: a simulator that does not see it broken sees nothing.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct Canary;

impl Invariant for Canary {
    fn name(&self) -> &'static str {
        "canary: no run ever completes"
    }

    fn event(&mut self, _scene: &Scene, event: &Event) -> Judged {
        match event {
            Event::RunCompleted(completed) => Err(format!("run {} has completed", completed.run)),
            _ => Ok(()),
        }
    }
}
