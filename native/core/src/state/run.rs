//! A run: its definition, its instances, and what is known of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use slab::Slab;

use super::failures::{Failure, Failures};
use super::instance::{Active, Ending, Instance, NO_OUTPUT, Past, Phase};
use super::map::MapState;
use crate::consistency::Consistency;
use crate::definition::{Definition, Priority};
use crate::event::TaskError;
use crate::expr::FieldCache;
use crate::ids::{Grant, InstanceIndex, RunNumber, TaskIndex};
use crate::lifecycle::{RunState, TaskState};
use crate::payload::Payload;
use crate::time::Millis;

/// Why a run is being stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    Cancelled { reason: String },
    DeadlineExceeded,
}

/// How a run's dependencies of one task ended so far, where the task's rule asks for more than
/// "all succeeded".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct JoinCounts {
    pub succeeded: u32,
    pub failed: u32,
}

/// A live run.
#[derive(Debug)]
pub struct Run {
    pub(super) number: RunNumber,
    pub(super) id: Arc<str>,
    pub(super) namespace: Arc<str>,
    pub(super) definition: Arc<Definition>,
    pub(super) state: RunState,
    pub(super) generation: u32,
    pub(super) event_count: u64,
    pub(super) first_position: u64,
    pub(super) last_position: u64,
    pub(super) input: Payload,
    pub(super) consistency: Consistency,
    pub(super) chosen: bool,
    pub(super) asked: Option<Box<Asked>>,
    pub(super) created_at: Millis,
    pub(super) started_at: Option<Millis>,
    pub(super) instances: Vec<Instance>,
    pub(super) active: Slab<Active>,
    pub(super) outputs: Slab<Payload>,
    /// Tasks of scope 0 that have not ended, without the run's own error handler.
    pub(super) unsettled: u32,
    pub(super) leased: u32,
    /// Grows with each pause.
    pub(super) pauses: u32,
    pub(super) extra: Option<Box<Extra>>,
    /// Where the fields of what the items of its maps look at are. Derived, and forgotten when a
    /// map ends.
    pub(super) fields: FieldCache,
}

const _: () = assert!(size_of::<Run>() <= 280, "what few runs need goes into a box of its own");

/// What few starts ask for: a run that was asked for none of it takes no memory for it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) priority: Option<Priority>,
    pub(super) deadline_at: Option<Millis>,
    pub(super) key: Option<Arc<str>>,
    pub(super) metadata: Option<Bytes>,
    pub(super) created_by: Option<Arc<str>>,
}

impl Asked {
    pub(super) fn kept(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

/// What most runs never have, at most at their end: a waiting run takes no memory for it.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) ended_at: Option<Millis>,
    /// When it last went on after a pause.
    pub(super) resumed_at: Option<Millis>,
    pub(super) stop: Option<Stop>,
    pub(super) result: Option<Payload>,
    pub(super) error: Option<Failure>,
    pub(super) failures: Failures,
    /// By task: how its dependencies ended so far, where its join must know.
    pub(super) joins: BTreeMap<u32, JoinCounts>,
    pub(super) maps: BTreeMap<u32, MapState>,
    /// The map that each range of items belongs to, by the range's first instance.
    pub(super) map_bases: BTreeMap<u32, u32>,
    /// For each decision that was taken: the place of its branch.
    pub(super) taken: BTreeMap<u32, u32>,
    /// By instance that waits anew: what it had before.
    pub(super) pasts: BTreeMap<u32, Past>,
    /// By task that has not ended: readers of its output that were skipped before it.
    pub(super) early_readers: BTreeMap<u32, u32>,
    /// By instance that has ended: its last attempt, where that was not the first.
    pub(super) attempts: BTreeMap<u32, u32>,
}

impl Extra {
    const fn new() -> Self {
        Self {
            ended_at: None,
            resumed_at: None,
            stop: None,
            result: None,
            error: None,
            failures: Failures::new(),
            joins: BTreeMap::new(),
            maps: BTreeMap::new(),
            map_bases: BTreeMap::new(),
            taken: BTreeMap::new(),
            pasts: BTreeMap::new(),
            early_readers: BTreeMap::new(),
            attempts: BTreeMap::new(),
        }
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.ended_at.is_none()
            && self.resumed_at.is_none()
            && self.stop.is_none()
            && self.result.is_none()
            && self.error.is_none()
            && self.failures.is_empty()
            && self.joins.is_empty()
            && self.maps.is_empty()
            && self.map_bases.is_empty()
            && self.taken.is_empty()
            && self.pasts.is_empty()
            && self.early_readers.is_empty()
            && self.attempts.is_empty()
    }
}

static NO_EXTRA: Extra = Extra::new();

impl Run {
    pub(super) fn extra(&self) -> &Extra {
        self.extra.as_deref().unwrap_or(&NO_EXTRA)
    }

