//! The innermost loop: it runs the first steps of a backlog of attempts, each by hand.
//!
//! A coroutine that ends in its first step has cost no asyncio task, no future and no wake-up. One
//! that waits is handed to the event loop, with the task object that it has seen as its current one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use pyflow_core::effect::Granted;
use pyflow_engine::Pace;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::attempt::{Attempt, Step};
use super::binding::Binding;
use super::calls::Calls;
use super::copies::{Copies, Copy};
use super::invoke::{Sent, call_method1, call1, send_none};
use super::reports::{COMPLETED, GIVEN_BACK, Report, Reports};
use super::stage::Entered;
use super::tools::Tools;

/// Steps the attempts of one worker, on the thread of its event loop.
#[pyclass(frozen, module = "pyflow._native")]
pub(crate) struct Stepper {
    /// The worker, for all that is no first step of a bare coroutine.
    floor: Py<PyAny>,
    event_loop: Py<PyAny>,
    reports: Py<Reports>,
    tools: Tools,
    calls: Mutex<Calls>,
    copies: Mutex<Copies>,
    backlog: Mutex<VecDeque<Py<Attempt>>>,
    /// What `first_step` is to run, and in what context that is.
    next: Mutex<Option<(Py<Attempt>, Py<PyAny>)>>,
    /// The current task between two steps of a batch.
    entered: Mutex<Option<Entered>>,
    /// What it left waiting: its task, and what it waits for.
    waiting: Mutex<Option<(Py<PyAny>, Py<PyAny>)>>,
    is_closed: AtomicBool,
}

#[pymethods]
impl Stepper {
    #[new]
    fn new(
        py: Python<'_>,
        floor: Py<PyAny>,
        event_loop: Py<PyAny>,
        reports: Py<Reports>,
    ) -> PyResult<Self> {
        Ok(Self {
            floor,
            event_loop,
            reports,
            tools: Tools::find(py)?,
            calls: Mutex::default(),
            copies: Mutex::default(),
            backlog: Mutex::default(),
            next: Mutex::default(),
            entered: Mutex::default(),
            waiting: Mutex::default(),
            is_closed: AtomicBool::new(false),
        })
    }

    fn take(&self, py: Python<'_>, grants: Vec<Bound<'_, PyTuple>>) -> PyResult<()> {
        for grant in grants {
            let attempt = Attempt::by_hand(&grant, self.floor.clone_ref(py))?;
            self.backlog.lock().push_back(Py::new(py, attempt)?);
        }
        Ok(())
    }

    fn run(slf: &Bound<'_, Self>, time_s: f64) -> PyResult<bool> {
        Batch::new(slf)?.run(Instant::now() + Duration::from_secs_f64(time_s), || ())?;
        Ok(slf.get().is_idle())
    }

    fn remove(&self, number: u64) -> bool {
        let mut backlog = self.backlog.lock();
        let found = backlog.iter().position(|attempt| attempt.get().number == number);
        found.and_then(|place| backlog.remove(place)).is_some()
    }

    fn close(&self, py: Python<'_>) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.give_back(py);
    }

    fn forget(&self) {
        self.calls.lock().forget();
    }

    /// For `Batch`, which has it called inside the context of the attempt.
    fn first_step(&self, py: Python<'_>) -> PyResult<()> {
        let next = self.next.lock().take();
        let (attempt, context) = next.expect("a batch says what is next");
        call1(self.tools.set_running.bind(py), attempt.bind(py).as_any())?;
        let Some(coro) = self.coroutine(py, attempt.get())? else { return Ok(()) };
        let entered = self.enter(py, attempt.clone_ref(py))?;
        attempt.get().begin_step(Step { coro: coro.clone().unbind(), context });
        let sent = send_none(&coro);

        if let Ok(Sent::Waits(pending)) = sent {
            let task = entered.task.clone_ref(py);
            entered.leave(&self.tools, self.event_loop.bind(py))?;
            *self.waiting.lock() = Some((task, pending.unbind()));
            return Ok(());
        }
        let has_begun = attempt.get().end_step().is_none();
        if has_begun {
            // Its code asked the task for more, so that it has begun as a real one.
            let rest = entered.task.bind(py).getattr(intern!(py, "rest"))?;
            rest.setattr(intern!(py, "ended"), true)?;
        }
        if has_begun || sent.is_err() || !entered.is_as_new(py, &self.tools)? {
            entered.leave(&self.tools, self.event_loop.bind(py))?;
        } else {
            *self.entered.lock() = Some(entered);
        }
        match sent? {
            Sent::Returned(value) => self.report(attempt.get(), value),
            Sent::Waits(_) => unreachable!("it was left waiting above"),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.floor)?;
        visit.call(&self.event_loop)
    }
}

