//! A run as its events tell it.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use pyflow_core::event::TaskError;
use pyflow_core::ids::DefinitionHash;
use serde_json::Value;

use super::entry::{Entry, Lease};
use super::stage::{Stage, Stop};
use crate::flows::{Condition, Flow, truth};

/// An event of a run's history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) kind: &'static str,
    pub(crate) at: u64,
    pub(crate) instance: Option<usize>,
    /// What else is shown of it.
    pub(crate) told: Vec<(&'static str, Value)>,
}

impl Recorded {
    /// Whether this is what an event tells that is shown of the run.
    pub(crate) fn is_shown_as(&self, run: &Run, shown: &Value) -> bool {
        shown["kind"].as_str() == Some(self.kind)
            && shown["at"].as_u64() == Some(self.at)
            && self.told.iter().all(|(name, value)| shown[*name] == *value)
            && self.instance.is_none_or(|instance| shown["task_id"] == *run.name(instance))
    }
}

/// A line of a run's log.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) instance: usize,
    /// That of the attempt which has written it.
    pub(crate) token: u64,
    pub(crate) text: String,
}

/// What a run has failed with: the instance that is named, and its error.
#[derive(Clone, Debug)]
pub(crate) struct Downfall {
    pub(crate) instance: Option<usize>,
    pub(crate) error: Rc<TaskError>,
}

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) number: u64,
    pub(crate) id: String,
    /// The key that stands for it; none once that may stand for another.
    pub(crate) key: Option<String>,
    /// The key that it was started under.
    pub(crate) first_key: Option<String>,
    pub(crate) definition: DefinitionHash,
    pub(crate) flow: Rc<Flow>,
    /// What its input says where a condition asks for it.
    pub(crate) flag: bool,
    pub(crate) priority: Option<u8>,
    pub(crate) deadline_at: Option<u64>,
    /// Whether what is acknowledged of it may be lost with the power.
    pub(crate) is_eventual: bool,
    pub(crate) stage: Stage,
    pub(crate) stop: Option<Stop>,
    /// What the one who stopped it has said.
    pub(crate) stop_reason: Option<String>,
    pub(crate) metadata: Option<Bytes>,
    pub(crate) created_by: Option<String>,
    pub(crate) created_at: u64,
    /// The position of its first event.
    pub(crate) created_position: u64,
    pub(crate) started_at: Option<u64>,
    pub(crate) ended_at: Option<u64>,
    pub(crate) generation: u32,
    pub(crate) result: Option<Bytes>,
    pub(crate) downfall: Option<Downfall>,
    /// Its events, in order.
    pub(crate) history: Vec<Recorded>,
    /// What its tasks have written to its log, in order.
    pub(crate) lines: Vec<Line>,
    /// Failures that were recorded so far.
    pub(crate) failure_count: u32,
    /// The position of its last event.
    pub(crate) position: u64,
    /// One entry a task, then one an item, in the order in which maps were expanded.
    pub(crate) entries: Vec<Entry>,
    /// By the task that is a map: its first item's place among the entries, and how many there are.
    pub(crate) maps: BTreeMap<usize, (usize, usize)>,
    /// By the task that is a map: the items that it was expanded to.
    pub(crate) items_of: BTreeMap<usize, Vec<Value>>,
    /// Maps that were forgotten since the whole task is done anew: their items keep their places.
    pub(crate) former_maps: Vec<(usize, (usize, usize))>,
    /// When it last went on after a pause.
    pub(crate) resumed_at: u64,
    /// Whether two ends came at once of which either may have been first: what opens from here on is
    /// not foretold, only watched.
    pub(crate) is_blurred: bool,
}

