//! The handle that callers hold: submit, drain, look, close.

use std::os::fd::RawFd;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyflow_core::ids::Epoch;
use pyflow_core::lifecycle::{RunState, TaskState};
use pyflow_core::limits::TURN_EVENT_COUNT_MAX;
use pyflow_core::schedule::{SWEEP_COUNT_MIN, Strategy};
use pyflow_core::shard::{Shard, ShardSettings};
use pyflow_core::time::Millis;
use pyflow_store::read_model::ReadModel;
use pyflow_store::{AtWork, Log, MemoryStore, Options};

use crate::awaited::Awaited;
use crate::board::Board;
use crate::clock::Clock;
use crate::driver::{Driver, POLITE_END, Parts, Trimming};
use crate::fault::Refusal;
use crate::inbox::{Inbox, NotTaken};
use crate::memory_gauge::MemoryGauge;
use crate::out::Out;
use crate::outbox::Outbox;
use crate::patience::{self, Patience};
use crate::projection::fold_with_rows;
use crate::request::Request;
use crate::waker::Waker;

/// How an engine is opened.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    pub namespace: String,
    /// Turned by its caller instead of a thread of its own.
    pub inline: bool,
    /// A clock that stands still until it is moved.
    pub manual_clock: bool,
    /// What such a clock shows at first, in milliseconds since 1970; none: what the wall shows.
    pub clock_at_ms: Option<u64>,
    pub max_concurrent_runs: usize,
    /// Starts that may wait: at the door, and behind it for one of `max_concurrent_runs`.
    pub queue_depth: usize,
    pub strategy: Strategy,
    pub default_timeout_ms: Option<u64>,
    /// So many bytes of log ask for a checkpoint.
    pub checkpoint_size: u64,
    /// So many bytes of log are moved to the histories between two looks at the inbox.
    pub trim_size: usize,
    /// Events after which a turn takes nothing more.
    pub turn_event_count_max: usize,
    /// Entries of the queues that are left alone, however many of them are stale.
    pub sweep_count_min: usize,
    /// Only look, beside a live owner.
    pub read_only: bool,
    /// Above so many bytes of resident memory no further run is taken.
    pub memory_size_max: Option<u64>,
    /// How long ended runs are kept; none: for ever.
    pub retention_ms: Option<u64>,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            namespace: "default".into(),
            inline: false,
            manual_clock: false,
            clock_at_ms: None,
            max_concurrent_runs: usize::MAX,
            queue_depth: 100_000,
            strategy: Strategy::Strict,
            default_timeout_ms: None,
            checkpoint_size: 64 * 1024 * 1024,
            trim_size: 2 * 1024 * 1024,
            turn_event_count_max: TURN_EVENT_COUNT_MAX,
            sweep_count_min: SWEEP_COUNT_MIN,
            read_only: false,
            memory_size_max: None,
            retention_ms: None,
        }
    }
}

/// Bytes in the unit of `memory_mb`.
const MIB: u64 = 1024 * 1024;

/// One open store.
pub struct Engine {
    source: Source,
    settings: EngineSettings,
    memory: MemoryGauge,
    clock_offset_ms: i64,
    inbox: Arc<Inbox<Request>>,
    outbox: Arc<Outbox<Out>>,
    board: Arc<Board>,
    namespace: Arc<str>,
    sessions: AtomicU32,
    turning: Mutex<Turning>,
}

/// Where a store is, so that it can be opened once more.
#[derive(Clone, Debug)]
struct Source {
    url: String,
    /// What a log in memory keeps, for as long as the engine that opened it.
    memory: Option<MemoryStore>,
}

impl Source {
    fn new(url: &str) -> Self {
        let memory = (url == MEMORY_URL).then(MemoryStore::default);
        Self { url: url.to_string(), memory }
    }

    fn open(&self, options: Options) -> Result<Box<dyn Log>, Refusal> {
        match &self.memory {
            Some(store) => Ok(Box::new(store.open())),
            None => Ok(pyflow_store::open(&self.url, &options)?),
        }
    }
}

const MEMORY_URL: &str = "memory://";

/// A read model, and whether its rows are written by this engine.
type Model = (ReadModel, bool);

fn memory_model() -> Result<ReadModel, Refusal> {
    Ok(ReadModel::open(MEMORY_URL, &Options { read_only: false })?)
}

