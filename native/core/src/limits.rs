//! Every bound of the core, in one place.

/// Tasks in a definition, items in a map, and instances in a run.
pub const TASK_COUNT_MAX: usize = 1_000_000;
/// Edges in a definition.
pub const EDGE_COUNT_MAX: usize = 16_000_000;
/// Events in a run's history.
pub const RUN_EVENT_COUNT_MAX: u64 = 10_000_000;
/// A payload up to this size is written inside its event.
pub const PAYLOAD_INLINE_SIZE_MAX: usize = 256 * 1024;
/// A larger payload is written beside the log and named by its hash, up to this size.
pub const PAYLOAD_SIZE_MAX: usize = 256 * 1024 * 1024;
/// A definition in document form.
pub const DOCUMENT_SIZE_MAX: usize = 8 * 1024 * 1024;
/// Values inside values: payloads, parameters, expressions.
pub const NESTING_MAX: usize = 64;
/// Bytes of a task id, task type, run id, key, definition name or version.
pub const NAME_SIZE_MAX: usize = 256;
/// Bytes of an error's message and of its traceback that are recorded.
pub const ERROR_MESSAGE_SIZE_MAX: usize = 16 * 1024;
/// Bytes of what a heartbeat tells.
pub const DETAILS_SIZE_MAX: usize = 64 * 1024;
/// Lines of an attempt's log that are kept.
pub const SAID_LINE_COUNT_MAX: u32 = 1_000;
/// Bytes of a line of an attempt's log that are kept.
pub const SAID_LINE_SIZE_MAX: usize = 8 * 1024;
/// Bytes of what an attempt tells of its progress.
pub const PROGRESS_SIZE_MAX: usize = 8 * 1024;
/// Bytes of a run's metadata.
pub const METADATA_SIZE_MAX: usize = 16 * 1024;
/// Retries that an option may ask for.
pub const RETRY_COUNT_MAX: u32 = 1_000_000;
/// The longest delay, timeout or timer: a hundred years.
pub const SPAN_MS_MAX: u64 = 100 * 366 * 86_400_000;
/// Problems reported of one definition; the rest are counted.
pub const PROBLEM_COUNT_MAX: usize = 100;
/// Events of a turn.
pub const TURN_EVENT_COUNT_MAX: usize = 10_000;
/// Bytes of a turn.
pub const TURN_SIZE_MAX: usize = 1024 * 1024;
/// Runs that one call may start together, in one turn.
pub const BATCH_RUN_COUNT_MAX: usize = TURN_EVENT_COUNT_MAX;
/// How long an idempotency key outlives its run.
pub const KEY_KEPT_MS: u64 = 24 * 3_600_000;

const _: () = assert!(PAYLOAD_INLINE_SIZE_MAX < TURN_SIZE_MAX);
const _: () = assert!(TASK_COUNT_MAX < u32::MAX as usize);
const _: () = assert!(DOCUMENT_SIZE_MAX < PAYLOAD_SIZE_MAX);
