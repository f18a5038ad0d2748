//! One run ⇄ bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use slab::Slab;

use super::failures::Failure;
use super::instance::{Active, Ending, Instance, NO_OUTPUT, Past, Phase};
use super::map::MapState;
use super::run::{Asked, Extra, JoinCounts, Run, Stop};
use super::shard_record::VERSION;
use crate::codec::{DecodeError, Reader, Stored, record, write_array};
use crate::consistency::Consistency;
use crate::definition::{Definition, Priority};
use crate::event::TaskError;
use crate::expr::FieldCache;
use crate::ids::{DefinitionHash, Grant, InstanceIndex, RunNumber, SessionId};
use crate::lifecycle::RunState;
use crate::payload::Payload;
use crate::time::Millis;

record! {
    pub(super) struct FailureRecord {
        pub instance: InstanceIndex,
        pub attempt: u32,
        pub error: Box<TaskError>,
        pub recovered: bool,
        pub at: Option<Millis>,
    }
}

record! {
    pub(super) struct MapRecord {
        pub base: InstanceIndex,
        pub items: Payload,
        pub count: u32,
        pub opened: u32,
        pub settled: u32,
        pub open: u32,
        pub again: Vec<u32>,
    }
}

record! {
    /// One run, whole.
    pub(super) struct RunRecord {
        pub version: u32,
        pub number: RunNumber,
        pub run_id: Arc<str>,
        pub namespace: Arc<str>,
        pub definition: DefinitionHash,
        pub state: u8,
        pub generation: u32,
        pub event_count: u64,
        pub first_position: u64,
        pub last_position: u64,
        pub input: Payload,
        pub priority: Option<u8>,
        pub deadline_at: Option<Millis>,
        pub consistency: u8,
        pub key: Option<Arc<str>>,
        pub chosen: bool,
        pub metadata: Option<Bytes>,
        pub created_by: Option<Arc<str>>,
        pub created_at: Millis,
        pub started_at: Option<Millis>,
        pub ended_at: Option<Millis>,
        /// Why it is being stopped: a reason to cancel, or nothing for its deadline.
        pub stop: Option<Vec<String>>,
        pub result: Option<Payload>,
        pub error: Option<FailureRecord>,
        pub instances: Vec<InstanceRecord>,
        pub joins: Vec<(u32, (u32, u32))>,
        pub maps: Vec<(u32, MapRecord)>,
        pub map_bases: Vec<(u32, u32)>,
        pub taken: Vec<(u32, u32)>,
        pub failures: Vec<FailureRecord>,
        pub unsettled: u32,
        pub leased: u32,
        pub pauses: u32,
        /// By instance: its latest grant and the attempts it has had.
        pub pasts: Vec<(u32, (Grant, u32))>,
        pub early_readers: Vec<(u32, u32)>,
        /// By instance that has ended: its last attempt, where that was not the first.
        pub attempts: Option<Vec<(u32, u32)>>,
        pub resumed_at: Option<Millis>,
    }
}

/// An instance with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum InstanceRecord {
    Pending { unmet: u32, succeeded: bool },
    Ready { since: Millis },
    Active(Box<Active>),
    Settled { ending: Ending, readers: u32, output: Option<Payload>, grant: Grant },
}

impl RunRecord {
    /// Reads as far as the definition, which stands near the beginning.
    pub(super) fn read_definition(input: &mut Reader<'_>) -> Result<DefinitionHash, DecodeError> {
        input.array()?;
        u32::read(input)?;
        RunNumber::read(input)?;
        <Arc<str>>::read(input)?;
        <Arc<str>>::read(input)?;
        DefinitionHash::read(input)
    }

    pub(super) fn payloads(&self) -> impl Iterator<Item = &Payload> {
        let outputs = self.instances.iter().filter_map(|instance| match instance {
            InstanceRecord::Settled { output, .. } => output.as_ref(),
            InstanceRecord::Pending { .. }
            | InstanceRecord::Ready { .. }
            | InstanceRecord::Active(_) => None,
        });
        let items = self.maps.iter().map(|(_, map)| &map.items);
        std::iter::once(&self.input).chain(&self.result).chain(items).chain(outputs)
    }
}

impl From<&Failure> for FailureRecord {
    fn from(failure: &Failure) -> Self {
        let Failure { instance, attempt, error, recovered, at } = failure.clone();
        Self { instance, attempt, error, recovered, at }
    }
}

impl From<FailureRecord> for Failure {
    fn from(record: FailureRecord) -> Self {
        let FailureRecord { instance, attempt, error, recovered, at } = record;
        Self { instance, attempt, error, recovered, at }
    }
}

fn pairs<A: Copy, B: Copy>(map: &BTreeMap<A, B>) -> Vec<(A, B)> {
    map.iter().map(|(key, value)| (*key, *value)).collect()
}

