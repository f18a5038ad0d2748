//! What can have happened: the only thing that is ever stored.
//!
//! A tag is for ever. A field is added at the end or not at all.

use std::sync::Arc;

use bytes::Bytes;

use crate::codec::{DecodeError, Reader, Stored, record, write_array};
use crate::ids::{DefinitionHash, Epoch, Grant, InstanceIndex, RunNumber, SessionId, TaskIndex};
use crate::payload::Payload;
use crate::time::Millis;

record! {
    /// Why an attempt did not succeed.
    pub struct TaskError {
        /// The class of the error, as its language names it.
        pub error_type: Arc<str>,
        /// The class and its bases, nearest first: what `retry_on` is compared with.
        pub kinds: Vec<Arc<str>>,
        pub message: String,
        pub traceback: String,
        /// Whether the code itself asked for a retry (`true`) or for none (`false`).
        pub retryable: Option<bool>,
        pub retry_after_ms: Option<u64>,
    }
}

impl TaskError {
    /// An error that the engine itself found, of the given kind.
    pub fn of_engine(error_type: &str, message: String) -> Self {
        Self {
            error_type: error_type.into(),
            kinds: vec![error_type.into()],
            message,
            traceback: String::new(),
            retryable: None,
            retry_after_ms: None,
        }
    }

    /// The same, never to be retried.
    pub fn final_of_engine(error_type: &str, message: String) -> Self {
        Self { retryable: Some(false), ..Self::of_engine(error_type, message) }
    }
}

record! {
    /// A line of what a task says while it runs.
    pub struct SaidLine {
        pub at: Millis,
        /// As Python's logging names it: `INFO`, `WARNING`, ...
        pub level: Arc<str>,
        pub text: String,
    }
}

