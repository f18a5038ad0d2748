//! P16: a task under which workers die is handed out `max_deliveries` times, then quarantined; and
//! never before.

use pyflow_core::event::{Event, LeaseEnd};

use super::invariant::{Invariant, Judged};
use crate::model::Run;
use crate::world::Scene;

/// How often a task is handed out where it does not say.
const MOST: u32 = 3;

/// What was at work when the process before this one ended.
#[derive(Debug, Default)]
pub(crate) struct DeliveriesAreBounded {
    dead_count: usize,
}

impl Invariant for DeliveriesAreBounded {
    fn name(&self) -> &'static str {
        "P16 deliveries are bounded"
    }

    fn reopened(&mut self, scene: &Scene) -> Judged {
        self.dead_count = scene.model.live().flat_map(Run::leased).count();
        Ok(())
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        if found.run.is_blurred {
            return scene.no_opinion();
        }
        let most = found.task().options.max_deliveries.unwrap_or(MOST);
        let deliveries = found.entry.deliveries;
        if let Event::LeaseEnded(ended) = event
            && ended.cause == LeaseEnd::OwnerDied as u8
            && ended.counted != (self.dead_count == 1)
        {
            let count = self.dead_count;
            return Err(format!("{} counts {}: {count} died", found.name(), ended.counted));
        }
        match event {
            Event::LeaseEnded(ended) if ended.counted && deliveries + 1 >= most => {
                Err(format!("{} has died {} times and goes on", found.name(), deliveries + 1))
            }
            Event::TaskQuarantined(_) if deliveries + 1 < most => {
                Err(format!("{} was quarantined after {} deaths", found.name(), deliveries + 1))
            }
            Event::LeaseEnded(ended)
                if ended.counted
                    && ended.cause != LeaseEnd::WorkerDied as u8
                    && ended.cause != LeaseEnd::OwnerDied as u8 =>
            {
                Err(format!("{}: nothing has died and yet it counts", found.name()))
            }
            _ => scene.no_opinion(),
        }
    }
}
