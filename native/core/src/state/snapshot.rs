//! State ⇄ bytes: what a checkpoint holds, and what tells two states apart.
//!
//! The form is canonical: it does not show in which order slots of memory were used.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use slab::Slab;

use super::State;
use super::directory::{Deployed, Directory, Key};
use super::instance::{Active, Ending, Failure, Instance, NO_OUTPUT, Phase};
use super::map::MapState;
use super::run::{JoinCounts, Run, Stop};
use crate::codec::{DecodeError, Reader, Stored, record, write_array};
use crate::consistency::Consistency;
use crate::definition::{Definition, Priority};
use crate::event::TaskError;
use crate::ids::{DefinitionHash, Grant, InstanceIndex, RunNumber, SessionId};
use crate::lifecycle::RunState;
use crate::limits::PAYLOAD_INLINE_SIZE_MAX;
use crate::payload::Payload;
use crate::time::Millis;

/// The version of the form; another one is not read.
const VERSION: u32 = 1;

/// Finds a definition by its hash.
pub type Definitions<'a> = &'a dyn Fn(&DefinitionHash) -> Option<Arc<Definition>>;

type Scoped = (Arc<str>, Arc<str>);

record! {
    /// A shard without its runs.
    struct ShardRecord {
        pub version: u32,
        pub position: u64,
        pub next_run: u64,
        pub definitions: Vec<DefinitionHash>,
        pub names: Vec<(Scoped, Vec<DeployedRecord>)>,
        pub ids: Vec<(Scoped, RunNumber)>,
        pub keys: Vec<(Scoped, KeyRecord)>,
        pub rates: Vec<(Arc<str>, Millis)>,
        pub closing: Vec<RunNumber>,
        pub runs: Vec<RunNumber>,
    }
}

record! {
    struct DeployedRecord {
        pub version: Option<Arc<str>>,
        pub definition: DefinitionHash,
        pub at: Millis,
    }
}

record! {
    struct KeyRecord {
        pub run: RunNumber,
        pub run_id: Arc<str>,
        pub request_hash: Bytes,
        pub expires_at: Option<Millis>,
    }
}

record! {
    struct FailureRecord {
        pub instance: InstanceIndex,
        pub attempt: u32,
        pub error: Box<TaskError>,
        pub recovered: bool,
    }
}

record! {
    struct MapRecord {
        pub base: InstanceIndex,
        pub items: Payload,
        pub count: u32,
        pub opened: u32,
        pub settled: u32,
    }
}

record! {
    /// One run, whole.
    struct RunRecord {
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
    }
}

/// An instance with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
enum InstanceRecord {
    Pending { unmet: u32, succeeded: bool },
    Ready { since: Millis },
    Active(Box<Active>),
    Settled { ending: Ending, readers: u32, output: Option<Payload>, grant: Grant },
}

impl State {
    /// The shard without its runs.
    pub fn encode_shard(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let directory = &self.directory;
        let deployed = |d: &Deployed| DeployedRecord {
            version: d.version.clone(),
            definition: d.definition,
            at: d.at,
        };
        let key = |k: &Key| KeyRecord {
            run: k.run,
            run_id: k.run_id.clone(),
            request_hash: k.request_hash.clone(),
            expires_at: k.expires_at,
        };
        let names = directory.names.iter();
        ShardRecord {
            version: VERSION,
            position: self.position,
            next_run: self.next_run,
            definitions: self.definitions.keys().copied().collect(),
            names: names.map(|(n, all)| (n.clone(), all.iter().map(deployed).collect())).collect(),
            ids: directory.ids.iter().map(|(name, run)| (name.clone(), *run)).collect(),
            keys: directory.keys.iter().map(|(name, each)| (name.clone(), key(each))).collect(),
            rates: self.rates.iter().map(|(name, at)| (name.clone(), *at)).collect(),
            closing: self.closing.clone(),
            runs: self.runs.keys().copied().collect(),
        }
        .write(&mut out);
        out
    }

