//! Outputs that this worker wrote lately, as objects that are copied faster than their text is read.
//!
//! Most outputs are small and flat, and are read soon, by one task or by several. Of such a one a
//! copy is kept beside its text: what is copied from it is equal to what would be read. The text is
//! what the engine holds; here it is known again by its place in memory, which `Kept` keeps taken.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use bytes::Bytes;
use pyflow_core::decide::Rendered;
use pyflow_core::payload::NULL;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use super::invoke;

/// Outputs that are kept: the latest ones.
const KEPT_COUNT_MAX: usize = 4_096;
/// Only texts up to this size are kept, so that all of them together stay small.
const TEXT_SIZE_MAX: usize = 256;

/// What a reader may be given in place of what it would read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Nothing: its hint asks for more than plain data.
    Nothing,
    Dict,
    Anything,
    /// A list of dicts.
    Dicts,
    /// A list of whatever there is.
    List,
}

impl Takes {
    /// By its name in `pyflow.worker.binding`.
    pub(super) fn parse(name: &str) -> PyResult<Self> {
        Ok(match name {
            "nothing" => Self::Nothing,
            "anything" => Self::Anything,
            "dict" => Self::Dict,
            "dicts" => Self::Dicts,
            "list" => Self::List,
            _ => return Err(PyValueError::new_err(format!("no reader takes {name:?}"))),
        })
    }

    /// What the items of a list may be.
    const fn items(self) -> Self {
        match self {
            Self::Anything | Self::List => Self::Anything,
            Self::Dicts => Self::Dict,
            Self::Nothing | Self::Dict => Self::Nothing,
        }
    }
}

/// An object that equals what is read from its text, and is not changed by anyone.
pub(super) enum Form {
    Scalar(Py<PyAny>),
    Dict(Py<PyDict>),
    List(Py<PyList>),
}

struct Kept {
    text: Bytes,
    form: Form,
}

/// By the addresses of the texts. The oldest goes first: were it the one whose address falls into
/// the same place of a table, its room would be given to the next text, which would then drive out
/// the one just kept, and half of all outputs would be read from their texts.
#[derive(Default)]
pub(super) struct Copies {
    kept: HashMap<usize, Kept, BuildHasherDefault<AddressHasher>>,
    /// The same addresses, the oldest first.
    order: VecDeque<usize>,
}

/// Spreads an address, whose lowest bits are those of all addresses.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("an address is one number");
    }

    fn write_usize(&mut self, address: usize) {
        // The upper bits of the product depend on all bits of the address; a table looks at both ends.
        self.0 = (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }
}

/// What is to be kept of an output.
pub(super) struct Copy(Kept);

impl Copy {
    /// A copy of an output, where it is small and flat.
    pub(super) fn of(value: Bound<'_, PyAny>, text: &Bytes) -> Option<Self> {
        // The engine keeps no text of None.
        if text.len() > TEXT_SIZE_MAX || value.is_none() {
            return None;
        }
        let form = Form::of(value)?;
        Some(Self(Kept { text: text.clone(), form }))
    }
}

impl Copies {
    /// Keeps a copy; what it drives out is for the caller to drop.
    #[must_use]
    pub(super) fn keep(&mut self, copy: Copy) -> Option<Copy> {
        let address = address_of(&copy.0.text);
        let before = self.kept.insert(address, copy.0);
        if before.is_some() {
            return before.map(Copy);
        }
        self.order.push_back(address);
        if self.order.len() <= KEPT_COUNT_MAX {
            return None;
        }
        self.kept.remove(&self.order.pop_front()?).map(Copy)
    }

    /// What a reader would read, if it is known; to be made with `Found::object`.
    pub(super) fn find(&self, py: Python<'_>, given: &Rendered, takes: Takes) -> Option<Found> {
        match given {
            Rendered::Text(text) => self.form(py, text, takes).map(Found::One),
            Rendered::List(items) => {
                let takes = takes.items();
                let forms = items.iter().map(|item| self.form(py, item, takes));
                forms.collect::<Option<_>>().map(Found::List)
            }
        }
    }

    fn form(&self, py: Python<'_>, text: &Bytes, takes: Takes) -> Option<Form> {
        if takes == Takes::Anything && text == NULL {
            return Some(Form::Scalar(py.None()));
        }
        let kept = self.kept.get(&address_of(text)).filter(|kept| kept.text.len() == text.len())?;
        match (&kept.form, takes) {
            (Form::Scalar(value), Takes::Anything) => Some(Form::Scalar(value.clone_ref(py))),
            (Form::Dict(dict), Takes::Anything | Takes::Dict) => {
                Some(Form::Dict(dict.clone_ref(py)))
            }
            (Form::List(list), Takes::Anything | Takes::List) => {
                Some(Form::List(list.clone_ref(py)))
            }
            (Form::Scalar(_) | Form::Dict(_) | Form::List(_), _) => None,
        }
    }
}

/// What was found: one form, or the items of a list.
pub(super) enum Found {
    One(Form),
    List(Vec<Form>),
}

impl Found {
    /// An object of the reader's own.
    pub(super) fn object<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::One(form) => form.copied(py),
            Self::List(items) => {
                let list = PyList::empty(py);
                for item in items {
                    list.append(item.copied(py)?)?;
                }
                Ok(list.into_any())
            }
        }
    }
}

impl Form {
    fn of(value: Bound<'_, PyAny>) -> Option<Self> {
        // What nobody else has any more is kept as it is.
        let is_free = invoke::references(&value) == 1;
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            let is_flat = |(key, part): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
                key.is_exact_instance_of::<PyString>() && is_scalar(&part)
            };
            if !dict.iter().all(is_flat) {
                return None;
            }
            let kept = if is_free { dict.clone() } else { dict.copy().ok()? };
            return Some(Self::Dict(kept.unbind()));
        }
        if let Ok(list) = value.cast_exact::<PyList>() {
            if !list.iter().all(|part| is_scalar(&part)) {
                return None;
            }
            let kept = if is_free { list.clone() } else { list.get_slice(0, list.len()) };
            return Some(Self::List(kept.unbind()));
        }
        is_scalar(&value).then(|| Self::Scalar(value.unbind()))
    }

    fn copied<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Scalar(value) => Ok(value.bind(py).clone()),
            Self::Dict(dict) => dict.bind(py).copy().map(Bound::into_any),
            Self::List(list) => {
                let list = list.bind(py);
                Ok(list.get_slice(0, list.len()).into_any())
            }
        }
    }
}

/// Whether reading its text gives an equal object of the same type, which nobody can change.
fn is_scalar(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_none()
        || value.is_exact_instance_of::<PyFloat>()
}

fn address_of(text: &Bytes) -> usize {
    text.as_ptr() as usize
}
