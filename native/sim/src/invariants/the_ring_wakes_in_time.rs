//! P36: a ring that stands still knows when the next thing is due, so that it is turned again by then.

use super::invariant::{Invariant, Judged};
use super::what_is_due_happens::due_of;
use crate::model::Run;
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct TheRingWakesInTime;

impl Invariant for TheRingWakesInTime {
    fn name(&self) -> &'static str {
        "P36 the ring wakes in time"
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        let Some(engine) = scene.engine.as_ref().filter(|_| scene.takes_writes()) else {
            return scene.no_opinion();
        };
        let going_on = scene.model.live().filter(|run| run.stop.is_none());
        let due = going_on.flat_map(|run| {
            let of_instances = (0..run.entries.len()).filter_map(|at| due_of(scene, run, at));
            of_instances.chain(run.deadline_at)
        });
        let openings = scene.model.live().flat_map(opens_at);
        let Some(next) = due.chain(openings).filter(|due| *due > scene.now).min() else {
            return scene.no_opinion();
        };
        match engine.next_wake_ms() {
            Some(span_ms) if scene.now + span_ms <= next => Ok(()),
            told => Err(format!("{next} is due, at {} it sleeps for {told:?} ms", scene.now)),
        }
    }
}

/// When the workers that suspects of a run have for themselves take others again.
fn opens_at(run: &Run) -> impl Iterator<Item = u64> + '_ {
    run.leased().filter_map(|(instance, lease)| {
        run.entries[instance].alone_ms().map(|alone_ms| lease.at + alone_ms)
    })
}