    /// One run, and the payloads of it that must be kept beside the log.
    pub fn encode_run(&self, number: RunNumber) -> Option<(Vec<u8>, Vec<Bytes>)> {
        let record = self.runs.get(&number)?.record();
        let mut out = Vec::new();
        record.write(&mut out);
        let large = record.payloads().filter(|p| p.size() > PAYLOAD_INLINE_SIZE_MAX);
        Some((out, large.map(Payload::json).collect()))
    }

    /// The definitions and runs that an encoded shard names.
    pub fn read_shard_names(
        bytes: &[u8],
    ) -> Result<(Vec<DefinitionHash>, Vec<RunNumber>), DecodeError> {
        let record = read_shard(bytes)?;
        Ok((record.definitions, record.runs))
    }

    /// Reads a shard; its runs are added by `decode_run`.
    pub fn decode_shard(bytes: &[u8], definitions: Definitions<'_>) -> Result<Self, DecodeError> {
        let record = read_shard(bytes)?;
        let mut state = Self {
            position: record.position,
            next_run: record.next_run,
            rates: record.rates.into_iter().collect(),
            closing: record.closing,
            ..Self::default()
        };
        for hash in record.definitions {
            let unknown = DecodeError::Unexpected { wanted: "a known definition", at: 0 };
            state.learn(definitions(&hash).ok_or(unknown)?);
        }
        state.directory = directory_of(record.names, record.ids, record.keys);
        Ok(state)
    }

    /// Reads one run into the state.
    pub fn decode_run(&mut self, input: &mut Reader<'_>) -> Result<RunNumber, DecodeError> {
        let record = RunRecord::read(input)?;
        let unknown = DecodeError::Unexpected { wanted: "a known definition", at: 0 };
        let definition = self.definitions.get(&record.definition).ok_or(unknown)?.clone();
        let run = Run::from_record(record, definition)?;
        let number = run.number;
        self.runs.insert(number, run);
        Ok(number)
    }

    /// A hash of everything in the state: equal for states that are equal.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.encode_shard());
        for number in self.runs.keys() {
            let (bytes, _) = self.encode_run(*number).expect("its number was found just now");
            hasher.update(&bytes);
        }
        *hasher.finalize().as_bytes()
    }
}

fn read_shard(bytes: &[u8]) -> Result<ShardRecord, DecodeError> {
    let record = ShardRecord::read(&mut Reader::new(bytes))?;
    match record.version {
        VERSION => Ok(record),
        other => Err(DecodeError::Unknown { what: "checkpoint version", found: u64::from(other) }),
    }
}

fn directory_of(
    names: Vec<(Scoped, Vec<DeployedRecord>)>,
    ids: Vec<(Scoped, RunNumber)>,
    keys: Vec<(Scoped, KeyRecord)>,
) -> Directory {
    let deployed =
        |d: DeployedRecord| Deployed { version: d.version, definition: d.definition, at: d.at };
    let mut directory = Directory {
        names: names
            .into_iter()
            .map(|(name, all)| (name, all.into_iter().map(deployed).collect()))
            .collect(),
        ids: ids.into_iter().collect(),
        ..Directory::default()
    };
    for (name, key) in keys {
        let key = Key {
            run: key.run,
            run_id: key.run_id,
            request_hash: key.request_hash,
            expires_at: key.expires_at,
        };
        if let Some(at) = key.expires_at {
            directory.expiring.insert((at, key.run), name.clone());
        }
        directory.keys.insert(name, key);
    }
    directory
}

impl RunRecord {
    fn payloads(&self) -> impl Iterator<Item = &Payload> {
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
        let Failure { instance, attempt, error, recovered } = failure.clone();
        Self { instance, attempt, error, recovered }
    }
}

impl From<FailureRecord> for Failure {
    fn from(record: FailureRecord) -> Self {
        let FailureRecord { instance, attempt, error, recovered } = record;
        Self { instance, attempt, error, recovered }
    }
}

fn pairs<A: Copy, B: Copy>(map: &BTreeMap<A, B>) -> Vec<(A, B)> {
    map.iter().map(|(key, value)| (*key, *value)).collect()
}

