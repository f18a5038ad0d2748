//! Rare paths that some seed must reach: the report names those that none has.

/// Every probe. Those of events are counted by the kind of the event.
pub(crate) const PROBES: &[&str] = &[
    AN_OPENING_FAILED,
    KILLED_WHILE_OPENING,
    LOST_WITH_POWER,
    WRITES_LOST,
    TORN_LOST,
    STOPPED_BY_STORE,
    LARGE_OUTPUT,
    CHECKPOINT,
    TRIMMED,
    KEY_REPEATED,
    KEY_REFUSED,
    BLURRED,
    SUSPECT,
    "DefinitionDeployed",
    "RunCreated",
    "RunStarted",
    "RunPaused",
    "RunResumed",
    "RunCancelRequested",
    "RunDeadlineExceeded",
    "RunCompleted",
    "RunFailed",
    "RunCancelled",
    "RunReopened",
    "TaskLeased",
    "TaskCompleted",
    "TaskFailed",
    "TaskRetrying",
    "TaskSkipped",
    "TaskCancelled",
    "TaskQuarantined",
    "TaskRecovered",
    "LeaseEnded",
    "TaskCancelRequested",
    "DecisionTaken",
    "GatewayPassed",
    "MapExpanded",
    "TimerStarted",
    "TimerFired",
    "BackoffEnded",
];

pub(crate) const AN_OPENING_FAILED: &str = "an opening failed";
pub(crate) const KILLED_WHILE_OPENING: &str = "killed while opening";
pub(crate) const LOST_WITH_POWER: &str = "turns were lost with the power";
pub(crate) const WRITES_LOST: &str = "writes were lost with the power";
pub(crate) const TORN_LOST: &str = "writes were lost with a torn one";
pub(crate) const STOPPED_BY_STORE: &str = "the ring stopped by a fault of the store";
pub(crate) const LARGE_OUTPUT: &str = "an output was kept beside the log";
pub(crate) const CHECKPOINT: &str = "a checkpoint was written";
pub(crate) const TRIMMED: &str = "turns moved to histories";
pub(crate) const KEY_REPEATED: &str = "a key led to a run that was there";
pub(crate) const KEY_REFUSED: &str = "a key was refused with other content";
pub(crate) const BLURRED: &str = "a run could not be foretold";
pub(crate) const SUSPECT: &str = "a suspect ran alone";
