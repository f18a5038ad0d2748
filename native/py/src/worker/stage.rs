//! The current task of first steps: one object serves many of them, as long as nobody can tell.
//!
//! Code that never asks for its current task cannot know which object that is. One that asked may
//! have kept it, put a weak reference or an attribute on it, or cancelled it: then the next step
//! gets another.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;

use super::attempt::Attempt;
use super::invoke::{self, call1, call2};
use super::tools::Tools;

/// What a `StepTask` knows before it has begun: whose first step it stands for.
#[pyclass(frozen, module = "pyflow._native")]
pub(crate) struct Stage {
    attempt: Mutex<Py<Attempt>>,
    is_marked: AtomicBool,
}

#[pymethods]
impl Stage {
    #[getter]
    fn attempt(&self, py: Python<'_>) -> Py<Attempt> {
        self.attempt.lock().clone_ref(py)
    }

    fn mark(&self) {
        self.is_marked.store(true, Ordering::Relaxed);
    }
}

/// A `StepTask` that is the loop's current one.
pub(super) struct Entered {
    pub(super) task: Py<PyAny>,
    stage: Py<Stage>,
    /// How many references there are to the task while only this one and the loop's are kept.
    references: isize,
}

impl Entered {
    pub(super) fn new(
        tools: &Tools,
        event_loop: &Bound<'_, PyAny>,
        attempt: Py<Attempt>,
    ) -> PyResult<Self> {
        let py = event_loop.py();
        let stage = Stage { attempt: Mutex::new(attempt), is_marked: AtomicBool::new(false) };
        let stage = Py::new(py, stage)?;
        let task = call1(tools.new_task.bind(py), tools.task_class.bind(py))?;
        task.setattr(tools.first.bind(py), &stage)?;
        call2(tools.enter_task.bind(py), event_loop, &task)?;
        Ok(Self { references: invoke::references(&task), task: task.unbind(), stage })
    }

    /// Has it stand for another attempt.
    pub(super) fn stand_for(&self, attempt: Py<Attempt>) {
        // The one before is dropped when nothing is locked any more.
        let _before = std::mem::replace(&mut *self.stage.get().attempt.lock(), attempt);
    }

    /// Whether it is as if it had just been made.
    pub(super) fn is_as_new(&self, py: Python<'_>, tools: &Tools) -> PyResult<bool> {
        let task = self.task.bind(py);
        Ok(invoke::references(task) == self.references
            && !self.stage.get().is_marked.load(Ordering::Relaxed)
            && invoke::has_no_attributes(task)?
            && !call1(tools.count_weak.bind(py), task)?.is_truthy()?)
    }

    pub(super) fn leave(self, tools: &Tools, event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = event_loop.py();
        call2(tools.leave_task.bind(py), event_loop, self.task.bind(py)).map(drop)
    }
}