impl Run {
    pub(super) fn record(&self) -> RunRecord {
        let extra = self.extra();
        let joins = extra.joins.iter().map(|(task, c)| (*task, (c.succeeded, c.failed)));
        let map_record = |map: &MapState| MapRecord {
            base: map.base,
            items: Payload::new(map.items.clone()),
            count: map.count,
            opened: map.opened,
            settled: map.settled,
            open: map.open,
            again: map.again.iter().copied().collect(),
        };
        let pasts = extra.pasts.iter().map(|(at, past)| (*at, (past.grant, past.attempts)));
        RunRecord {
            version: VERSION,
            number: self.number,
            run_id: self.id.clone(),
            namespace: self.namespace.clone(),
            definition: self.definition.hash,
            state: self.state as u8,
            generation: self.generation,
            event_count: self.event_count,
            first_position: self.first_position,
            last_position: self.last_position,
            input: self.input.clone(),
            priority: self.priority().map(|priority| priority as u8),
            deadline_at: self.deadline_at(),
            consistency: self.consistency as u8,
            key: self.key().cloned(),
            chosen: self.chosen,
            metadata: self.metadata().cloned(),
            created_by: self.created_by().cloned(),
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: extra.ended_at,
            stop: extra.stop.as_ref().map(|stop| match stop {
                Stop::Cancelled { reason } => vec![reason.clone()],
                Stop::DeadlineExceeded => Vec::new(),
            }),
            result: extra.result.clone(),
            error: extra.error.as_ref().map(FailureRecord::from),
            instances: self.instances.iter().map(|i| self.instance_record(*i)).collect(),
            joins: joins.collect(),
            maps: extra.maps.iter().map(|(parent, map)| (*parent, map_record(map))).collect(),
            map_bases: pairs(&extra.map_bases),
            taken: pairs(&extra.taken),
            failures: extra.failures.iter().map(FailureRecord::from).collect(),
            unsettled: self.unsettled,
            leased: self.leased,
            pauses: self.pauses,
            pasts: pasts.collect(),
            early_readers: pairs(&extra.early_readers),
            attempts: Some(pairs(&extra.attempts)),
            resumed_at: extra.resumed_at,
        }
    }

    fn instance_record(&self, instance: Instance) -> InstanceRecord {
        match instance {
            Instance::Pending { unmet, succeeded } => InstanceRecord::Pending { unmet, succeeded },
            Instance::Ready { since } => InstanceRecord::Ready { since },
            Instance::Active(record) => {
                InstanceRecord::Active(Box::new(self.active[record as usize].clone()))
            }
            Instance::Settled { ending, readers, output, grant } => {
                let output = (output != NO_OUTPUT).then(|| self.outputs[output as usize].clone());
                InstanceRecord::Settled { ending, readers, output, grant }
            }
        }
    }

    pub(super) fn from_record(
        mut record: RunRecord,
        definition: Arc<Definition>,
    ) -> Result<Self, DecodeError> {
        let state = RunState::from_code(record.state);
        let extra = record.take_extra()?;
        let mut active = Slab::new();
        let mut outputs = Slab::new();
        let mut instances = Vec::with_capacity(record.instances.len());
        for instance in record.instances {
            instances.push(match instance {
                InstanceRecord::Pending { unmet, succeeded } => {
                    Instance::Pending { unmet, succeeded }
                }
                InstanceRecord::Ready { since } => Instance::Ready { since },
                InstanceRecord::Active(record) => Instance::Active(active.insert(*record) as u32),
                InstanceRecord::Settled { ending, readers, output, grant } => {
                    let output = output.map_or(NO_OUTPUT, |output| outputs.insert(output) as u32);
                    Instance::Settled { ending, readers, output, grant }
                }
            });
        }
        active.shrink_to_fit();
        let asked = Asked {
            priority: record.priority.map(Priority::from_code),
            deadline_at: record.deadline_at,
            key: record.key,
            metadata: record.metadata,
            created_by: record.created_by,
        };
        Ok(Self {
            number: record.number,
            id: record.run_id,
            namespace: record.namespace,
            definition,
            state: state.ok_or(DecodeError::Unexpected { wanted: "a run state", at: 0 })?,
            generation: record.generation,
            event_count: record.event_count,
            first_position: record.first_position,
            last_position: record.last_position,
            input: record.input,
            consistency: Consistency::from_code(record.consistency),
            chosen: record.chosen,
            asked: asked.kept(),
            created_at: record.created_at,
            started_at: record.started_at,
            instances,
            active,
            outputs,
            unsettled: record.unsettled,
            leased: record.leased,
            pauses: record.pauses,
            extra,
            fields: FieldCache::default(),
        })
    }
}

