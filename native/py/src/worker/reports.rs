//! Reports on their way to the engine.

use bytes::Bytes;
use parking_lot::Mutex;
use pyflow_engine::{AttemptReport, Refusal, ReportKind};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::requests;

/// The code of an attempt that ended well, and of one that is given back.
pub(super) const COMPLETED: u8 = 0;
pub(super) const GIVEN_BACK: u8 = 2;

/// The grant's number, a code as in `pyflow.worker.grant`, and what goes with it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(super) number: u64,
    pub(super) code: u8,
    pub(super) data: Option<Bytes>,
}

impl<'py> FromPyObject<'_, 'py> for Report {
    type Error = PyErr;

    fn extract(report: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (number, code, data): (u64, u8, Option<Bound<'py, PyBytes>>) = report.extract()?;
        let data = data.map(|data| Bytes::copy_from_slice(data.as_bytes()));
        Ok(Self { number, code, data })
    }
}

impl Report {
    /// Reports as the engine takes them; lines that follow others of the same attempt go with them.
    pub(crate) fn read_all(
        reports: impl ExactSizeIterator<Item = Self>,
    ) -> Result<Vec<AttemptReport>, Refusal> {
        let mut read: Vec<AttemptReport> = Vec::with_capacity(reports.len());
        for report in reports {
            let report = report.read()?;
            match (&report.kind, read.last_mut()) {
                (
                    ReportKind::Said(lines),
                    Some(AttemptReport { handle, kind: ReportKind::Said(before) }),
                ) if *handle == report.handle => before.extend(lines.iter().cloned()),
                _ => read.push(report),
            }
        }
        Ok(read)
    }

    fn read(self) -> Result<AttemptReport, Refusal> {
        let kind = requests::report_kind(self.code, self.data.unwrap_or_default())?;
        Ok(AttemptReport { handle: self.number, kind })
    }
}

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

    fn take<'py>(&self, py: Python<'py>) -> Vec<(u64, u8, Option<Bound<'py, PyBytes>>)> {
        let made = |Report { number, code, data }| {
            (number, code, data.map(|data: Bytes| PyBytes::new(py, &data)))
        };
        std::mem::take(&mut *self.waiting.lock()).into_iter().map(made).collect()
    }

    fn __len__(&self) -> usize {
        self.waiting.lock().len()
    }
}

impl Reports {
    pub(super) fn push(&self, report: Report) {
        self.waiting.lock().push(report);
    }

    /// Takes all; their room is used again.
    pub(crate) fn read_waiting(&self) -> Result<Vec<AttemptReport>, Refusal> {
        Report::read_all(self.waiting.lock().drain(..))
    }
}
