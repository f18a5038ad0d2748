//! What limits leave room for, by the record.

use super::scene::Scene;
use crate::model::{KeyValue, Run};

/// What tasks of one type share a limit by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Limit {
    Type,
    Key(KeyValue),
}

impl Limit {
    /// What bounds how many of a task are at work at once, beside its run; the items of a map, which
    /// are opened as many at once as may be, have only that of their key.
    pub(crate) fn of(run: &Run, instance: usize) -> Option<Self> {
        let (task, _) = run.place(instance)?;
        let plan = &run.flow.tasks[task];
        let is_of_type = plan.options.concurrency.is_some() && !plan.is_map();
        let of_key = KeyValue::of(run, instance).map(Self::Key);
        of_key.or(is_of_type.then_some(Self::Type))
    }
}

impl Scene {
    /// How many are at work under the limit that a task has.
    pub(crate) fn at_work_under(&self, limit: Limit, task_type: Option<&str>) -> usize {
        let is_under = |run: &Run, instance: usize| {
            run.place(instance).is_some_and(|(task, _)| {
                let is_of_type =
                    limit != Limit::Type || run.flow.tasks[task].worker_type() == task_type;
                Limit::of(run, instance) == Some(limit) && is_of_type
            })
        };
        let leased = |run: &Run| run.leased().filter(|(at, _)| is_under(run, *at)).count();
        self.model.runs.values().map(leased).sum()
    }

    /// Whether a task or an item may be at work beside what is.
    pub(crate) fn has_permit(&self, run: &Run, instance: usize) -> bool {
        let Some((task, _)) = run.place(instance) else { return false };
        let plan = &run.flow.tasks[task];
        let of_run = run.flow.max_concurrent_tasks;
        let has_room = of_run.is_none_or(|most| run.leased().count() < most as usize);
        let is_below = |limit: Limit| {
            let most = plan.options.concurrency.unwrap_or(1) as usize;
            self.at_work_under(limit, plan.worker_type()) < most
        };
        has_room && Limit::of(run, instance).is_none_or(is_below)
    }
}
