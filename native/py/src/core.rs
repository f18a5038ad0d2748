//! One open store, as `pyflow/_engine.py` holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;
use pyflow_core::event::TaskError;
use pyflow_core::payload::Payload;
use pyflow_engine::{AttemptReport, Engine, Look, Out, Refusal, ReportKind, Request, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::definition::Definition;
use crate::door;
use crate::fields::check_nesting;
use crate::grants::Calls;
use crate::requests;

/// One open store with its ring.
#[pyclass(frozen, module = "pyflow._native")]
pub(crate) struct Core {
    engine: Engine,
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

type Report = (u64, u8, Option<Py<PyBytes>>);

impl Core {
    fn submit(&self, py: Python<'_>, request: Request) -> PyResult<()> {
        self.engine.submit(request).map_err(|refusal| door::error(py, &refusal))
    }

    fn made<T>(py: Python<'_>, made: Result<T, Refusal>) -> PyResult<T> {
        made.map_err(|refusal| door::error(py, &refusal))
    }
}

/// Closes a forked child's copies of its parent's locks.
#[pyfunction]
pub(crate) fn close_inherited_locks() {
    pyflow_store::close_inherited_locks();
}

#[pymethods]
impl Core {
    #[staticmethod]
    fn open(py: Python<'_>, url: &str, settings: Vec<u8>) -> PyResult<Self> {
        let engine = door::wait(py, move || {
            let settings = requests::settings(&requests::parse(&settings)?)?;
            Engine::open(url, &settings)
        })?;
        Ok(Self { engine, calls: Mutex::default(), ids: RunIds::new() })
    }

    fn crash(&self, py: Python<'_>) -> PyResult<Self> {
        let engine = door::wait(py, || self.engine.crash())?;
        Ok(Self { engine, calls: Mutex::default(), ids: RunIds::new() })
    }

    #[getter]
    fn clock_offset_ms(&self) -> i64 {
        self.engine.clock_offset_ms()
    }

    #[getter]
    fn wake_fd(&self) -> Option<i32> {
        self.engine.wake_fd()
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

    fn wait_result(&self, py: Python<'_>, ticket: u64, run_id: &str) -> PyResult<()> {
        let look = Look::Result { run_id: run_id.into() };
        self.submit(py, Request::Look { ticket, look })
    }

    fn forget(&self, py: Python<'_>, ticket: u64) -> PyResult<()> {
        self.submit(py, Request::Forget { ticket })
    }

    fn query(&self, py: Python<'_>, ticket: u64, what: &str, request: &[u8]) -> PyResult<()> {
        let query = requests::parse(request).and_then(|object| requests::query(what, &object));
        let query = Self::made(py, query)?;
        self.submit(py, Request::Look { ticket, look: Look::Query(query) })
    }

    #[pyo3(signature = (ticket, run_id, after, limit))]
    fn watch(
        &self,
        py: Python<'_>,
        ticket: u64,
        run_id: Option<&str>,
        after: u64,
        limit: usize,
    ) -> PyResult<()> {
        let look = Look::Watch { run_id: run_id.map(Arc::from), after, limit };
        self.submit(py, Request::Look { ticket, look })
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
        let mut read = Vec::with_capacity(reports.len());
        for (handle, code, bytes) in reports {
            let bytes = bytes.map(|b| Bytes::copy_from_slice(b.as_bytes(py))).unwrap_or_default();
            let kind = Self::made(py, report_kind(code, bytes))?;
            read.push(AttemptReport { handle, kind });
        }
        self.submit(py, Request::Report { session, reports: read })
    }

    fn drain<'py>(&self, py: Python<'py>, count_max: usize) -> PyResult<Bound<'py, PyList>> {
        let heard = PyList::empty(py);
        for out in self.engine.drain(count_max) {
            match out {
                Out::Grant(granted) => heard.append(self.calls.lock().tuple(py, &granted)?)?,
                Out::Stop { handle, reason } => heard.append((STOP, handle, reason.name()))?,
                Out::Reply { ticket, answer } => heard.append(reply(py, ticket, answer)?)?,
                Out::Broken(refusal) => {
                    let fields = PyBytes::new(py, refusal.fields.to_string().as_bytes());
                    heard.append((BROKEN, 0, refusal.code, fields))?;
                }
            }
        }
        Ok(heard)
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

fn report_kind(code: u8, bytes: Bytes) -> Result<ReportKind, Refusal> {
    Ok(match code {
        0 => match check_nesting("the output", &bytes) {
            Ok(()) => ReportKind::Completed(Payload::new(bytes)),
            Err(refusal) => {
                let message = refusal.fields["message"].as_str().unwrap_or_default().to_string();
                let error = TaskError::final_of_engine("PayloadTooLarge", message);
                ReportKind::Failed(Box::new(error))
            }
        },
        1 => match requests::failure(&bytes)? {
            (_, true) => ReportKind::WorkerDied,
            (error, false) => ReportKind::Failed(Box::new(error)),
        },
        2 => ReportKind::Returned,
        3 => ReportKind::Cancelled,
        4 => ReportKind::Heartbeat(bytes),
        _ => ReportKind::Said(bytes),
    })
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
        Ok(Value::Done) => (REPLY, ticket, py.None()).into_pyobject(py),
        Ok(Value::Run { run_id, .. }) => (REPLY, ticket, run_id).into_pyobject(py),
        Ok(Value::Runs(ids)) => (REPLY, ticket, ids).into_pyobject(py),
        Ok(Value::Json(json)) => (REPLY, ticket, PyBytes::new(py, &json)).into_pyobject(py),
        Ok(Value::Events(events)) => {
            let lines: Vec<Bound<'_, PyBytes>> =
                events.iter().map(|event| PyBytes::new(py, event)).collect();
            (EVENTS, ticket, lines).into_pyobject(py)
        }
    }
}
