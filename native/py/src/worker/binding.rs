//! How a function is called: a `Binding` of `pyflow.worker.binding`, as the inner loop uses it.

use parking_lot::Mutex;
use pyflow_core::decide::Rendered;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::attempt::Attempt;
use super::copies::{Copies, Takes};
use super::invoke::{call1, call2, call3};

pub(super) struct Binding {
    pub(super) object: Py<PyAny>,
    /// A coroutine function that needs nothing but its arguments.
    pub(super) is_bare: bool,
    /// Calls it with the texts of its arguments, whatever their shape.
    call: Py<PyAny>,
    by_place: Option<ByPlace>,
}

/// A function whose arguments are all passed by place, each read by a function of its own.
struct ByPlace {
    function: Py<PyAny>,
    readers: Vec<(Py<PyAny>, Takes)>,
}

/// An argument does not fit the hint of its parameter.
struct Unreadable;

impl Binding {
    pub(super) fn of(object: Bound<'_, PyAny>) -> PyResult<Self> {
        let readers: Option<Vec<(Py<PyAny>, String)>> = object.getattr("readers")?.extract()?;
        let function = object.getattr("task")?.getattr("fn")?.unbind();
        Ok(Self {
            is_bare: object.getattr("bare")?.extract()?,
            call: object.getattr("call")?.unbind(),
            by_place: readers.map(|readers| ByPlace::new(function, readers)).transpose()?,
            object: object.unbind(),
        })
    }

    /// Calls the function with the arguments of an attempt.
    pub(super) fn call<'py>(
        &self,
        py: Python<'py>,
        attempt: &Attempt,
        copies: &Mutex<Copies>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let (Some(by_place), Some(arguments)) = (&self.by_place, attempt.arguments())
            && let Ok(called) = by_place.call(py, arguments, copies)
        {
            return called;
        }
        // What could not be read fails here too, with a message that names the parameter.
        call1(self.call.bind(py), &attempt.argument_tuple(py)?)
    }
}

impl ByPlace {
    fn new(function: Py<PyAny>, readers: Vec<(Py<PyAny>, String)>) -> PyResult<Self> {
        let readers = readers.into_iter().map(|(read, takes)| Ok((read, Takes::parse(&takes)?)));
        Ok(Self { function, readers: readers.collect::<PyResult<_>>()? })
    }

    fn call<'py>(
        &self,
        py: Python<'py>,
        arguments: &[Rendered],
        copies: &Mutex<Copies>,
    ) -> Result<PyResult<Bound<'py, PyAny>>, Unreadable> {
        let function = self.function.bind(py);
        let read = |place: usize| {
            let (given, (read, takes)) = (&arguments[place], &self.readers[place]);
            let found = copies.lock().find(py, given, *takes);
            match found {
                Some(found) => found.object(py),
                None => call1(read.bind(py), PyBytes::new(py, &given.text()).as_any()),
            }
            .map_err(|_| Unreadable)
        };
        Ok(match arguments.len() {
            0 => function.call0(),
            1 => call1(function, &read(0)?),
            2 => call2(function, &read(0)?, &read(1)?),
            3 => call3(function, &read(0)?, &read(1)?, &read(2)?),
            count => {
                let values = (0..count).map(read).collect::<Result<Vec<_>, _>>()?;
                PyTuple::new(py, values).and_then(|values| function.call1(values))
            }
        })
    }
}
