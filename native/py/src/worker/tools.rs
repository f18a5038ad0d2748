//! What the inner loop calls of Python, looked up once.

use pyo3::prelude::*;
use pyo3::types::PyString;

pub(super) struct Tools {
    pub(super) copy_context: Py<PyAny>,
    pub(super) enter_task: Py<PyAny>,
    pub(super) leave_task: Py<PyAny>,
    /// `StepTask.__new__` and its argument.
    pub(super) new_task: Py<PyAny>,
    pub(super) task_class: Py<PyAny>,
    /// `weakref.getweakrefcount`.
    pub(super) count_weak: Py<PyAny>,
    /// `set` of the context variable behind `pyflow.current()`.
    pub(super) set_running: Py<PyAny>,
    /// Writes a value as JSON, and does so again slowly, with the place of what cannot be written.
    pub(super) write: Py<PyAny>,
    pub(super) write_slowly: Py<PyAny>,
    pub(super) run: Py<PyString>,
    pub(super) first: Py<PyString>,
}

impl Tools {
    pub(super) fn find(py: Python<'_>) -> PyResult<Self> {
        let of = |module: &str, name: &str| py.import(module)?.getattr(name).map(Bound::unbind);
        let task_class = of("pyflow.worker.step_task", "StepTask")?;
        Ok(Self {
            copy_context: of("contextvars", "copy_context")?,
            enter_task: of("asyncio.tasks", "_enter_task")?,
            leave_task: of("asyncio.tasks", "_leave_task")?,
            new_task: task_class.getattr(py, "__new__")?,
            task_class,
            count_weak: of("weakref", "getweakrefcount")?,
            set_running: of("pyflow.context", "running")?.getattr(py, "set")?,
            write: of("pyflow.worker.binding", "write")?,
            write_slowly: of("pyflow.worker.binding", "write_output")?,
            run: PyString::intern(py, "run").unbind(),
            first: PyString::intern(py, "first").unbind(),
        })
    }
}