/// Declares the events: their tags, versions and fields.
macro_rules! events {
    ($($(#[$doc:meta])* $tag:literal v $version:literal $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $kind:ty,)*
    })*) => {
        $(record! {
            $(#[$doc])*
            pub struct $name {
                $($(#[$field_doc])* pub $field: $kind,)*
            }
        })*

        /// One fact. The variants are the structs of the same names.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event {
            $($name($name),)*
        }

        $(impl From<$name> for Event {
            fn from(event: $name) -> Self {
                Self::$name(event)
            }
        })*

        impl Event {
            /// The variant's name, as listeners and histories show it.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            /// When it happened.
            pub fn at(&self) -> Millis {
                match self {
                    $(Self::$name(event) => event.at,)*
                }
            }
        }

        impl Stored for Event {
            fn write(&self, out: &mut Vec<u8>) {
                write_array(out, 3);
                match self {
                    $(Self::$name(event) => {
                        let (tag, version): (u8, u8) = ($tag, $version);
                        tag.write(out);
                        version.write(out);
                        event.write(out);
                    })*
                }
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let at = input.at();
                if input.array()? != 3 {
                    return Err(DecodeError::Unexpected { wanted: "an event", at });
                }
                let (tag, version) = (u8::read(input)?, u8::read(input)?);
                match (tag, version) {
                    $(($tag, $version) => $name::read(input).map(Self::$name),)*
                    _ => Err(DecodeError::Unknown { what: "event", found: u64::from(tag) }),
                }
            }
        }
    };
}

events! {
    /// A definition can be started by its name from now on.
    1 v 1 DefinitionDeployed {
        namespace: Arc<str>,
        name: Arc<str>,
        version: Option<Arc<str>>,
        definition: DefinitionHash,
        at: Millis,
    }

    /// Runs that ended long ago were forgotten: their ids are free again, what is kept of them is
    /// deleted.
    2 v 1 RunsForgotten { runs: Vec<(RunNumber, (Arc<str>, Arc<str>))>, at: Millis, }

    /// A run was accepted.
    10 v 1 RunCreated {
        run: RunNumber,
        run_id: Arc<str>,
        namespace: Arc<str>,
        definition: DefinitionHash,
        input: Payload,
        /// 0 high, 1 normal, 2 low; none: each task's own.
        priority: Option<u8>,
        deadline_at: Option<Millis>,
        consistency: u8,
        /// Whether the caller chose the run id.
        chosen: bool,
        key: Option<Arc<str>>,
        /// What a repeated start with the same key is compared with.
        request_hash: Bytes,
        metadata: Option<Bytes>,
        created_by: Option<Arc<str>>,
        at: Millis,
    }
    /// A run began to work: it was admitted among the runs that may work at once.
    11 v 1 RunStarted { run: RunNumber, at: Millis, }
    12 v 1 RunPaused { run: RunNumber, at: Millis, }
    13 v 1 RunResumed { run: RunNumber, at: Millis, }
    14 v 1 RunCancelRequested { run: RunNumber, reason: String, at: Millis, }
    /// The run's deadline passed: what it does is stopped, then it fails.
    15 v 1 RunDeadlineExceeded { run: RunNumber, at: Millis, }
    16 v 1 RunCompleted { run: RunNumber, result: Payload, at: Millis, }
    17 v 1 RunFailed {
        run: RunNumber,
        instance: Option<InstanceIndex>,
        attempt: u32,
        error: Box<TaskError>,
        at: Millis,
    }
    18 v 1 RunCancelled { run: RunNumber, reason: String, at: Millis, }
    /// A failed run was opened again; its generation grew by one.
    19 v 1 RunReopened { run: RunNumber, at: Millis, }

    /// An attempt was handed to a worker: the started event.
    30 v 1 TaskLeased {
        run: RunNumber,
        instance: InstanceIndex,
        attempt: u32,
        grant: Grant,
        epoch: Epoch,
        session: SessionId,
        lease_ms: u64,
        at: Millis,
        /// The concurrency key that the start counts under, where its rate limit is one of the key.
        rate_key: Option<Arc<str>>,
    }
    31 v 1 TaskCompleted { run: RunNumber, instance: InstanceIndex, output: Payload, at: Millis, }
    32 v 1 TaskFailed {
        run: RunNumber,
        instance: InstanceIndex,
        attempt: u32,
        error: Box<TaskError>,
        at: Millis,
    }
    /// An attempt failed and another will follow at `until`.
    33 v 1 TaskRetrying {
        run: RunNumber,
        instance: InstanceIndex,
        attempt: u32,
        error: Box<TaskError>,
        until: Millis,
        /// What the attempt last told by its heartbeat, for the next one.
        details: Option<Bytes>,
        at: Millis,
    }
    /// A task's own condition was false.
    34 v 1 TaskSkipped { run: RunNumber, instance: InstanceIndex, at: Millis, }
    35 v 1 TaskCancelled { run: RunNumber, instance: InstanceIndex, at: Millis, }
    /// A task brought its worker down too often and is not handed out again.
    36 v 1 TaskQuarantined {
        run: RunNumber,
        instance: InstanceIndex,
        attempt: u32,
        error: Box<TaskError>,
        at: Millis,
    }
    37 v 1 TaskRecovered { run: RunNumber, instance: InstanceIndex, at: Millis, }
    /// An attempt ended without a report; the task is ready again.
    38 v 1 LeaseEnded {
        run: RunNumber,
        instance: InstanceIndex,
        /// The attempt's place in the order of causes: see `LeaseEnd`.
        cause: u8,
        /// Whether it counts towards `max_deliveries`.
        counted: bool,
        details: Option<Bytes>,
        at: Millis,
        /// How its worker died, where that is known.
        message: Option<String>,
    }
    /// A task that is being worked on is asked to stop.
    39 v 1 TaskCancelRequested { run: RunNumber, instance: InstanceIndex, at: Millis, }
    /// The first true condition of a decision; `branch` is past the last where none was.
    40 v 1 DecisionTaken { run: RunNumber, instance: InstanceIndex, branch: u32, at: Millis, }
    /// A gateway took over the output of `from`.
    41 v 1 GatewayPassed {
        run: RunNumber,
        instance: InstanceIndex,
        from: Option<TaskIndex>,
        at: Millis,
    }
    /// A map knows its items, a JSON array.
    42 v 1 MapExpanded { run: RunNumber, instance: InstanceIndex, items: Payload, at: Millis, }
    43 v 1 TimerStarted { run: RunNumber, instance: InstanceIndex, until: Millis, at: Millis, }
    44 v 1 TimerFired { run: RunNumber, instance: InstanceIndex, at: Millis, }
    /// The wait between two attempts is over.
    45 v 1 BackoffEnded { run: RunNumber, instance: InstanceIndex, at: Millis, }
    /// What an attempt has said since it last said something. It changes nothing.
    46 v 1 TaskSaid {
        run: RunNumber,
        instance: InstanceIndex,
        attempt: u32,
        lines: Vec<SaidLine>,
        at: Millis,
    }
}

/// Why a lease ended without a report. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LeaseEnd {
    /// Given back unstarted.
    Returned = 0,
    /// The worker's process died.
    WorkerDied = 1,
    /// The process that owned the shard died, and its workers with it.
    OwnerDied = 2,
    /// The worker was not heard of for the whole of the lease.
    Expired = 3,
    /// Its worker left politely and could not wait for it.
    Left = 4,
}

impl Event {
    /// The run that it belongs to, if any.
    #[rustfmt::skip] // One line a variant.
    pub fn run(&self) -> Option<RunNumber> {
        match self {
            Self::DefinitionDeployed(_) | Self::RunsForgotten(_) => None,
            Self::RunCreated(e) => Some(e.run),
            Self::RunStarted(e) => Some(e.run),
            Self::RunPaused(e) => Some(e.run),
            Self::RunResumed(e) => Some(e.run),
            Self::RunCancelRequested(e) => Some(e.run),
            Self::RunDeadlineExceeded(e) => Some(e.run),
            Self::RunCompleted(e) => Some(e.run),
            Self::RunFailed(e) => Some(e.run),
            Self::RunCancelled(e) => Some(e.run),
            Self::RunReopened(e) => Some(e.run),
            Self::TaskLeased(e) => Some(e.run),
            Self::TaskCompleted(e) => Some(e.run),
            Self::TaskFailed(e) => Some(e.run),
            Self::TaskRetrying(e) => Some(e.run),
            Self::TaskSkipped(e) => Some(e.run),
            Self::TaskCancelled(e) => Some(e.run),
            Self::TaskQuarantined(e) => Some(e.run),
            Self::TaskRecovered(e) => Some(e.run),
            Self::LeaseEnded(e) => Some(e.run),
            Self::TaskCancelRequested(e) => Some(e.run),
            Self::DecisionTaken(e) => Some(e.run),
            Self::GatewayPassed(e) => Some(e.run),
            Self::MapExpanded(e) => Some(e.run),
            Self::TimerStarted(e) => Some(e.run),
            Self::TimerFired(e) => Some(e.run),
            Self::BackoffEnded(e) => Some(e.run),
            Self::TaskSaid(e) => Some(e.run),
        }
    }

    /// The task's instance that it is about, if any.
    #[rustfmt::skip] // One line a variant.
    pub fn instance(&self) -> Option<InstanceIndex> {
        match self {
            Self::DefinitionDeployed(_) | Self::RunsForgotten(_) | Self::RunCreated(_)
            | Self::RunStarted(_) | Self::RunPaused(_) | Self::RunResumed(_) | Self::RunCancelRequested(_)
            | Self::RunDeadlineExceeded(_) | Self::RunCompleted(_) | Self::RunCancelled(_)
            | Self::RunReopened(_) => None,
            Self::RunFailed(e) => e.instance,
            Self::TaskLeased(e) => Some(e.instance),
            Self::TaskCompleted(e) => Some(e.instance),
            Self::TaskFailed(e) => Some(e.instance),
            Self::TaskRetrying(e) => Some(e.instance),
            Self::TaskSkipped(e) => Some(e.instance),
            Self::TaskCancelled(e) => Some(e.instance),
            Self::TaskQuarantined(e) => Some(e.instance),
            Self::TaskRecovered(e) => Some(e.instance),
            Self::LeaseEnded(e) => Some(e.instance),
            Self::TaskCancelRequested(e) => Some(e.instance),
            Self::DecisionTaken(e) => Some(e.instance),
            Self::GatewayPassed(e) => Some(e.instance),
            Self::MapExpanded(e) => Some(e.instance),
            Self::TimerStarted(e) => Some(e.instance),
            Self::TimerFired(e) => Some(e.instance),
            Self::BackoffEnded(e) => Some(e.instance),
            Self::TaskSaid(e) => Some(e.instance),
        }
    }
}
