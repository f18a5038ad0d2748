//! P39: a worker is given what it knows, no more than it has slots for, and nothing once it drains.

use pyflow_core::effect::Granted;

use super::invariant::{Invariant, Judged};
use crate::world::{Held, Scene};

#[derive(Debug)]
pub(crate) struct SlotsAreKept;

impl Invariant for SlotsAreKept {
    fn name(&self) -> &'static str {
        "P39 slots are kept"
    }

    fn granted(&mut self, scene: &Scene, granted: &Granted, held: &Held) -> Judged {
        let worker = scene.workers.present.iter().find(|worker| worker.session == held.session);
        let Some(worker) = worker else {
            return Err(format!("session {} is not there", held.session));
        };
        if worker.is_draining {
            return Err(format!("session {} drains and is given more", held.session));
        }
        let task_type = granted.definition.task_type(granted.task);
        if !worker.knows(task_type) {
            return Err(format!("session {} is given {task_type}, unknown to it", held.session));
        }
        let used = worker.holds.values().filter(|other| other.pool == held.pool).count();
        if used >= worker.slots[held.pool] as usize {
            return Err(format!("session {} has {used} of its slots in use", held.session));
        }
        Ok(())
    }
}