impl RunRecord {
    /// What most runs never have: none where there is nothing of it.
    fn take_extra(&mut self) -> Result<Option<Box<Extra>>, DecodeError> {
        let mut maps = BTreeMap::new();
        for (parent, map) in std::mem::take(&mut self.maps) {
            maps.insert(parent, map_of(map)?);
        }
        let joins = std::mem::take(&mut self.joins).into_iter();
        let pasts = std::mem::take(&mut self.pasts).into_iter();
        let extra = Extra {
            ended_at: self.ended_at,
            resumed_at: self.resumed_at,
            stop: self.stop.take().map(|mut reason| match reason.pop() {
                Some(reason) => Stop::Cancelled { reason },
                None => Stop::DeadlineExceeded,
            }),
            result: self.result.take(),
            error: self.error.take().map(Failure::from),
            failures: std::mem::take(&mut self.failures).into_iter().map(Failure::from).collect(),
            joins: joins
                .map(|(task, (succeeded, failed))| (task, JoinCounts { succeeded, failed }))
                .collect(),
            maps,
            map_bases: std::mem::take(&mut self.map_bases).into_iter().collect(),
            taken: std::mem::take(&mut self.taken).into_iter().collect(),
            pasts: pasts.map(|(at, (grant, attempts))| (at, Past { grant, attempts })).collect(),
            early_readers: std::mem::take(&mut self.early_readers).into_iter().collect(),
            attempts: self.attempts.take().unwrap_or_default().into_iter().collect(),
        };
        Ok((!extra.is_empty()).then(|| Box::new(extra)))
    }
}

fn map_of(record: MapRecord) -> Result<MapState, DecodeError> {
    let ended = MapState::ended(record.base, record.count);
    if record.items.is_null() {
        return Ok(ended);
    }
    let items = record.items.json();
    let wanted = "the items of a map";
    super::item_count(&items).ok_or(DecodeError::Unexpected { wanted, at: 0 })?;
    let whole = MapState::new(record.base, items);
    Ok(MapState {
        opened: record.opened,
        settled: record.settled,
        open: record.open,
        again: record.again.into_iter().collect(),
        ..whole
    })
}

impl Stored for InstanceRecord {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Pending { unmet, succeeded } => {
                write_array(out, 3);
                0_u8.write(out);
                unmet.write(out);
                succeeded.write(out);
            }
            Self::Ready { since } => {
                write_array(out, 2);
                1_u8.write(out);
                since.write(out);
            }
            Self::Active(active) => {
                write_array(out, 2);
                2_u8.write(out);
                active.write(out);
            }
            Self::Settled { ending, readers, output, grant } => {
                write_array(out, 5);
                3_u8.write(out);
                (*ending as u8).write(out);
                readers.write(out);
                output.write(out);
                grant.write(out);
            }
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = input.array()?;
        match (u8::read(input)?, count) {
            (0, 3) => Ok(Self::Pending { unmet: u32::read(input)?, succeeded: bool::read(input)? }),
            (1, 2) => Ok(Self::Ready { since: Millis::read(input)? }),
            (2, 2) => Ok(Self::Active(Box::new(Active::read(input)?))),
            (3, 5) => {
                let code = u8::read(input)?;
                let unknown = DecodeError::Unknown { what: "ending", found: u64::from(code) };
                Ok(Self::Settled {
                    ending: Ending::from_code(code).ok_or(unknown)?,
                    readers: u32::read(input)?,
                    output: Option::read(input)?,
                    grant: Grant::read(input)?,
                })
            }
            (tag, _) => Err(DecodeError::Unknown { what: "instance", found: u64::from(tag) }),
        }
    }
}

record! {
    struct ActiveRecord {
        /// The phase, and the two values that some phases have.
        pub phase: u8,
        pub first: u64,
        pub second: u64,
        pub first_ready: Millis,
        pub ready: Millis,
        pub attempt: u32,
        pub first_attempt: u32,
        pub grant: Grant,
        pub deliveries: u32,
        pub suspicions: u32,
        pub details: Option<Bytes>,
        pub error: Option<Box<TaskError>>,
    }
}

impl Stored for Active {
    fn write(&self, out: &mut Vec<u8>) {
        let (phase, first, second) = match self.phase {
            Phase::Ready => (0, 0, 0),
            Phase::Leased { session, since, stop_asked } => {
                (1 + u8::from(stop_asked), u64::from(session.0), since.0)
            }
            Phase::Backoff { until } => (3, until.0, 0),
            Phase::Sleeping { until } => (4, until.0, 0),
            Phase::Mapping => (5, 0, 0),
        };
        ActiveRecord {
            phase,
            first,
            second,
            first_ready: self.first_ready,
            ready: self.ready,
            attempt: self.attempt,
            first_attempt: self.first_attempt,
            grant: self.grant,
            deliveries: self.deliveries,
            suspicions: self.suspicions,
            details: self.details.as_deref().cloned(),
            error: self.error.clone(),
        }
        .write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let record = ActiveRecord::read(input)?;
        let phase = match record.phase {
            0 => Phase::Ready,
            1 | 2 => Phase::Leased {
                session: SessionId(record.first as u32),
                since: Millis(record.second),
                stop_asked: record.phase == 2,
            },
            3 => Phase::Backoff { until: Millis(record.first) },
            4 => Phase::Sleeping { until: Millis(record.first) },
            5 => Phase::Mapping,
            other => {
                return Err(DecodeError::Unknown { what: "phase", found: u64::from(other) });
            }
        };
        Ok(Self {
            phase,
            first_ready: record.first_ready,
            ready: record.ready,
            attempt: record.attempt,
            first_attempt: record.first_attempt,
            grant: record.grant,
            deliveries: record.deliveries,
            suspicions: record.suspicions,
            details: record.details.map(Box::new),
            error: record.error,
        })
    }
}