/// Who turns the ring.
enum Turning {
    Thread(JoinHandle<Result<(), Refusal>>),
    Inline(Box<Driver>),
    Closed,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens a store, folds its log and takes up what its last owner owed.
    pub fn open(url: &str, settings: &EngineSettings) -> Result<Self, Refusal> {
        Self::open_source(Source::new(url), settings)
    }

    /// Ends as a crash would, keeping nothing that is not in the log, and opens the store again.
    /// Only an inline ring can be ended so.
    pub fn crash(&self) -> Result<Self, Refusal> {
        self.inbox.close();
        let turning = std::mem::replace(&mut *self.turning.lock(), Turning::Closed);
        if let Turning::Inline(driver) = turning {
            drop(driver);
        } else {
            let message = "only an engine that is turned inline can be crashed and opened again";
            return Err(Refusal::new("PF2006", serde_json::json!({ "message": message })));
        }
        Self::open_source(self.source.clone(), &self.settings)
    }

    /// Opens an inline ring on a log that the caller has made.
    pub fn open_on(log: Box<dyn Log>, settings: &EngineSettings) -> Result<Self, Refusal> {
        let settings = EngineSettings { inline: true, ..settings.clone() };
        let model = memory_model()?;
        Self::assemble(Source::new(MEMORY_URL), log, (model, true), &settings)
    }

    fn open_source(source: Source, settings: &EngineSettings) -> Result<Self, Refusal> {
        let _work = AtWork::begin();
        let options = Options { read_only: settings.read_only };
        let log = source.open(options)?;
        let model = match ReadModel::open(&source.url, &options) {
            // It is missing, damaged, or cannot be read where it is. A reader may not make the file
            // anew; it makes the rows in memory.
            Err(_) if settings.read_only => (memory_model()?, true),
            opened => (opened?, !settings.read_only),
        };
        Self::assemble(source, log, model, settings)
    }

    fn assemble(
        source: Source,
        log: Box<dyn Log>,
        model: Model,
        settings: &EngineSettings,
    ) -> Result<Self, Refusal> {
        let waker = (!settings.inline).then(Waker::new).transpose().map_err(|error| {
            let told = pyflow_store::with_way_out(&error);
            let message = format!("no file descriptor to wake the event loop by: {told}");
            Refusal::new("PF2001", serde_json::json!({ "message": message }))
        })?;
        let (inbox, outbox, board) = (
            Arc::new(Inbox::new(settings.queue_depth)),
            Arc::new(Outbox::new(waker)),
            Arc::default(),
        );
        let driver = make_driver((log, model), settings, &outbox, &board)?;
        let clock_offset_ms = driver.clock_offset_ms();
        let turning = if settings.inline {
            Turning::Inline(Box::new(driver))
        } else {
            let (inbox, outbox) = (inbox.clone(), outbox.clone());
            let thread = std::thread::Builder::new().name("pyflow-shard".into());
            let spawned = thread.spawn(move || turn_or_break(driver, &inbox, &outbox));
            Turning::Thread(spawned.map_err(|error| {
                let message = format!("no thread for the shard: {error}");
                Refusal::new("PF2001", serde_json::json!({ "message": message }))
            })?)
        };
        Ok(Self {
            source,
            settings: settings.clone(),
            memory: MemoryGauge::new(settings.memory_size_max),
            clock_offset_ms,
            inbox,
            outbox,
            board,
            namespace: settings.namespace.as_str().into(),
            sessions: AtomicU32::new(0),
            turning: Mutex::new(turning),
        })
    }

    /// Readable while there is something to drain; none where the caller turns the ring.
    pub fn wake_fd(&self) -> Option<RawFd> {
        self.outbox.fd()
    }

    /// Has the ring awake for what will be told in some microseconds, where it would wake beside who calls.
    pub fn rouse(&self) {
        if !self.outbox.is_made_here() {
            self.inbox.rouse();
        }
    }

    /// Waits for something to drain without sleeping; answers whether there is. None: the ring was last seen on the
    /// processor of who calls, and could not go on meanwhile.
    pub fn wait_awake(&self, span: Duration) -> Option<bool> {
        patience::wait_awake(&*self.outbox, span)
    }

    /// How far the wall was ahead of the engine's clock when it was opened, in milliseconds: the
    /// latest time on record is never undercut, and a leap of ten years is not believed.
    pub fn clock_offset_ms(&self) -> i64 {
        self.clock_offset_ms
    }

