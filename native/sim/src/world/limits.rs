//! What limits leave room for, by the record.

use super::scene::Scene;
use crate::flows::{Key, Options};
use crate::model::Run;

/// What tasks of one type share a limit by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Limit {
    Type,
    SharedKey,
    KeyOfRun(u64),
}

impl Limit {
    /// What bounds how many of a task are at work at once, beside its run; the items of a map, which
    /// are opened as many at once as may be, have only that of their key.
    pub(crate) fn of(run: &Run, task: usize) -> Option<Self> {
        let plan = &run.flow.tasks[task];
        let Options { concurrency, concurrency_key, .. } = &plan.options;
        match (concurrency_key, concurrency) {
            (Some(Key::Shared), _) => Some(Self::SharedKey),
            (Some(Key::OfRun), _) => Some(Self::KeyOfRun(run.number)),
            (None, Some(_)) if !plan.is_map() => Some(Self::Type),
            (None, _) => None,
        }
    }
}

impl Scene {
    /// How many are at work under the limit that a task has.
    pub(crate) fn at_work_under(&self, limit: Limit, task_type: Option<&str>) -> usize {
        let is_under = |run: &Run, instance: usize| {
            run.place(instance).is_some_and(|(task, _)| {
                let is_of_type =
                    limit != Limit::Type || run.flow.tasks[task].worker_type() == task_type;
                Limit::of(run, task) == Some(limit) && is_of_type
            })
        };
        let leased = |run: &Run| run.leased().filter(|(at, _)| is_under(run, *at)).count();
        self.model.runs.values().map(leased).sum()
    }

    /// Whether one more of a task may be at work.
    pub(crate) fn has_permit(&self, run: &Run, task: usize) -> bool {
        let plan = &run.flow.tasks[task];
        let of_run = run.flow.max_concurrent_tasks;
        let has_room = of_run.is_none_or(|most| run.leased().count() < most as usize);
        let is_below = |limit: Limit| {
            let most = plan.options.concurrency.unwrap_or(1) as usize;
            self.at_work_under(limit, plan.worker_type()) < most
        };
        has_room && Limit::of(run, task).is_none_or(is_below)
    }
}
