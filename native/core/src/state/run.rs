//! A run: its definition, its instances, and what is known of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use slab::Slab;

use super::instance::{Active, Ending, Failure, Instance, NO_OUTPUT, Phase};
use super::map::MapState;
use crate::consistency::Consistency;
use crate::definition::{Definition, Priority};
use crate::event::TaskError;
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
    pub(super) run_id: Arc<str>,
    pub(super) namespace: Arc<str>,
    pub(super) definition: Arc<Definition>,
    pub(super) state: RunState,
    pub(super) generation: u32,
    pub(super) event_count: u64,
    pub(super) first_position: u64,
    pub(super) last_position: u64,
    pub(super) input: Payload,
    pub(super) priority: Option<Priority>,
    pub(super) deadline_at: Option<Millis>,
    pub(super) consistency: Consistency,
    pub(super) key: Option<Arc<str>>,
    pub(super) chosen: bool,
    pub(super) metadata: Option<Bytes>,
    pub(super) created_by: Option<Arc<str>>,
    pub(super) created_at: Millis,
    pub(super) started_at: Option<Millis>,
    pub(super) ended_at: Option<Millis>,
    pub(super) stop: Option<Stop>,
    pub(super) result: Option<Payload>,
    pub(super) error: Option<Failure>,
    pub(super) instances: Vec<Instance>,
    pub(super) active: Slab<Active>,
    pub(super) outputs: Slab<Payload>,
    pub(super) joins: BTreeMap<u32, JoinCounts>,
    pub(super) maps: BTreeMap<u32, MapState>,
    /// The map that each range of items belongs to, by the range's first instance.
    pub(super) map_bases: BTreeMap<u32, u32>,
    /// For each decision that was taken: the place of its branch.
    pub(super) taken: BTreeMap<u32, u32>,
    pub(super) failures: Vec<Failure>,
    /// Tasks of scope 0 that have not ended, without the run's own error handler.
    pub(super) unsettled: u32,
    pub(super) leased: u32,
    /// Grows with each pause, so that entries of the queues made before it are known as stale.
    pub(super) pauses: u32,
}

impl Run {
    pub fn number(&self) -> RunNumber {
        self.number
    }

    pub fn run_id(&self) -> &Arc<str> {
        &self.run_id
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
        self.priority
    }

    pub fn deadline_at(&self) -> Option<Millis> {
        self.deadline_at
    }

    pub fn consistency(&self) -> Consistency {
        self.consistency
    }

    pub fn key(&self) -> Option<&Arc<str>> {
        self.key.as_ref()
    }

    pub fn metadata(&self) -> Option<&Bytes> {
        self.metadata.as_ref()
    }

    pub fn created_by(&self) -> Option<&Arc<str>> {
        self.created_by.as_ref()
    }

    /// When it was created, started and ended.
    pub fn times(&self) -> (Millis, Option<Millis>, Option<Millis>) {
        (self.created_at, self.started_at, self.ended_at)
    }

    pub fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    pub fn result(&self) -> Option<&Payload> {
        self.result.as_ref()
    }

    /// The failure that the run ended with.
    pub fn error(&self) -> Option<&Failure> {
        self.error.as_ref()
    }

    /// Every failure that was recorded for good, oldest first: the run's stack of errors.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
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
            Instance::Settled { output: NO_OUTPUT, .. } => None,
            Instance::Settled { output, .. } => self.outputs.get(output as usize),
            Instance::Pending { .. } | Instance::Ready { .. } | Instance::Active(_) => None,
        }
    }

    /// The failure recorded for an instance, the latest where it was recovered in between.
    pub fn failure(&self, instance: InstanceIndex) -> Option<&Failure> {
        self.failures.iter().rev().find(|failure| failure.instance == instance)
    }

    /// The map that this instance expanded into.
    pub fn map(&self, parent: InstanceIndex) -> Option<&MapState> {
        self.maps.get(&parent.0)
    }

    /// For an item of a map: the map's instance and the item's index.
    pub fn item_of(&self, instance: InstanceIndex) -> Option<(InstanceIndex, u32)> {
        if instance.index() < self.definition.task_count() {
            return None;
        }
        let (base, parent) = self.map_bases.range(..=instance.0).next_back()?;
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
        let map = self.maps.get(&self.definition.find(name)?.0)?;
        let index: u32 = index.parse().ok()?;
        (index < map.count).then(|| map.instance(index))
    }

    /// The branch that a decision took, where it was taken.
    pub fn branch_taken(&self, decision: TaskIndex) -> Option<u32> {
        self.taken.get(&decision.0).copied()
    }

    /// The latest grant of an instance and, while it is leased, its record.
    pub fn grant(&self, instance: InstanceIndex) -> Option<Grant> {
        match self.instance(instance)? {
            Instance::Active(record) => Some(self.active[record as usize].grant),
            Instance::Settled { grant, .. } => Some(grant),
            Instance::Pending { .. } | Instance::Ready { .. } => Some(Grant(0)),
        }
    }

    /// When an instance became ready for its first attempt.
    pub fn first_ready(&self, instance: InstanceIndex) -> Option<Millis> {
        match self.instance(instance)? {
            Instance::Ready { since } => Some(since),
            Instance::Active(record) => Some(self.active[record as usize].first_ready),
            Instance::Pending { .. } | Instance::Settled { .. } => None,
        }
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
