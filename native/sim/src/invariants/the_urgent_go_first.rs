//! P24: tasks of one type that nothing holds back, or one limit, go by priority, within one by the
//! deadline of their run, and then by arrival.

use pyflow_core::event::Event;
use pyflow_core::schedule::Strategy;

use super::invariant::{Invariant, Judged};
use crate::model::{Entry, Run};
use crate::world::{Limit, Scene};

#[derive(Debug)]
pub(crate) struct TheUrgentGoFirst;

impl Invariant for TheUrgentGoFirst {
    fn name(&self) -> &'static str {
        "P24 the urgent go first"
    }

    fn event(&mut self, scene: &Scene, event: &Event) -> Judged {
        let Event::TaskLeased(leased) = event else { return scene.no_opinion() };
        let is_strict = matches!(scene.swarm.strategy, Strategy::Strict);
        let is_blurred = scene.model.live().any(|run| run.is_blurred);
        if !is_strict || is_blurred || scene.has_suspects() {
            return scene.no_opinion();
        }
        let Some(found) = scene.subject(event) else { return scene.no_opinion() };
        if !is_plain(found.run, found.task_index) {
            return scene.no_opinion();
        }
        let my_line = line(found.run, found.instance);
        let mine = urgency(found.run, found.task_index);
        for run in scene.model.live() {
            for (instance, entry) in run.entries.iter().enumerate() {
                let Some((task, _)) = run.place(instance) else { continue };
                let is_rival = run.is_queued(instance)
                    && is_plain(run, task)
                    && line(run, instance) == my_line
                    && run.flow.tasks[task].worker_type() == found.task().worker_type()
                    && (run.number, instance) != (found.run.number, leased.instance.index())
                    && are_held_alike(run, found.run, my_line.is_some());
                if is_rival && goes_before((urgency(run, task), entry), (mine, found.entry)) {
                    let (first, second) = (run.name(instance), found.name());
                    return Err(format!("{first} of {} waits longer than {second}", run.id));
                }
            }
        }
        Ok(())
    }
}

/// What it stands in line for, and how many may be at work at once under that.
fn line(run: &Run, instance: usize) -> Option<(Limit, Option<u32>)> {
    let (task, _) = run.place(instance)?;
    Limit::of(run, instance).map(|limit| (limit, run.flow.tasks[task].options.concurrency))
}

/// Its own priority, or that of its run, then its run's deadline.
fn urgency(run: &Run, task: usize) -> (u8, u64) {
    (run.urgency(task), run.deadline_at.unwrap_or(u64::MAX))
}

/// Whether their runs bound neither, or one run bounds both and nothing else does.
fn are_held_alike(one: &Run, other: &Run, has_limit: bool) -> bool {
    let is_bounded = |run: &Run| run.flow.max_concurrent_tasks.is_some();
    match (is_bounded(one), is_bounded(other)) {
        (false, false) => true,
        (true, true) => one.number == other.number && !has_limit,
        (true, false) | (false, true) => false,
    }
}

/// Whether nothing but its priority, its arrival and its limits orders it.
fn is_plain(run: &Run, task: usize) -> bool {
    let options = &run.flow.tasks[task].options;
    options.rate.is_none() && !options.is_fair
}

/// Whether a rival is more urgent, or came first.
fn goes_before(rival: ((u8, u64), &Entry), mine: ((u8, u64), &Entry)) -> bool {
    let came_first = rival.1.ready_at < mine.1.ready_at;
    rival.0 < mine.0 || (rival.0 == mine.0 && came_first)
}
