//! P5: the state that the log folds into is the live state, byte for byte.

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct ReplayEqualsLive;

impl Invariant for ReplayEqualsLive {
    fn name(&self) -> &'static str {
        "P5 replay equals the live state"
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        let Some((position, live)) = scene.engine.as_ref().and_then(pyflow_engine::Engine::digest)
        else {
            return scene.no_opinion();
        };
        let folded = &scene.mirror.state;
        if position != folded.position() {
            return Err(format!("live at {position}, the log at {}", folded.position()));
        }
        if live != folded.digest() && live != scene.mirror.digest_without_ended() {
            return Err(format!("at position {position} the log folds into another state"));
        }
        Ok(())
    }
}