impl Run {
    fn record(&self) -> RunRecord {
        let joins = self.joins.iter().map(|(task, c)| (*task, (c.succeeded, c.failed)));
        let map_record = |map: &MapState| MapRecord {
            base: map.base,
            items: Payload::new(map.items.clone()),
            count: map.count,
            opened: map.opened,
            settled: map.settled,
        };
        RunRecord {
            version: VERSION,
            number: self.number,
            run_id: self.run_id.clone(),
            namespace: self.namespace.clone(),
            definition: self.definition.hash,
            state: self.state as u8,
            generation: self.generation,
            event_count: self.event_count,
            first_position: self.first_position,
            last_position: self.last_position,
            input: self.input.clone(),
            priority: self.priority.map(|priority| priority as u8),
            deadline_at: self.deadline_at,
            consistency: self.consistency as u8,
            key: self.key.clone(),
            chosen: self.chosen,
            metadata: self.metadata.clone(),
            created_by: self.created_by.clone(),
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
            stop: self.stop.as_ref().map(|stop| match stop {
                Stop::Cancelled { reason } => vec![reason.clone()],
                Stop::DeadlineExceeded => Vec::new(),
            }),
            result: self.result.clone(),
            error: self.error.as_ref().map(FailureRecord::from),
            instances: self.instances.iter().map(|i| self.instance_record(*i)).collect(),
            joins: joins.collect(),
            maps: self.maps.iter().map(|(parent, map)| (*parent, map_record(map))).collect(),
            map_bases: pairs(&self.map_bases),
            taken: pairs(&self.taken),
            failures: self.failures.iter().map(FailureRecord::from).collect(),
            unsettled: self.unsettled,
            leased: self.leased,
            pauses: self.pauses,
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

    fn from_record(record: RunRecord, definition: Arc<Definition>) -> Result<Self, DecodeError> {
        let state = RunState::from_code(record.state);
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
        let mut maps = BTreeMap::new();
        for (parent, map) in record.maps {
            maps.insert(parent, map_of(map)?);
        }
        let joins = record.joins.into_iter();
        Ok(Self {
            number: record.number,
            run_id: record.run_id,
            namespace: record.namespace,
            definition,
            state: state.ok_or(DecodeError::Unexpected { wanted: "a run state", at: 0 })?,
            generation: record.generation,
            event_count: record.event_count,
            first_position: record.first_position,
            last_position: record.last_position,
            input: record.input,
            priority: record.priority.map(Priority::from_code),
            deadline_at: record.deadline_at,
            consistency: Consistency::from_code(record.consistency),
            key: record.key,
            chosen: record.chosen,
            metadata: record.metadata,
            created_by: record.created_by,
            created_at: record.created_at,
            started_at: record.started_at,
            ended_at: record.ended_at,
            stop: record.stop.map(|mut reason| match reason.pop() {
                Some(reason) => Stop::Cancelled { reason },
                None => Stop::DeadlineExceeded,
            }),
            result: record.result,
            error: record.error.map(Failure::from),
            instances,
            active,
            outputs,
            joins: joins
                .map(|(task, (succeeded, failed))| (task, JoinCounts { succeeded, failed }))
                .collect(),
            maps,
            map_bases: record.map_bases.into_iter().collect(),
            taken: record.taken.into_iter().collect(),
            failures: record.failures.into_iter().map(Failure::from).collect(),
            unsettled: record.unsettled,
            leased: record.leased,
            pauses: record.pauses,
        })
    }
}

fn map_of(record: MapRecord) -> Result<MapState, DecodeError> {
    let ended = MapState::ended(record.base, record.count, record.opened, record.settled);
    if record.items.is_null() {
        return Ok(ended);
    }
    let items = record.items.json();
    let wanted = "the items of a map";
    super::item_count(&items).ok_or(DecodeError::Unexpected { wanted, at: 0 })?;
    let whole = MapState::new(record.base, items);
    Ok(MapState { opened: record.opened, settled: record.settled, ..whole })
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
        pub suspect: bool,
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
            suspect: self.suspect,
            details: self.details.clone(),
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
            suspect: record.suspect,
            details: record.details,
            error: record.error,
        })
    }
}
