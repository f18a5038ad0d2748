//! P40: in any span of time no more is begun than the rate allows with its burst.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct RatesAreKept;

impl Invariant for RatesAreKept {
    fn name(&self) -> &'static str {
        "P40 rates are kept"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::TaskLeased(leased) = event else { return Ok(()) };
        let Some(found) = scene.subject(event) else { return Ok(()) };
        let Some((burst, window_ms)) = found.task().options.rate else { return Ok(()) };
        let step_ms = window_ms / u64::from(burst);
        let now = leased.at.0;
        for (count, since) in (2..).zip(scene.model.metered.iter().rev()) {
            let allowed = u64::from(burst) + (now - since) / step_ms;
            if count > allowed {
                return Err(format!(
                    "{count} starts since {since}, {allowed} are allowed by {now}"
                ));
            }
        }
        Ok(())
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        let Some(last) = scene.model.metered.last().filter(|_| scene.takes_writes()) else {
            return Ok(());
        };
        let has_rested = scene.now >= last + scene.swarm.limits.rate.1;
        let has_other_reason = scene.has_suspects();
        if !has_rested || has_other_reason {
            return Ok(());
        }
        for run in scene.model.live().filter(|run| !run.is_blurred) {
            for instance in 0..run.flow.tasks.len() {
                let options = &run.flow.tasks[instance].options;
                let is_held = run.flow.max_concurrent_tasks.is_some();
                let waits = run.is_queued(instance) && scene.has_slot(run, instance);
                if options.rate.is_some() && waits && !is_held {
                    return Err(format!("{} waits, and its rate allows it", run.name(instance)));
                }
            }
        }
        Ok(())
    }
}
