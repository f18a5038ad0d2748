//! Reports on their way to the engine.

use bytes::Bytes;
use parking_lot::Mutex;
use pyflow_engine::{AttemptReport, Refusal};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::requests;

/// The grant's number, a code, and what goes with it.
pub(crate) type Report = (u64, u8, Option<Py<PyBytes>>);

/// The code of an attempt that ended well, and of one that is given back.
pub(super) const COMPLETED: u8 = 0;
pub(super) const GIVEN_BACK: u8 = 2;

/// Reports that wait to be sent, in order.
#[pyclass(frozen, module = "pyflow._native")]
#[derive(Default)]
pub(crate) struct Reports {
    waiting: Mutex<Vec<Report>>,
}

#[pymethods]
impl Reports {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn append(&self, report: Report) {
        self.push(report);
    }

    fn take(&self) -> Vec<Report> {
        std::mem::take(&mut *self.waiting.lock())
    }

    fn __len__(&self) -> usize {
        self.waiting.lock().len()
    }
}

impl Reports {
    pub(super) fn push(&self, report: Report) {
        self.waiting.lock().push(report);
    }

    /// Takes all of them, as the engine reads them.
    pub(crate) fn take_read(&self, py: Python<'_>) -> Result<Vec<AttemptReport>, Refusal> {
        read(py, self.take())
    }
}

pub(crate) fn read(py: Python<'_>, reports: Vec<Report>) -> Result<Vec<AttemptReport>, Refusal> {
    let read = |(handle, code, data): Report| {
        let bytes = data.map(|data| Bytes::copy_from_slice(data.as_bytes(py))).unwrap_or_default();
        Ok(AttemptReport { handle, kind: requests::report_kind(code, bytes)? })
    };
    reports.into_iter().map(read).collect()
}
