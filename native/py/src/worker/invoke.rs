//! Calls of Python that make no tuple of their arguments.
//!
//! Under the stable ABI of 3.11 what `PyO3` offers makes one for each call, and a bound method for each
//! call of a method. The C functions that are used here are of that ABI too, and make neither; a build
//! for one version may use those that take the arguments as an array.
#![expect(unsafe_code, reason = "each function states what it relies on")]

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

#[cfg(feature = "abi3")]
const END: Object = ptr::null_mut();

/// What the first step of a coroutine came to.
pub(super) enum Sent<'py> {
    /// Its end, with the result.
    Returned(Bound<'py, PyAny>),
    /// It waits; this is what it yielded.
    Waits(Bound<'py, PyAny>),
}

pub(super) fn call1<'py>(
    callable: &Bound<'py, PyAny>,
    a: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the interpreter is held, as the `Bound`s prove; each pointer is to a live object that
    // its `Bound` keeps. The result is a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(callable.py(), call(callable.as_ptr(), [a.as_ptr()])) }
}

pub(super) fn call2<'py>(
    callable: &Bound<'py, PyAny>,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let arguments = [a.as_ptr(), b.as_ptr()];
    // SAFETY: as in `call1`.
    unsafe { Bound::from_owned_ptr_or_err(callable.py(), call(callable.as_ptr(), arguments)) }
}

pub(super) fn call3<'py>(
    callable: &Bound<'py, PyAny>,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    c: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let arguments = [a.as_ptr(), b.as_ptr(), c.as_ptr()];
    // SAFETY: as in `call1`.
    unsafe { Bound::from_owned_ptr_or_err(callable.py(), call(callable.as_ptr(), arguments)) }
}

pub(super) fn call_method1<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    a: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let arguments = [object.as_ptr(), a.as_ptr()];
    // SAFETY: as in `call1`.
    unsafe { Bound::from_owned_ptr_or_err(object.py(), call_method(name.as_ptr(), arguments)) }
}

type Object = *mut ffi::PyObject;

/// SAFETY: the interpreter is held, and all pointers are to live objects.
#[cfg(not(feature = "abi3"))]
unsafe fn call<const N: usize>(callable: Object, arguments: [Object; N]) -> Object {
    // SAFETY: the array outlives the call; there are no keywords.
    unsafe { ffi::PyObject_Vectorcall(callable, arguments.as_ptr(), N, ptr::null_mut()) }
}

/// SAFETY: as for `call`; the first argument is the object.
#[cfg(not(feature = "abi3"))]
unsafe fn call_method(name: Object, arguments: [Object; 2]) -> Object {
    // SAFETY: as in `call`.
    unsafe { ffi::PyObject_VectorcallMethod(name, arguments.as_ptr(), 2, ptr::null_mut()) }
}

/// SAFETY: the interpreter is held, and all pointers are to live objects.
#[cfg(feature = "abi3")]
unsafe fn call<const N: usize>(callable: Object, arguments: [Object; N]) -> Object {
    // SAFETY: each list ends with a null.
    unsafe {
        match arguments[..] {
            [a] => ffi::PyObject_CallFunctionObjArgs(callable, a, END),
            [a, b] => ffi::PyObject_CallFunctionObjArgs(callable, a, b, END),
            [a, b, c] => ffi::PyObject_CallFunctionObjArgs(callable, a, b, c, END),
            _ => unreachable!("nothing here calls with so many"),
        }
    }
}

/// SAFETY: as for `call`; the first argument is the object.
#[cfg(feature = "abi3")]
unsafe fn call_method(name: Object, [object, a]: [Object; 2]) -> Object {
    // SAFETY: the list ends with a null.
    unsafe { ffi::PyObject_CallMethodObjArgs(object, name, a, END) }
}

/// How many references there are to an object.
pub(super) fn references(object: &Bound<'_, PyAny>) -> isize {
    // SAFETY: the interpreter is held and the object is live.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) }
}

/// Whether an object that has a `__dict__` has nothing in it.
pub(super) fn has_no_attributes(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    // SAFETY: the interpreter is held and the object is live. The result is a new reference, or null
    // with an exception set; it is asked for its size while that reference is held.
    unsafe {
        let dict = ffi::PyObject_GenericGetDict(object.as_ptr(), ptr::null_mut());
        let dict = Bound::from_owned_ptr_or_err(object.py(), dict)?;
        Ok(ffi::PyDict_Size(dict.as_ptr()) == 0)
    }
}

/// Sends None into a coroutine; its end raises no `StopIteration`, which would have to be made.
pub(super) fn send_none<'py>(coro: &Bound<'py, PyAny>) -> PyResult<Sent<'py>> {
    let py = coro.py();
    let mut result = ptr::null_mut();
    // SAFETY: the interpreter is held and both pointers are to live objects. Whatever is no generator
    // is asked for its method `send` by the same function. Unless it fails, `result` is a new
    // reference.
    unsafe {
        match ffi::PyIter_Send(coro.as_ptr(), py.None().as_ptr(), &raw mut result) {
            ffi::PySendResult::PYGEN_RETURN => {
                Ok(Sent::Returned(Bound::from_owned_ptr(py, result)))
            }
            ffi::PySendResult::PYGEN_NEXT => Ok(Sent::Waits(Bound::from_owned_ptr(py, result))),
            ffi::PySendResult::PYGEN_ERROR => Err(PyErr::fetch(py)),
        }
    }
}