impl Run {
    /// The task that an instance belongs to, and the index where it is an item of a map.
    pub(crate) fn place(&self, instance: usize) -> Option<(usize, Option<usize>)> {
        if instance < self.flow.tasks.len() {
            return Some((instance, None));
        }
        let holds = |(first, count): (usize, usize)| (first..first + count).contains(&instance);
        let present = self.maps.iter().map(|(task, span)| (*task, *span));
        let mut all = present.chain(self.former_maps.iter().copied());
        let found = all.find(|(_, span)| holds(*span));
        found.map(|(task, (first, _))| (task, Some(instance - first)))
    }

    /// Whether it was ever paused, so that its work may have lost its place among others.
    pub(crate) fn was_paused(&self) -> bool {
        self.history.iter().any(|recorded| recorded.kind == "RunPaused")
    }

    /// The public name of an instance.
    pub(crate) fn name(&self, instance: usize) -> String {
        match self.place(instance) {
            Some((task, None)) => self.flow.tasks[task].id.clone(),
            Some((task, Some(index))) => format!("{}[{index}]", self.flow.tasks[task].id),
            None => format!("instance {instance}"),
        }
    }

    pub(crate) fn instance_of(&self, task: usize, item: Option<usize>) -> Option<usize> {
        match item {
            None => Some(task),
            Some(index) => self.maps.get(&task).map(|(first, _)| first + index),
        }
    }

    pub(crate) fn items(&self, map: usize) -> impl Iterator<Item = &Entry> {
        let (first, count) = self.maps.get(&map).copied().unwrap_or((0, 0));
        self.entries[first..first + count].iter()
    }

    /// Whether a condition holds, when that is asked for.
    pub(crate) fn holds(&self, condition: Condition) -> bool {
        match condition {
            Condition::True => true,
            Condition::False => false,
            Condition::Flag => self.flag,
            Condition::Claim(seed) => truth(seed, "").1[usize::from(self.flag)],
            Condition::Nothing(task) => self.entries[task].output().is_none(),
            Condition::Something(task) => self.entries[task].output().is_some(),
        }
    }

    /// Instances in workers' hands.
    pub(crate) fn leased(&self) -> impl Iterator<Item = (usize, Lease)> + '_ {
        let leases = self.entries.iter().enumerate();
        leases.filter_map(|(instance, entry)| entry.lease().map(|lease| (instance, lease)))
    }

    /// Whether everything that it waits for has ended: all but its own error handler.
    pub(crate) fn is_settled(&self) -> bool {
        let tasks = self.entries.iter().take(self.flow.tasks.len()).enumerate();
        tasks.filter(|(task, _)| self.flow.on_error != Some(*task)).all(|(_, e)| e.end().is_some())
    }

    /// Whether an instance is done by a worker: an item of a map is, the map itself is not.
    pub(crate) fn is_work(&self, instance: usize) -> bool {
        self.place(instance).is_some_and(|(task, item)| {
            let plan = &self.flow.tasks[task];
            plan.worker_type().is_some() && plan.is_map() == item.is_some()
        })
    }

    /// How urgent a task is, by its own word or its run's: 0, 1 or 2, the most urgent first.
    pub(crate) fn urgency(&self, task: usize) -> u8 {
        self.flow.tasks[task].options.priority.or(self.priority).unwrap_or(1)
    }

    /// The type of a task that no limit holds back, only its place among others.
    pub(crate) fn unlimited_type(&self, task: usize) -> Option<&'static str> {
        let plan = &self.flow.tasks[task];
        let has_limit = self.flow.max_concurrent_tasks.is_some()
            || plan.options.rate.is_some()
            || (plan.options.concurrency.is_some() && !plan.is_map())
            || plan.options.concurrency_key.is_some();
        plan.worker_type().filter(|_| !has_limit)
    }

    /// Whether an instance waits for a worker and nothing else.
    pub(crate) fn is_queued(&self, instance: usize) -> bool {
        self.is_work(instance)
            && self.stage == Stage::Running
            && self.entries.get(instance).is_some_and(Entry::is_ready)
            && (self.place(instance).is_some_and(|(task, item)| {
                item.is_some() || self.holds(self.flow.tasks[task].condition)
            }))
    }
}