impl Stepper {
    pub(crate) fn reports(&self) -> &Reports {
        self.reports.get()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.backlog.lock().is_empty()
    }

    /// Puts a grant of the engine behind the others.
    pub(crate) fn take_granted(&self, py: Python<'_>, granted: Box<Granted>) -> PyResult<()> {
        let call = self.calls.lock().call(py, &granted)?;
        let attempt = Attempt::granted(granted, call, self.floor.clone_ref(py));
        self.backlog.lock().push_back(Py::new(py, attempt)?);
        Ok(())
    }

    /// The current task of the next step.
    fn enter(&self, py: Python<'_>, attempt: Py<Attempt>) -> PyResult<Entered> {
        let entered = self.entered.lock().take();
        let Some(entered) = entered else {
            return Entered::new(&self.tools, self.event_loop.bind(py), attempt);
        };
        entered.stand_for(attempt);
        Ok(entered)
    }

    /// Leaves the current task that was kept for the next step.
    fn leave(&self, py: Python<'_>) -> PyResult<()> {
        let entered = self.entered.lock().take();
        entered.map_or(Ok(()), |entered| entered.leave(&self.tools, self.event_loop.bind(py)))
    }

    /// Reports the result of a coroutine.
    fn report(&self, attempt: &Attempt, value: Bound<'_, PyAny>) -> PyResult<()> {
        let text = self.written(&value)?;
        if let Some(copy) = Copy::of(value, &text) {
            drop(self.copies.lock().keep(copy));
        }
        let report = Report { number: attempt.number, code: COMPLETED, data: Some(text) };
        self.reports.get().push(report);
        Ok(())
    }

    fn give_back(&self, py: Python<'_>) {
        for attempt in std::mem::take(&mut *self.backlog.lock()) {
            let number = attempt.get().number;
            self.reports.get().push(Report { number, code: GIVEN_BACK, data: None });
            attempt.drop_ref(py);
        }
    }

    /// The coroutine of an attempt; none for what runs elsewhere.
    fn coroutine<'py>(
        &self,
        py: Python<'py>,
        attempt: &Attempt,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(call) = attempt.call() else {
            return self.placed(py, attempt, &self.bind(py, attempt)?);
        };
        let binding = call.binding.get_or_try_init(py, || self.bind(py, attempt))?;
        if binding.is_bare && attempt.is_plain() {
            return binding.call(py, attempt, &self.copies).map(Some);
        }
        self.placed(py, attempt, binding)
    }

    fn bind(&self, py: Python<'_>, attempt: &Attempt) -> PyResult<Binding> {
        let [task_type, hash, shape] = attempt.key(py)?;
        let made = self.floor.bind(py).call_method1("bind", (task_type, hash, shape))?;
        Binding::of(made)
    }

    fn placed<'py>(
        &self,
        py: Python<'py>,
        attempt: &Attempt,
        binding: &Binding,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.leave(py)?;
        let arguments = (attempt.context(py)?, &binding.object);
        let made = self.floor.bind(py).call_method1(intern!(py, "place"), arguments)?;
        Ok(Some(made).filter(|made| !made.is_none()))
    }

    fn written(&self, value: &Bound<'_, PyAny>) -> PyResult<Bytes> {
        let py = value.py();
        if let Ok(data) = call1(self.tools.write.bind(py), value) {
            let data = data.cast_into::<PyBytes>()?;
            // What cannot be written may have become a null, which the slow way finds and refuses.
            if value.is_none() || !holds_null(data.as_bytes()) {
                return Ok(Bytes::copy_from_slice(data.as_bytes()));
            }
        }
        let data = call1(self.tools.write_slowly.bind(py), value)?;
        Ok(Bytes::copy_from_slice(data.cast_into::<PyBytes>()?.as_bytes()))
    }
}