    pub(super) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    pub fn number(&self) -> RunNumber {
        self.number
    }

    pub fn run_id(&self) -> &Arc<str> {
        &self.id
    }

    pub fn namespace(&self) -> &Arc<str> {
        &self.namespace
    }

    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    pub fn state(&self) -> RunState {
        self.state
    }

    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Events in its history so far.
    pub fn event_count(&self) -> u64 {
        self.event_count
    }

    /// Positions of the turns that hold its first and its latest event.
    pub fn positions(&self) -> (u64, u64) {
        (self.first_position, self.last_position)
    }

    pub fn input(&self) -> &Payload {
        &self.input
    }

    pub fn priority(&self) -> Option<Priority> {
        self.asked.as_ref()?.priority
    }

    pub fn deadline_at(&self) -> Option<Millis> {
        self.asked.as_ref()?.deadline_at
    }

    pub fn consistency(&self) -> Consistency {
        self.consistency
    }

    pub fn key(&self) -> Option<&Arc<str>> {
        self.asked.as_ref()?.key.as_ref()
    }

    pub fn metadata(&self) -> Option<&Bytes> {
        self.asked.as_ref()?.metadata.as_ref()
    }

    pub fn created_by(&self) -> Option<&Arc<str>> {
        self.asked.as_ref()?.created_by.as_ref()
    }

    /// When it was created, started and ended.
    pub fn times(&self) -> (Millis, Option<Millis>, Option<Millis>) {
        (self.created_at, self.started_at, self.extra().ended_at)
    }

    /// Whether it was ever admitted among the runs that may work.
    pub fn was_started(&self) -> bool {
        self.started_at.is_some()
    }

    pub fn stop(&self) -> Option<&Stop> {
        self.extra().stop.as_ref()
    }

    pub fn result(&self) -> Option<&Payload> {
        self.extra().result.as_ref()
    }

    /// The failure that the run ended with.
    pub fn error(&self) -> Option<&Failure> {
        self.extra().error.as_ref()
    }

    /// Every failure that was recorded for good, oldest first: the run's stack of errors.
    pub fn failures(&self) -> &Failures {
        &self.extra().failures
    }

    pub fn instance_count(&self) -> usize {
        self.instances.len()
    }

    pub fn instance(&self, instance: InstanceIndex) -> Option<Instance> {
        self.instances.get(instance.index()).copied()
    }

    pub fn unsettled(&self) -> u32 {
        self.unsettled
    }

    pub fn leased(&self) -> u32 {
        self.leased
    }

    pub fn pauses(&self) -> u32 {
        self.pauses
    }

    /// The record of an instance that has one.
    pub fn active(&self, instance: InstanceIndex) -> Option<&Active> {
        match self.instance(instance)? {
            Instance::Active(record) => self.active.get(record as usize),
            Instance::Pending { .. } | Instance::Ready { .. } | Instance::Settled { .. } => None,
        }
    }

    pub fn task_state(&self, instance: InstanceIndex) -> Option<TaskState> {
        Some(match self.instance(instance)? {
            Instance::Pending { .. } => TaskState::Pending,
            Instance::Ready { .. } => TaskState::Ready,
            Instance::Active(record) => self.active[record as usize].state(),
            Instance::Settled { ending, .. } => ending.state(),
        })
    }

    pub fn ending(&self, instance: InstanceIndex) -> Option<Ending> {
        match self.instance(instance)? {
            Instance::Settled { ending, .. } => Some(ending),
            Instance::Pending { .. } | Instance::Ready { .. } | Instance::Active(_) => None,
        }
    }

    /// The output of an instance, while someone may still read it.
    pub fn output(&self, instance: InstanceIndex) -> Option<&Payload> {
        match self.instance(instance)? {
            Instance::Settled { output, .. } if output != NO_OUTPUT => {
                self.outputs.get(output as usize)
            }
            Instance::Settled { .. }
            | Instance::Pending { .. }
            | Instance::Ready { .. }
            | Instance::Active(_) => None,
        }
    }

    /// The failure recorded for an instance, the latest where it was recovered in between.
    pub fn failure(&self, instance: InstanceIndex) -> Option<&Failure> {
        self.failures().of(instance)
    }

    /// Whether an instance was cancelled with its whole run, not by itself.
    pub fn was_stopped(&self, instance: InstanceIndex) -> bool {
        self.ending(instance) == Some(Ending::Cancelled)
            && self.failure(instance).is_none_or(|failure| failure.recovered)
    }

    /// The map that this instance expanded into.
    pub fn map(&self, parent: InstanceIndex) -> Option<&MapState> {
        self.extra().maps.get(&parent.0)
    }

    /// Remembers where the fields of large texts are while a map is open.
    pub fn field_cache(&self) -> &FieldCache {
        &self.fields
    }