    pub fn namespace(&self) -> &Arc<str> {
        &self.namespace
    }

    /// A number for a new session.
    pub fn new_session(&self) -> u32 {
        self.sessions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Puts a request at the door. A full or closed door is a refusal; nothing was recorded.
    pub fn submit(&self, request: Request) -> Result<(), Refusal> {
        let may_be_refused = request.may_be_refused();
        if may_be_refused && let Some(found) = self.memory.overfull(|| request.size()) {
            let (size_max, size) = (found.size_max.div_ceil(MIB), found.size.div_ceil(MIB));
            return Err(Refusal::busy("memory_mb", size_max, size));
        }
        self.inbox.put(request, may_be_refused).map_err(|not_taken| match not_taken {
            NotTaken::Full { waiting_count } => {
                let count_max = self.inbox.count_max();
                Refusal::busy("queue_depth", count_max as u64, waiting_count as u64)
            }
            NotTaken::Closed => Refusal::closed(),
        })
    }

    /// Takes up to `count_max` things that are safe to be heard.
    pub fn drain(&self, count_max: usize) -> Vec<Out> {
        let mut heard = Vec::new();
        self.drain_into(&mut heard, count_max);
        heard
    }

    /// The same into room that the caller uses again.
    pub fn drain_into(&self, heard: &mut Vec<Out>, count_max: usize) {
        self.outbox.drain(heard, count_max);
    }

    /// The state of a live run, read without a lock held by any writer.
    pub fn run_state(&self, run_id: &str) -> Option<RunState> {
        self.board.find(run_id).map(|words| words.run_state())
    }

    /// The state of a live run's task.
    pub fn task_state(&self, run_id: &str, task_id: &str) -> Option<TaskState> {
        self.board.find(run_id)?.task_state(task_id)
    }

    /// Turns an inline ring until nothing is left to do.
    pub fn pump(&self) {
        if let Turning::Inline(driver) = &mut *self.turning.lock() {
            let _work = AtWork::begin();
            self.inbox.take_nowait(driver.backlog());
            driver.pump();
            self.inbox.note_waiting(driver.waiting_count());
        }
    }

    /// When an inline ring must be turned again, in milliseconds from now.
    pub fn next_wake_ms(&self) -> Option<u64> {
        match &*self.turning.lock() {
            Turning::Inline(driver) => driver.next_wake_ms(),
            Turning::Thread(_) | Turning::Closed => None,
        }
    }

    /// Moves an inline ring's clock that is set by hand.
    pub fn advance(&self, span_ms: u64) {
        if let Turning::Inline(driver) = &mut *self.turning.lock() {
            driver.advance(span_ms);
        }
    }

    /// What an inline ring's clock shows, in milliseconds since 1970; 0 for another one.
    pub fn now_ms(&self) -> u64 {
        match &*self.turning.lock() {
            Turning::Inline(driver) => driver.now().0,
            Turning::Thread(_) | Turning::Closed => 0,
        }
    }

    /// The position and the digest of an inline ring's state, to be compared with what its log folds
    /// into; none while the log has not kept all of that state.
    pub fn digest(&self) -> Option<(u64, [u8; 32])> {
        match &*self.turning.lock() {
            Turning::Inline(driver) => driver.digest(),
            Turning::Thread(_) | Turning::Closed => None,
        }
    }

    /// Requests that wait at the door.
    pub fn waiting_count(&self) -> usize {
        self.inbox.len()
    }

    /// Closes the store once all that was submitted is written. Closing again does nothing.
    pub fn close(&self) -> Result<(), Refusal> {
        self.inbox.close();
        let turning = std::mem::replace(&mut *self.turning.lock(), Turning::Closed);
        match turning {
            Turning::Thread(thread) => thread.join().unwrap_or_else(|_| Err(broken())),
            Turning::Inline(mut driver) => {
                let _work = AtWork::begin();
                self.inbox.take_nowait(driver.backlog());
                driver.pump();
                driver.close()
            }
            Turning::Closed => Ok(()),
        }
    }
}

/// What is told once the ring has stopped on a broken fact.
fn broken() -> Refusal {
    let message = "the shard stopped on a broken fact; its report is on standard error";
    Refusal::new("PF2001", serde_json::json!({ "message": message }))
}

/// Turns the ring; should a fact break in it, nobody is left waiting for an answer.
fn turn_or_break(
    driver: Driver,
    inbox: &Inbox<Request>,
    outbox: &Outbox<Out>,
) -> Result<(), Refusal> {
    let turning = AssertUnwindSafe(|| turn_until_closed(driver, inbox));
    std::panic::catch_unwind(turning).unwrap_or_else(|_| {
        inbox.close();
        outbox.extend([Out::Broken(broken())]);
        Err(broken())
    })
}

/// The shard's thread: all that has arrived, one pump, and again.
fn turn_until_closed(mut driver: Driver, inbox: &Inbox<Request>) -> Result<(), Refusal> {
    let work = AtWork::begin();
    driver.pump();
    drop(work);
    inbox.note_waiting(driver.waiting_count());
    let mut patience = Patience::default();
    loop {
        let timeout = driver.quiet_for();
        if timeout == Some(Duration::ZERO) {
            inbox.take_nowait(driver.backlog());
        } else {
            let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
            patience.wait(inbox, || inbox.wait_take(until, driver.backlog()));
        }
        let _work = AtWork::begin();
        let is_quiet = driver.backlog().is_empty();
        driver.pump();
        inbox.note_waiting(driver.waiting_count());
        if is_quiet {
            driver.idle();
            if inbox.is_closed() {
                return driver.close();
            }
        }
    }
}

/// The model where it tells of this store. One of another store lay beside it: its owner makes it
/// anew, a reader makes its own in memory. A log that holds nothing is no other store, but stands
/// where one was that is gone.
fn model_of(log: &mut dyn Log, (mut model, owns_model): Model) -> Result<Model, Refusal> {
    let identity = log.identity()?;
    if model.is_of(&identity)? {
        return Ok((model, owns_model));
    }
    if !owns_model {
        return Ok((memory_model()?, true));
    }
    let durable = model.durable()?;
    if durable > 0 && log.head()?.position == 0 {
        return Err(model.absence_of_log(durable).into());
    }
    model.adopt(&identity)?;
    Ok((model, true))
}

fn make_driver(
    (mut log, model): (Box<dyn Log>, Model),
    settings: &EngineSettings,
    outbox: &Arc<Outbox<Out>>,
    board: &Arc<Board>,
) -> Result<Driver, Refusal> {
    let (mut model, owns_model) = model_of(log.as_mut(), model)?;
    // Before the head: a reader's owner may go on meanwhile.
    let durable = model.durable()?;
    let head = log.head()?;
    if durable > head.position {
        return Err(model.damage_of_log(head.position, durable).into());
    }
    let applied = model.position()?;
    // One that is behind what has been folded is made anew as a whole: what was forgotten meanwhile
    // is told by nobody any more.
    if owns_model && (applied > head.position || applied < head.checkpoint.max(head.trimmed)) {
        model.clear()?;
    }
    let (recovered, projection) = fold_with_rows(log.as_mut(), model.position()?)?;
    if owns_model {
        projection.write_to(&mut model, head.position)?;
    }
    let has_leftovers = !settings.read_only && !log.forgotten()?.is_empty();
    let polite = log.get_meta(POLITE_END)?;
    let was_polite = polite.as_deref() == Some(head.position.to_string().as_bytes());
    let clock = if settings.manual_clock {
        Clock::manual(settings.clock_at_ms.map(Millis), recovered.latest)
    } else {
        Clock::system(recovered.latest)
    };
    let shard_settings = ShardSettings {
        epoch: Epoch(log.epoch()),
        strategy: settings.strategy,
        max_concurrent_runs: settings.max_concurrent_runs,
        default_timeout_ms: settings.default_timeout_ms,
        turn_event_count_max: settings.turn_event_count_max,
        sweep_count_min: settings.sweep_count_min,
        ..ShardSettings::default()
    };
    let mut driver = Driver::new(Parts {
        shard: Shard::new(recovered.state, shard_settings),
        log,
        model,
        clock,
        board: board.clone(),
        outbox: outbox.clone(),
        namespace: settings.namespace.as_str().into(),
        checkpoint: (head.checkpoint, recovered.size),
        checkpoint_size: settings.checkpoint_size,
        trimming: Trimming::new(&head, settings.trim_size),
        read_only: settings.read_only,
        owns_model,
        retention: (settings.retention_ms, has_leftovers),
    });
    driver.note_lag(&projection.turns);
    if !owns_model {
        driver.keep_projection(projection);
    }
    if !settings.read_only {
        driver.resume(was_polite);
    }
    Ok(driver)
}
