//! One attempt in a worker's hands: what is rarely asked for is made only then.

use std::sync::Arc;

use parking_lot::Mutex;
use pyflow_core::decide::Rendered;
use pyflow_core::effect::Granted;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use super::calls::Call;
use super::invoke::call2;

/// Places in a grant's tuple, as in `pyflow.worker.grant`.
const NUMBER: usize = 1;
const TASK_TYPE: usize = 7;
const DEFINITION_HASH: usize = 8;
const SHAPE: usize = 9;
const ARGUMENTS: usize = 10;

/// An attempt, from its grant to the end of its first step.
#[pyclass(frozen, weakref, module = "pyflow._native")]
pub(crate) struct Attempt {
    pub(super) number: u64,
    /// None for a grant that was made by hand: its tuple is all there is.
    granted: Option<(Box<Granted>, Arc<Call>)>,
    desk: Py<PyAny>,
    grant: PyOnceLock<Py<PyTuple>>,
    context: PyOnceLock<Py<PyAny>>,
    step: Mutex<Option<Step>>,
}

/// A first step that is under way: its coroutine, and the context that it runs in.
pub(super) struct Step {
    pub(super) coro: Py<PyAny>,
    pub(super) context: Py<PyAny>,
}

impl Attempt {
    pub(super) fn granted(granted: Box<Granted>, call: Arc<Call>, desk: Py<PyAny>) -> Self {
        Self {
            number: granted.handle,
            granted: Some((granted, call)),
            desk,
            grant: PyOnceLock::new(),
            context: PyOnceLock::new(),
            step: Mutex::new(None),
        }
    }

    pub(super) fn by_hand(grant: &Bound<'_, PyTuple>, desk: Py<PyAny>) -> PyResult<Self> {
        let kept = PyOnceLock::new();
        kept.set(grant.py(), grant.clone().unbind()).expect("it is new");
        Ok(Self {
            number: grant.get_item(NUMBER)?.extract()?,
            granted: None,
            desk,
            grant: kept,
            context: PyOnceLock::new(),
            step: Mutex::new(None),
        })
    }

    /// The call that it is one of, unless it was made by hand.
    pub(super) fn call(&self) -> Option<&Arc<Call>> {
        self.granted.as_ref().map(|(_, call)| call)
    }

    /// The task type, the definition's hash and the shape.
    pub(super) fn key<'py>(&self, py: Python<'py>) -> PyResult<[Bound<'py, PyAny>; 3]> {
        if let Some(call) = self.call() {
            let (task_type, hash) = (call.task_type.bind(py).clone(), call.hash.bind(py).clone());
            return Ok([
                task_type.into_any(),
                hash.into_any(),
                call.shape.bind(py).clone().into_any(),
            ]);
        }
        let grant = self.tuple(py)?;
        Ok([grant.get_item(TASK_TYPE)?, grant.get_item(DEFINITION_HASH)?, grant.get_item(SHAPE)?])
    }

    /// Whether nothing goes with the grant but its arguments; not known of one made by hand.
    pub(super) fn is_plain(&self) -> bool {
        self.granted.as_ref().is_some_and(|(granted, _)| {
            granted.metadata.is_none()
                && granted.details.is_none()
                && granted.args.secrets.is_empty()
        })
    }

    /// Its arguments, unless it was made by hand.
    pub(super) fn arguments(&self) -> Option<&[Rendered]> {
        self.granted.as_ref().map(|(granted, _)| &*granted.args.values)
    }

    pub(super) fn argument_tuple<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.tuple(py)?.get_item(ARGUMENTS)
    }

    fn tuple<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let made = self.grant.get_or_try_init(py, || {
            let (granted, call) = self.granted.as_ref().expect("else its tuple is there");
            call.tuple(py, granted).map(Bound::unbind)
        })?;
        Ok(made.bind(py).clone())
    }

    pub(super) fn begin_step(&self, step: Step) {
        *self.step.lock() = Some(step);
    }

    /// Lets go of the coroutine; none is there when a task took it over, or before.
    pub(super) fn end_step(&self) -> Option<Step> {
        self.step.lock().take()
    }
}

#[pymethods]
impl Attempt {
    #[getter]
    fn number(&self) -> u64 {
        self.number
    }

    #[getter]
    pub(super) fn context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let made = self.context.get_or_try_init(py, || {
            let class = context_class(py)?;
            call2(class, self.tuple(py)?.as_any(), self.desk.bind(py)).map(Bound::unbind)
        })?;
        Ok(made.bind(py).clone())
    }

    #[getter]
    fn desk(&self, py: Python<'_>) -> Py<PyAny> {
        self.desk.clone_ref(py)
    }

    #[getter]
    fn ended(&self) -> bool {
        self.step.lock().is_none()
    }

    fn take_over(&self) -> (Option<Py<PyAny>>, Option<Py<PyAny>>) {
        match self.end_step() {
            Some(Step { coro, context }) => (Some(coro), Some(context)),
            None => (None, None),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.context(py)?.repr()?.to_string())
    }
}

/// `pyflow.context.TaskContext`.
fn context_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CLASS.import(py, "pyflow.context", "TaskContext")
}
