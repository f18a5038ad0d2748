//! One open store, as `pyflow/_engine.py` holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;
use pyflow_core::command::{StartRun, Wanted};
use pyflow_core::effect::Granted;
use pyflow_core::payload::Payload;
use pyflow_engine::{AttemptReport, Engine, Look, Out, Refusal, Request, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::definition::Definition;
use crate::door;
use crate::fields::check_nesting;
use crate::requests;
use crate::worker::{Batch, Calls, Report, Stepper};

/// One open store with its ring.
#[pyclass(frozen, module = "pyflow._native")]
pub(crate) struct Core {
    engine: Engine,
    /// Whether its turns are taken by whoever calls.
    is_inline: bool,
    calls: Mutex<Calls>,
    ids: RunIds,
}

/// Makes run ids: sortable by time, unique by 64 random bits.
struct RunIds {
    seed: u64,
    count: AtomicU64,
}

impl RunIds {
    fn new() -> Self {
        use std::hash::{BuildHasher, Hasher};
        let random = std::collections::hash_map::RandomState::new();
        Self { seed: random.build_hasher().finish(), count: AtomicU64::new(0) }
    }

    /// A fresh id; the route is its key's, where it has one.
    fn fresh(&self, namespace: &str, key: Option<&str>) -> String {
        use std::hash::{BuildHasher, Hasher};
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
        hasher.write_u64(self.seed ^ count);
        let chance = hasher.finish();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = since_epoch.map_or(0, |span| span.as_millis() as u64);
        let route = match key {
            Some(key) => pyflow_core::ids::route_of_key(namespace, key),
            None => (chance >> 48) as u16,
        };
        pyflow_core::ids::generated_run_id(millis, chance, route)
    }
}

const REPLY: u8 = 0;
const REFUSED: u8 = 1;
const STOP: u8 = 3;
const EVENTS: u8 = 4;
const BROKEN: u8 = 5;

/// Things that are taken from the engine at once.
const OUT_COUNT_MAX: usize = 256;
/// A turn of so few reports is over before another thread would have begun to run.
const SHORT_TURN_COUNT: usize = 16;

impl Core {
    fn of(engine: Engine) -> Self {
        let is_inline = engine.wake_fd().is_none();
        Self { engine, is_inline, calls: Mutex::default(), ids: RunIds::new() }
    }

    fn submit(&self, py: Python<'_>, request: Request) -> PyResult<()> {
        self.engine.submit(request).map_err(|refusal| door::error(py, &refusal))
    }

    /// Sends reports that were read; gives how many there were.
    fn send(
        &self,
        py: Python<'_>,
        session: u32,
        reports: Result<Vec<AttemptReport>, Refusal>,
    ) -> PyResult<usize> {
        let reports = Self::made(py, reports)?;
        let count = reports.len();
        if count > 0 {
            self.submit(py, Request::Report { session, reports })?;
        }
        Ok(count)
    }

    /// Turns an inline ring.
    fn turn(&self, py: Python<'_>, count: usize) {
        if count > SHORT_TURN_COUNT {
            py.detach(|| self.engine.pump());
        } else {
            self.engine.pump();
        }
    }

    fn made<T>(py: Python<'_>, made: Result<T, Refusal>) -> PyResult<T> {
        made.map_err(|refusal| door::error(py, &refusal))
    }
}

/// Waits until no thread works with a store, and lets none begin until the fork is over.
#[pyfunction]
pub(crate) fn before_fork(py: Python<'_>) {
    py.detach(pyflow_store::before_fork);
}

/// Lets the stores of the parent go on.
#[pyfunction]
pub(crate) fn after_fork_in_parent() {
    pyflow_store::after_fork_in_parent();
}

/// Makes a forked child ready for stores of its own, and closes its copies of its parent's locks.
#[pyfunction]
pub(crate) fn after_fork_in_child() {
    pyflow_store::after_fork_in_child();
}

#[pymethods]
impl Core {
    #[staticmethod]
    fn open(py: Python<'_>, url: &str, settings: Vec<u8>) -> PyResult<Self> {
        let engine = door::wait(py, move || {
            let settings = requests::settings(&requests::parse(&settings)?)?;
            Engine::open(url, &settings)
        })?;
        Ok(Self::of(engine))
    }

    fn crash(&self, py: Python<'_>) -> PyResult<Self> {
        let engine = door::wait(py, || self.engine.crash())?;
        Ok(Self::of(engine))
    }

    #[getter]
    fn clock_offset_ms(&self) -> i64 {
        self.engine.clock_offset_ms()
    }

    #[getter]
    fn wake_fd(&self) -> Option<i32> {
        self.engine.wake_fd()
    }

    fn wait_awake(&self, py: Python<'_>, span_us: u64) -> Option<bool> {
        py.detach(|| self.engine.wait_awake(Duration::from_micros(span_us)))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        door::wait(py, || self.engine.close())
    }

    fn deploy(&self, py: Python<'_>, ticket: u64, definition: &Definition) -> PyResult<()> {
        let (compiled, stored) = (definition.compiled.clone(), definition.stored.clone());
        self.submit(py, Request::Deploy { ticket, definition: compiled, stored })
    }

    fn start(&self, py: Python<'_>, ticket: u64, request: &[u8], input: &[u8]) -> PyResult<()> {
        let namespace = self.engine.namespace();
        Self::made(py, check_nesting("the input", input))?;
        let input = Payload::new(Bytes::copy_from_slice(input));
        let start = requests::parse(request).and_then(|request| {
            requests::start(&request, input, namespace, |key| self.ids.fresh(namespace, key))
        });
        let start = Box::new(Self::made(py, start)?);
        self.submit(py, Request::Start { ticket, start })
    }

    fn start_plainly(
        &self,
        py: Python<'_>,
        ticket: u64,
        definition: &Definition,
        input: &[u8],
    ) -> PyResult<()> {
        let namespace = self.engine.namespace();
        Self::made(py, check_nesting("the input", input))?;
        let input = Payload::new(Bytes::copy_from_slice(input));
        let wanted = Wanted::Hash(definition.compiled.hash);
        let run_id = self.ids.fresh(namespace, None);
        let start = StartRun { input, ..StartRun::new(namespace.clone(), run_id, wanted) };
        let start = Box::new(start);
        self.submit(py, Request::Start { ticket, start })
    }

    fn start_many(
        &self,
        py: Python<'_>,
        ticket: u64,
        request: &[u8],
        inputs: Vec<Vec<u8>>,
    ) -> PyResult<()> {
        let namespace = self.engine.namespace();
        let request = Self::made(py, requests::parse(request))?;
        let starts: Result<Vec<_>, Refusal> = inputs
            .into_iter()
            .map(|input| {
                check_nesting("the input", &input)?;
                let input = Payload::new(input.into());
                requests::start(&request, input, namespace, |key| self.ids.fresh(namespace, key))
            })
            .collect();
        let starts = Self::made(py, starts)?;
        self.submit(py, Request::StartMany { ticket, starts })
    }

    #[pyo3(signature = (ticket, verb, run_id, task_id=None, reason=None))]
    fn control(
        &self,
        py: Python<'_>,
        ticket: u64,
        verb: &str,
        run_id: &str,
        task_id: Option<String>,
        reason: Option<String>,
    ) -> PyResult<()> {
        let namespace = self.engine.namespace();
        let request = requests::control(ticket, namespace, verb, run_id, task_id, reason);
        self.submit(py, Self::made(py, request)?)
    }

    #[pyo3(signature = (ticket, run_id, token=None))]
    fn wait_result(
        &self,
        py: Python<'_>,
        ticket: u64,
        run_id: &str,
        token: Option<&str>,
    ) -> PyResult<()> {
        let look = Look::Result { run_id: run_id.into() };
        let after = Self::made(py, token.map(requests::token).transpose())?;
        self.submit(py, Request::Look { ticket, look, after })
    }

    fn forget(&self, py: Python<'_>, ticket: u64) -> PyResult<()> {
        self.submit(py, Request::Forget { ticket })
    }

    fn query(&self, py: Python<'_>, ticket: u64, what: &str, request: &[u8]) -> PyResult<()> {
        let asked = requests::parse(request)
            .and_then(|object| Ok((requests::look(what, &object)?, requests::token_of(&object)?)));
        let (look, after) = Self::made(py, asked)?;
        self.submit(py, Request::Look { ticket, look, after })
    }

    #[pyo3(signature = (ticket, run_id, after, limit, is_bounded=false))]
    fn watch(
        &self,
        py: Python<'_>,
        ticket: u64,
        run_id: Option<&str>,
        after: u64,
        limit: usize,
        is_bounded: bool,
    ) -> PyResult<()> {
        let look = Look::Watch { run_id: run_id.map(Arc::from), after, limit, is_bounded };
        self.submit(py, Request::Look { ticket, look, after: None })
    }

    fn run_status(&self, run_id: &str) -> Option<&'static str> {
        self.engine.run_state(run_id).map(pyflow_core::lifecycle::RunState::name)
    }

    fn task_status(&self, run_id: &str, task_id: &str) -> Option<&'static str> {
        self.engine.task_state(run_id, task_id).map(pyflow_core::lifecycle::TaskState::name)
    }

    fn open_session(&self, py: Python<'_>, session: &[u8]) -> PyResult<u32> {
        let object = Self::made(py, requests::parse(session))?;
        let count = |pool: &str| object["slots"][pool].as_u64().unwrap_or(0) as u32;
        let slots = [count("async"), count("thread"), count("process")];
        let session = self.engine.new_session();
        self.submit(py, Request::OpenSession { session, slots })?;
        Ok(session)
    }

    fn set_types(
        &self,
        py: Python<'_>,
        session: u32,
        types: Vec<(String, String)>,
    ) -> PyResult<()> {
        let types = Self::made(py, requests::pools(types))?;
        self.submit(py, Request::SetTypes { session, types })
    }

    fn drain_session(&self, py: Python<'_>, session: u32) -> PyResult<()> {
        self.submit(py, Request::DrainSession { session })
    }

    fn report(&self, py: Python<'_>, session: u32, reports: Vec<Report>) -> PyResult<()> {
        self.send(py, session, Report::read_all(reports.into_iter())).map(drop)
    }

    fn drain<'py>(&self, py: Python<'py>, count_max: usize) -> PyResult<Bound<'py, PyList>> {
        let heard = PyList::empty(py);
        for out in self.engine.drain(count_max) {
            match Heard::of(py, out)? {
                Heard::Grant(granted) => {
                    let call = self.calls.lock().call(py, &granted)?;
                    heard.append(call.tuple(py, &granted)?)?;
                }
                Heard::News(news) => heard.append(news)?,
            }
        }
        Ok(heard)
    }

    /// Runs what is granted and reports it, turn by turn, until there is news to deliver, nothing is
    /// left to do, or the time is up. The flag says whether nothing is left to do.
    #[pyo3(signature = (session, stepper, time_s))]
    fn work<'py>(
        &self,
        py: Python<'py>,
        session: u32,
        stepper: Option<&Bound<'py, Stepper>>,
        time_s: f64,
    ) -> PyResult<(Bound<'py, PyList>, bool)> {
        let until = Instant::now() + Duration::from_secs_f64(time_s);
        let heard = PyList::empty(py);
        let mut batch = stepper.map(Batch::new).transpose()?;
        let mut count = usize::MAX; // Nothing is known of what others asked for.
        let mut outs = Vec::new();
        loop {
            if self.is_inline {
                self.turn(py, count);
            }
            self.engine.drain_into(&mut outs, OUT_COUNT_MAX);
            for out in outs.drain(..) {
                match (Heard::of(py, out)?, stepper) {
                    (Heard::Grant(granted), Some(stepper)) => {
                        stepper.get().take_granted(py, granted)?;
                    }
                    (Heard::Grant(_), None) => {} // Nobody asked for any.
                    (Heard::News(news), _) => heard.append(news)?,
                }
            }
            let backlog = batch.as_mut().filter(|batch| !batch.is_empty());
            let (Some(batch), true) = (backlog, heard.is_empty()) else {
                let is_done = stepper.is_none_or(|stepper| stepper.get().is_idle())
                    && (heard.is_empty() || !self.is_inline);
                return Ok((heard, is_done));
            };
            let ran = batch.run(until, || self.engine.rouse());
            count = self.send(py, session, batch.stepper().reports().read_waiting())?;
            let is_late = ran?;
            if !self.is_inline || is_late {
                return Ok((heard, !self.is_inline && batch.is_empty()));
            }
        }
    }

    fn next_wake_ms(&self) -> Option<u64> {
        self.engine.next_wake_ms()
    }

    fn pump(&self, py: Python<'_>) {
        py.detach(|| self.engine.pump());
    }

    fn now_ms(&self) -> u64 {
        self.engine.now_ms()
    }

    fn advance(&self, span_ms: u64) {
        self.engine.advance(span_ms);
    }
}