/// Whether there is a `null` in JSON text, be it in a string.
fn holds_null(mut text: &[u8]) -> bool {
    // Most texts have no `u`, and a byte is found many at a time.
    while let Some(place) = text.iter().position(|byte| *byte == b'u') {
        if place > 0 && text[place - 1] == b'n' && text[place + 1..].starts_with(b"ll") {
            return true;
        }
        text = &text[place + 1..];
    }
    false
}

/// The steps that are taken in one go, without giving the event loop back.
pub(crate) struct Batch<'a, 'py> {
    stepper: &'a Bound<'py, Stepper>,
    first_step: Bound<'py, PyAny>,
    has_begun: bool,
}

impl<'a, 'py> Batch<'a, 'py> {
    pub(crate) fn new(stepper: &'a Bound<'py, Stepper>) -> PyResult<Self> {
        let first_step = stepper.getattr(intern!(stepper.py(), "first_step"))?;
        Ok(Self { stepper, first_step, has_begun: false })
    }

    pub(crate) fn stepper(&self) -> &Stepper {
        self.stepper.get()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stepper.get().is_idle()
    }

    /// Runs the backlog until none is left or the time is up, which it tells. Calls `ends_soon` once before.
    pub(crate) fn run(&mut self, until: Instant, ends_soon: impl Fn()) -> PyResult<bool> {
        let (py, stepper) = (self.stepper.py(), self.stepper.get());
        let mut pace = Pace::new(Instant::now(), until);
        if stepper.is_closed.load(Ordering::Relaxed) {
            stepper.give_back(py);
        }
        loop {
            let Some(attempt) = stepper.backlog.lock().pop_front() else { return Ok(false) };
            if !self.has_begun {
                self.has_begun = true;
                stepper.floor.bind(py).call_method0(intern!(py, "batch_begins"))?;
            }
            self.step(attempt.bind(py))?;
            let now = Instant::now();
            if now > until {
                return Ok(true);
            }
            if pace.ends_soon(now, stepper.backlog.lock().len()) {
                ends_soon();
            }
        }
    }

    fn step(&self, attempt: &Bound<'py, Attempt>) -> PyResult<()> {
        let (py, stepper) = (attempt.py(), self.stepper.get());
        match self.step_in_context(attempt) {
            Ok(None) => Ok(()),
            Ok(Some((task, pending))) => {
                let arguments = (task, attempt.get().context(py)?, pending);
                let took_over = intern!(py, "took_over");
                stepper.floor.bind(py).call_method1(took_over, arguments).map(drop)
            }
            Err(error) => self.failed(attempt, error),
        }
    }

    /// Gives what the step left waiting.
    fn step_in_context(
        &self,
        attempt: &Bound<'py, Attempt>,
    ) -> PyResult<Option<(Py<PyAny>, Py<PyAny>)>> {
        let (py, stepper) = (attempt.py(), self.stepper.get());
        let context = stepper.tools.copy_context.bind(py).call0()?;
        *stepper.next.lock() = Some((attempt.clone().unbind(), context.clone().unbind()));
        call_method1(&context, stepper.tools.run.bind(py), &self.first_step)?;
        Ok(stepper.waiting.lock().take())
    }

    /// Has an error reported; it comes back when it must stop the program.
    fn failed(&self, attempt: &Bound<'py, Attempt>, error: PyErr) -> PyResult<()> {
        let py = attempt.py();
        self.stepper.get().leave(py)?;
        let arguments = (attempt.get().context(py)?, error.into_value(py));
        let floor = self.stepper.get().floor.bind(py);
        floor.call_method1(intern!(py, "failed"), arguments).map(drop)
    }
}

impl Drop for Batch<'_, '_> {
    fn drop(&mut self) {
        let py = self.stepper.py();
        if let Err(error) = self.stepper.get().leave(py) {
            error.write_unraisable(py, Some(self.stepper.as_any()));
        }
    }
}
