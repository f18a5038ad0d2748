//! P24: among work of one type, limit, rate and urgency, fairness keys take turns: none is served twice
//! while another that was there before waits; behind a limit once more, for what has come since the
//! last turn stands in no line yet.

use std::collections::BTreeMap;

use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::model::Run;
use crate::world::{Limit, Scene};

/// What shares a turn: the run whose id is the key, or none for all that has no key.
type Group = Option<u64>;
/// What work stands in line for, and how many may be at work at once under that.
type Line = (Limit, Option<u32>);
/// Work that competes: its type, its line, whether it is rated, and its priority.
type Lane = (&'static str, Option<Line>, bool, u8);
/// An attempt that waits: its run, its instance, and when it became ready.
type Waiting = (u64, usize, u64);

/// By lane and group: what of other groups waited when the group was served last, and how often the
/// group was served before while that waited.
#[derive(Debug, Default)]
pub(crate) struct KeysTakeTurns {
    waited: BTreeMap<(Lane, Group), BTreeMap<(Group, Waiting), u32>>,
    /// Troubles of the disk when the ring came to rest last: after each the turns begin anew.
    trouble_count: u64,
}

impl Invariant for KeysTakeTurns {
    fn name(&self) -> &'static str {
        "P24 keys take turns"
    }

    fn reopened(&mut self, _scene: &Scene) -> Judged {
        self.waited.clear();
        Ok(())
    }

    fn settled(&mut self, scene: &Scene) -> Judged {
        if scene.trouble_count != self.trouble_count {
            self.trouble_count = scene.trouble_count;
            self.waited.clear();
        }
        scene.no_opinion()
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        if scene.trouble_count != self.trouble_count {
            self.waited.clear();
            return scene.no_opinion();
        }
        let Event::TaskLeased(_) = event else { return scene.no_opinion() };
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        let is_blurred = scene.model.live().any(|run| run.is_blurred);
        let Some((lane, mine)) = place(found.run, found.instance).filter(|_| !is_blurred) else {
            // It has had the turn of its key all the same.
            let task_type = found.task().worker_type();
            self.waited.retain(|((of, ..), _), _| Some(*of) != task_type);
            return scene.no_opinion();
        };
        // Behind a limit a run's deadline may let its work go before the turns of others.
        let is_urgent = lane.1.is_some() && found.run.deadline_at.is_some();
        if scene.has_suspects() || is_urgent || has_others(scene, lane) {
            self.waited.clear();
            return scene.no_opinion();
        }
        let before = self.waited.remove(&(lane, mine)).unwrap_or_default();
        let passed = |rival| before.get(&rival).map_or(0, |count| count + 1);
        let waiting: BTreeMap<_, _> =
            rivals(scene, lane, mine).map(|rival| (rival, passed(rival))).collect();
        let passed_count_max = u32::from(lane.1.is_some());
        let starved = waiting.iter().find(|(_, count)| **count > passed_count_max);
        if let Some(((group, _), _)) = starved {
            let name = found.name();
            return Err(format!("{name} goes again while {group:?} waits in {lane:?}"));
        }
        self.waited.insert((lane, mine), waiting);
        // A group that is served owes nothing to those that it had waited with.
        for others in self.waited.iter_mut().filter(|((of, _), _)| *of == lane).map(|(_, all)| all)
        {
            others.retain(|(group, _), _| *group != mine);
        }
        Ok(())
    }
}

/// Whether work of the same type and rate waits in another line: a turn may have been spent on it.
fn has_others(scene: &Scene, (task_type, line, is_rated, _): Lane) -> bool {
    scene.model.live().any(|run| {
        (0..run.entries.len()).filter(|instance| run.is_queued(*instance)).any(|instance| {
            let Some((task, _)) = run.place(instance) else { return false };
            let plan = &run.flow.tasks[task];
            let is_rival =
                plan.worker_type() == Some(task_type) && plan.options.rate.is_some() == is_rated;
            is_rival && place(run, instance).is_none_or(|((_, other, _, _), _)| other != line)
        })
    })
}

/// The lane and the group of a task or an item that its run does not hold back.
fn place(run: &Run, instance: usize) -> Option<(Lane, Group)> {
    let (task, _) = run.place(instance)?;
    if run.was_paused() || run.generation > 0 || run.flow.max_concurrent_tasks.is_some() {
        return None;
    }
    let plan = &run.flow.tasks[task];
    let is_rated = plan.options.rate.is_some();
    let stands_in = Limit::of(run, instance).map(|limit| (limit, plan.options.concurrency));
    let lane = (plan.worker_type()?, stands_in, is_rated, run.urgency(task));
    Some((lane, plan.options.is_fair.then_some(run.number)))
}

/// What waits in a lane of other groups.
fn rivals(scene: &Scene, lane: Lane, mine: Group) -> impl Iterator<Item = (Group, Waiting)> + '_ {
    let of_run = move |run: &Run, instance: usize| {
        let (_, group) = place(run, instance).filter(|(other, _)| *other == lane)?;
        let waiting = (run.number, instance, run.entries[instance].ready_at);
        (group != mine).then_some((group, waiting))
    };
    scene.model.live().flat_map(move |run| {
        let queued = (0..run.entries.len()).filter(|instance| run.is_queued(*instance));
        queued.filter_map(move |instance| of_run(run, instance))
    })
}