/// One thing that was heard of the engine.
enum Heard<'py> {
    Grant(Box<Granted>),
    /// What Python delivers, as a tuple.
    News(Bound<'py, PyTuple>),
}

impl<'py> Heard<'py> {
    fn of(py: Python<'py>, out: Out) -> PyResult<Self> {
        Ok(Self::News(match out {
            Out::Grant(granted) => return Ok(Self::Grant(granted)),
            Out::Stop { handle, reason } => (STOP, handle, reason.name()).into_pyobject(py)?,
            Out::Reply { ticket, answer } => reply(py, ticket, answer)?,
            Out::Broken(refusal) => {
                let fields = PyBytes::new(py, refusal.fields.to_string().as_bytes());
                (BROKEN, 0, refusal.code, fields).into_pyobject(py)?
            }
        }))
    }
}

fn reply(
    py: Python<'_>,
    ticket: u64,
    answer: Result<Value, Refusal>,
) -> PyResult<Bound<'_, PyTuple>> {
    match answer {
        Err(refusal) => {
            let fields = PyBytes::new(py, refusal.fields.to_string().as_bytes());
            (REFUSED, ticket, refusal.code, fields).into_pyobject(py)
        }
        Ok(Value::Done(token)) => (REPLY, ticket, token.to_string()).into_pyobject(py),
        Ok(Value::Run { run_id, token, .. }) => {
            (REPLY, ticket, (run_id, token.to_string())).into_pyobject(py)
        }
        Ok(Value::Runs(ids, token)) => (REPLY, ticket, (ids, token.to_string())).into_pyobject(py),
        Ok(Value::Json(bytes) | Value::Stored(bytes)) => {
            (REPLY, ticket, PyBytes::new(py, &bytes)).into_pyobject(py)
        }
        Ok(Value::Events(events)) => {
            let lines: Vec<Bound<'_, PyBytes>> =
                events.iter().map(|event| PyBytes::new(py, event)).collect();
            (EVENTS, ticket, lines).into_pyobject(py)
        }
    }
}
