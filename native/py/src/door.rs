//! The one door: calls that wait let go of the interpreter, refusals become Python errors.

use pyflow_engine::Refusal;
use pyo3::prelude::*;

/// Runs what may wait, without holding the interpreter.
pub(crate) fn wait<T: Send>(
    py: Python<'_>,
    work: impl Send + FnOnce() -> Result<T, Refusal>,
) -> PyResult<T> {
    py.detach(work).map_err(|refusal| error(py, &refusal))
}

/// The Python error that a refusal stands for, made by the catalogue in `pyflow.errors`.
pub(crate) fn error(py: Python<'_>, refusal: &Refusal) -> PyErr {
    made(py, refusal).unwrap_or_else(|fault| fault)
}

fn made(py: Python<'_>, refusal: &Refusal) -> PyResult<PyErr> {
    let fields = py.import("json")?.call_method1("loads", (refusal.fields.to_string(),))?;
    let made = py.import("pyflow.errors")?.call_method1("from_code", (refusal.code, fields))?;
    Ok(PyErr::from_value(made))
}
