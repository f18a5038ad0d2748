//! What limits and rates are counted under.

use super::run::Run;
use crate::flows::Key;

/// What the starts of tasks with a rate are counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metered {
    /// The one type that has a rate.
    OfType,
    OfKey(KeyValue),
}

/// What a concurrency key comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyValue {
    Shared,
    OfRun(u64),
    /// Whether its place in its map is one of the first two.
    OfPlace(bool),
}

impl KeyValue {
    /// That of a task or an item, where it has any.
    pub(crate) fn of(run: &Run, instance: usize) -> Option<Self> {
        let (task, item) = run.place(instance)?;
        Some(match run.flow.tasks[task].options.concurrency_key? {
            Key::Shared => Self::Shared,
            Key::OfRun => Self::OfRun(run.number),
            Key::OfPlace => Self::OfPlace(item? < 2),
        })
    }
}

impl Metered {
    /// What a task or an item is counted under, where it has a rate.
    pub(crate) fn of(run: &Run, instance: usize) -> Option<Self> {
        let (task, _) = run.place(instance)?;
        run.flow.tasks[task].options.rate?;
        Some(KeyValue::of(run, instance).map_or(Self::OfType, Self::OfKey))
    }
}
