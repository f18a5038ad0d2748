//! P29, P36: what is due has happened whenever the ring stands still.

use super::invariant::{Invariant, Judged};
use crate::model::{Phase, Run};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct WhatIsDueHappens;

impl Invariant for WhatIsDueHappens {
    fn name(&self) -> &'static str {
        "P36 what is due happens"
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        if !scene.takes_writes() {
            return scene.no_opinion();
        }
        scene.model.live().filter(|run| run.stop.is_none()).try_for_each(|run| {
            if run.deadline_at.is_some_and(|deadline| deadline <= scene.now) {
                return Err(format!("the deadline of run {} has passed", run.id));
            }
            (0..run.entries.len()).try_for_each(|instance| is_in_time(scene, run, instance))
        })
    }
}

/// When something is due of an instance, if that is known.
pub(super) fn due_of(scene: &Scene, run: &Run, instance: usize) -> Option<u64> {
    let (task, item) = run.place(instance)?;
    let (entry, options) = (&run.entries[instance], &run.flow.tasks[task].options);
    let in_ms = |since: u64, span_s: u64| since + span_s * 1_000;
    let is_work = run.flow.tasks[task].worker_type().is_some()
        && (item.is_some() || !run.flow.tasks[task].is_map());
    let mut due = match &entry.phase {
        Phase::Sleeping { until } | Phase::Backoff { until } => Some(*until),
        Phase::Leased(lease) => {
            let own = options.timeout_s.map(|span_s| in_ms(lease.at, span_s));
            let timeout = own.or(scene.swarm.default_timeout_ms.map(|span_ms| lease.at + span_ms));
            let attempt = (run.id.clone(), task, item, lease.token);
            let awaited_since = scene.workers.awaited_since(&attempt, lease.at);
            let silence = options.heartbeat_timeout_s.map(|span_s| in_ms(awaited_since, span_s));
            timeout.into_iter().chain(silence).min()
        }
        // A pause lets the whole span begin anew.
        Phase::Ready if run.is_queued(instance) => {
            options.queue_timeout_s.map(|span_s| in_ms(entry.ready_at.max(run.resumed_at), span_s))
        }
        Phase::Waiting | Phase::Ready | Phase::Mapped | Phase::Ended(_) => None,
    };
    // What its condition is to skip is not bounded while the run is paused.
    let is_begun = matches!(entry.phase, Phase::Leased(_) | Phase::Backoff { .. })
        || (entry.is_ready() && (item.is_some() || is_wanted(run, task)));
    if is_begun && is_work && !run.is_blurred && run.started_at.is_some() {
        let total = options.total_timeout_s.map(|span_s| in_ms(entry.first_ready_at, span_s));
        due = due.into_iter().chain(total).min();
    }
    due
}

fn is_in_time(scene: &Scene, run: &Run, instance: usize) -> Judged {
    match due_of(scene, run, instance).filter(|due| *due <= scene.now) {
        Some(due) => {
            let (name, word) = (run.name(instance), run.entries[instance].word());
            Err(format!("{name} of run {} is {word}, due at {due}, now {}", run.id, scene.now))
        }
        None => Ok(()),
    }
}

fn is_wanted(run: &Run, task: usize) -> bool {
    run.holds(run.flow.tasks[task].condition)
}
