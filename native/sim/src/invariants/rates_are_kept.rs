//! P39: in any span of time no more is begun than the rate allows with its burst.

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::model::Metered;
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct RatesAreKept;

impl Invariant for RatesAreKept {
    fn name(&self) -> &'static str {
        "P39 rates are kept"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::TaskLeased(leased) = event else { return scene.no_opinion() };
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        let Some((burst, window_ms)) = found.task().options.rate else { return scene.no_opinion() };
        let now = leased.at.0;
        let metered = Metered::of(found.run, found.instance);
        let starts = metered.and_then(|metered| scene.model.metered.get(&metered));
        for (count, since) in (2..).zip(starts.into_iter().flatten().rev()) {
            let allowed = u64::from(burst) + (now - since) * u64::from(burst) / window_ms;
            if count > allowed {
                return Err(format!(
                    "{count} starts since {since}, {allowed} are allowed by {now}"
                ));
            }
        }
        Ok(())
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        if !scene.takes_writes() || scene.has_suspects() || scene.model.metered.is_empty() {
            return scene.no_opinion();
        }
        for run in scene.model.live().filter(|run| !run.is_blurred) {
            for instance in 0..run.entries.len() {
                let Some(metered) = Metered::of(run, instance) else { continue };
                let last = scene.model.metered.get(&metered).and_then(|starts| starts.last());
                let has_rested =
                    last.is_none_or(|last| scene.now >= last + scene.swarm.limits.rate.1);
                let waits = run.is_queued(instance) && scene.has_slot(run, instance);
                if has_rested && waits && scene.has_permit(run, instance) {
                    return Err(format!("{} waits, and its rate allows it", run.name(instance)));
                }
            }
        }
        Ok(())
    }
}
