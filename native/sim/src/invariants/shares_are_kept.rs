//! P24: where urgencies share the workers by weight, none waits much longer than its share while
//! others are served.

use pyflow_core::event::Event;
use pyflow_core::schedule::Strategy;

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

/// How often other urgencies were served while one had work of the same type waiting.
#[derive(Debug, Default)]
pub(crate) struct SharesAreKept {
    passed: [u32; 3],
    trouble_count: u64,
}

impl Invariant for SharesAreKept {
    fn name(&self) -> &'static str {
        "P24 shares are kept"
    }

    fn reopened(&mut self, _scene: &Scene) -> Judged {
        self.passed = [0; 3];
        Ok(())
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::TaskLeased(leased) = event else { return scene.no_opinion() };
        let Strategy::WeightedFairShare(weights) = scene.swarm.strategy else {
            return scene.no_opinion();
        };
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        let is_blurred = scene.model.live().any(|run| run.is_blurred);
        if is_blurred || scene.has_suspects() || scene.trouble_count != self.trouble_count {
            self.trouble_count = scene.trouble_count;
            self.passed = [0; 3];
            return scene.no_opinion();
        }
        // Also where a limit holds its task back at times: it had the turn of its urgency.
        let served = usize::from(found.run.urgency(found.task_index));
        self.passed[served] = 0;
        let Some(task_type) = found.run.unlimited_type(found.task_index) else {
            return scene.no_opinion();
        };
        let itself = (found.run.number, leased.instance.index());
        let waits = waiting(scene, task_type, itself);
        let total: u32 = weights.0.iter().sum();
        for lane in (0..3).filter(|lane| *lane != served) {
            self.passed[lane] = if waits[lane] { self.passed[lane] + 1 } else { 0 };
            // It may have had a turn too many before, and the two others one each.
            let most = total.div_ceil(weights.0[lane]) + 3;
            if self.passed[lane] > most {
                return Err(format!("urgency {lane} was passed over {} times", self.passed[lane]));
            }
        }
        Ok(())
    }
}

/// In which urgencies work of a type waits.
fn waiting(scene: &Scene, task_type: &str, itself: (u64, usize)) -> [bool; 3] {
    let mut waits = [false; 3];
    for run in scene.model.live() {
        for instance in (0..run.entries.len()).filter(|instance| run.is_queued(*instance)) {
            let Some((task, _)) = run.place(instance) else { continue };
            let suits = run.unlimited_type(task) == Some(task_type);
            if suits && (run.number, instance) != itself {
                waits[usize::from(run.urgency(task))] = true;
            }
        }
    }
    waits
}
