//! Node numbers read from, and given out as, Python buffers.

use std::ffi::c_void;

use pyo3::buffer::{ElementType, PyUntypedBuffer};
use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

use super::refusals::{Refused, wrong_type};

const WANTED: &str = "a buffer of 32-bit or 64-bit integers, such as array.array('I')";

/// How the numbers lie in the buffer. Negative ones come out as numbers far above any node.
#[derive(Clone, Copy)]
enum Width {
    Four,
    Eight,
}

/// A one-dimensional buffer of integers, held open and read where it lies.
pub(crate) struct Numbers {
    /// Keeps the memory at `start` in place.
    _buffer: PyUntypedBuffer,
    start: *const c_void,
    width: Width,
    signed: bool,
    count: usize,
}

impl Numbers {
    /// Open the buffer of `object`, an argument called `argument`.
    pub(crate) fn open(argument: &str, object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let buffer =
            PyUntypedBuffer::get(object).or_else(|_| strided(object)).map_err(|error| {
                let no_buffer = error.is_instance_of::<PyTypeError>(py)
                    || error.is_instance_of::<PyBufferError>(py);
                if no_buffer { wrong_type(argument, WANTED, object) } else { error }
            })?;
        let refuse = |found: String| {
            Refused { argument, position: None, wanted: WANTED.to_owned(), found }.into_error(py)
        };
        if buffer.dimensions() != 1 {
            return Err(refuse(format!("a buffer of {} dimensions", buffer.dimensions())));
        }
        let Some((width, signed)) = layout(&buffer) else {
            let format = buffer.format().to_string_lossy();
            return Err(refuse(format!("items of format {format:?}")));
        };
        if !buffer.is_c_contiguous() {
            return Err(refuse("items that do not lie side by side".to_owned()));
        }
        let (start, count) = (buffer.buf_ptr().cast_const(), buffer.item_count());
        Ok(Self { _buffer: buffer, start, width, signed, count })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The number at `position`; what is negative comes out above `i64::MAX` or `i32::MAX`.
    #[inline]
    #[expect(unsafe_code, reason = "PyO3 offers only a pointer; copying would double the memory")]
    pub(crate) fn at(&self, position: usize) -> u64 {
        assert!(position < self.count, "a position inside the buffer");
        // SAFETY: the exporter keeps the memory in place while `_buffer` is open. It is one
        // dimension of `count` items side by side, each as wide as `width` says, and `position` is
        // below `count`, so that the read stays inside. It need not be aligned, and every pattern
        // of bits is a number. A writer in another thread can at worst change which number that is.
        unsafe {
            match self.width {
                Width::Four => self.start.cast::<u32>().add(position).read_unaligned().into(),
                Width::Eight => self.start.cast::<u64>().add(position).read_unaligned(),
            }
        }
    }

    /// A number that `at` gave, as its owner wrote it.
    pub(super) fn as_written(&self, number: u64) -> String {
        match (self.signed, self.width) {
            (true, Width::Four) => (number as u32 as i32).to_string(),
            (true, Width::Eight) => (number as i64).to_string(),
            (false, _) => number.to_string(),
        }
    }
}

/// The buffer as a memoryview completes it: some exporters, such as `ctypes`, leave the strides out.
fn strided(object: &Bound<'_, PyAny>) -> PyResult<PyUntypedBuffer> {
    PyUntypedBuffer::get(PyMemoryView::from(object)?.as_any())
}

/// The width and sign of the items, if they are integers in this machine's byte order.
fn layout(buffer: &PyUntypedBuffer) -> Option<(Width, bool)> {
    // PyO3's own check takes the big-endian mark for the machine's order, so the mark is read here.
    let foreign = if cfg!(target_endian = "little") { [b'>', b'!'] } else { [b'<', b'<'] };
    let format = buffer.format();
    if format.to_bytes().first().is_none_or(|mark| foreign.contains(mark)) {
        return None;
    }
    let (bytes, signed) = match ElementType::from_format(format) {
        ElementType::SignedInteger { bytes } => (bytes, true),
        ElementType::UnsignedInteger { bytes } => (bytes, false),
        ElementType::Bool | ElementType::Float { .. } | ElementType::Unknown => return None,
    };
    match (bytes, buffer.item_size()) {
        (4, 4) => Some((Width::Four, signed)),
        (8, 8) => Some((Width::Eight, signed)),
        _ => None,
    }
}

/// The bytes of `nodes`. Making them runs no Python code, not even the garbage collector.
pub(super) fn bytes_of<'py>(py: Python<'py>, nodes: &[u32]) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, size_of_val(nodes), |bytes| {
        for (place, node) in bytes.chunks_exact_mut(size_of::<u32>()).zip(nodes) {
            place.copy_from_slice(&node.to_ne_bytes());
        }
        Ok(())
    })
}

/// A read-only memoryview of format "I" over what `bytes_of` made.
pub(super) fn view_of<'py>(bytes: &Bound<'py, PyBytes>) -> PyResult<Bound<'py, PyAny>> {
    let py = bytes.py();
    let format = intern!(py, "I");
    PyMemoryView::from(bytes)?.call_method1(intern!(py, "cast"), (format,))
}