    /// For an item of a map: the map's instance and the item's index.
    #[inline]
    pub fn item_of(&self, instance: InstanceIndex) -> Option<(InstanceIndex, u32)> {
        if instance.index() < self.definition.task_count() {
            return None;
        }
        self.item_of_maps(instance)
    }

    fn item_of_maps(&self, instance: InstanceIndex) -> Option<(InstanceIndex, u32)> {
        let (base, parent) = self.extra().map_bases.range(..=instance.0).next_back()?;
        Some((InstanceIndex(*parent), instance.0 - base))
    }

    /// The task of the definition that an instance is one of.
    pub fn task_of(&self, instance: InstanceIndex) -> TaskIndex {
        match self.item_of(instance) {
            Some((parent, _)) => TaskIndex(parent.0),
            None => TaskIndex(instance.0),
        }
    }

    /// The public name of an instance, as `fetch` or `fetch[3]`.
    pub fn instance_id(&self, instance: InstanceIndex) -> String {
        match self.item_of(instance) {
            Some((parent, index)) => {
                format!("{}[{index}]", self.definition.id(TaskIndex(parent.0)))
            }
            None => self.definition.id(TaskIndex(instance.0)).to_string(),
        }
    }

    /// The instance with this public name.
    pub fn find_instance(&self, id: &str) -> Option<InstanceIndex> {
        if let Some(task) = self.definition.find(id) {
            return Some(task.instance());
        }
        let (name, index) = id.strip_suffix(']')?.rsplit_once('[')?;
        let map = self.extra().maps.get(&self.definition.find(name)?.0)?;
        let index: u32 = index.parse().ok()?;
        (index < map.count).then(|| map.instance(index))
    }

    /// The branch that a decision took, where it was taken.
    pub fn branch_taken(&self, decision: TaskIndex) -> Option<u32> {
        self.extra().taken.get(&decision.0).copied()
    }

    /// The latest grant of an instance; none was made yet at 0.
    pub fn grant(&self, instance: InstanceIndex) -> Option<Grant> {
        match self.instance(instance)? {
            Instance::Active(record) => Some(self.active[record as usize].grant),
            Instance::Settled { grant, .. } => Some(grant),
            Instance::Pending { .. } => Some(self.past(instance).grant),
            Instance::Ready { .. } => Some(Grant(0)),
        }
    }

    /// The number of an instance's present or next attempt.
    pub fn attempt(&self, instance: InstanceIndex) -> u32 {
        self.active(instance).map_or(1, |active| active.attempt)
    }

    /// The number of an ended instance's last attempt, where that was not the first.
    pub fn last_attempt(&self, instance: InstanceIndex) -> Option<u32> {
        self.extra().attempts.get(&instance.0).copied()
    }

    /// What tells the present attempt of an instance from others.
    pub fn stamp(&self, instance: InstanceIndex) -> (u32, u32) {
        (self.generation, self.attempt(instance))
    }

    /// Whether no attempt was made since the instance was opened, or opened again.
    pub fn is_untried(&self, instance: InstanceIndex) -> bool {
        self.active(instance).is_none_or(|active| active.attempt == active.first_attempt)
    }

    /// What an instance that waits had before it was opened again.
    pub(super) fn past(&self, instance: InstanceIndex) -> Past {
        let none = Past { grant: Grant(0), attempts: 0 };
        self.extra().pasts.get(&instance.0).copied().unwrap_or(none)
    }

    /// When an instance became ready for its first attempt.
    pub fn first_ready(&self, instance: InstanceIndex) -> Option<Millis> {
        match self.instance(instance)? {
            Instance::Ready { since } => Some(since),
            Instance::Active(record) => Some(self.active[record as usize].first_ready),
            Instance::Pending { .. } | Instance::Settled { .. } => None,
        }
    }

    /// When an instance became ready for its present attempt, or for its latest one.
    pub fn ready_since(&self, instance: InstanceIndex) -> Option<Millis> {
        let active = self.active(instance).map(|active| active.ready);
        active.or_else(|| self.first_ready(instance))
    }

    /// Since when an instance waits for a worker: a pause of its run has it begin anew.
    pub fn in_queue_since(&self, instance: InstanceIndex) -> Option<Millis> {
        let begins_at = self.extra().resumed_at.unwrap_or(Millis(0));
        self.ready_since(instance).map(|at| at.max(begins_at))
    }

    /// Every instance that a worker holds.
    pub fn leases(&self) -> impl Iterator<Item = (InstanceIndex, &Active)> {
        self.instances.iter().enumerate().filter_map(|(index, instance)| {
            let Instance::Active(record) = instance else { return None };
            let active = &self.active[*record as usize];
            matches!(active.phase, Phase::Leased { .. })
                .then_some((InstanceIndex(index as u32), active))
        })
    }

    /// The error that stands for a failed instance, if it failed.
    pub fn task_error(&self, instance: InstanceIndex) -> Option<&TaskError> {
        self.failure(instance).map(|failure| &*failure.error)
    }
}
