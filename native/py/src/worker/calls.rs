//! What attempts of one task type in one shape share.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyflow_core::definition::Definition;
use pyflow_core::effect::Granted;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString, PyTuple};

use super::binding::Binding;
use crate::requests::meta;

/// Definitions whose calls are kept.
const DEFINITIONS_COUNT_MAX: usize = 256;

/// One task type called in one shape: its name, its definition's hash, its parameters' names, and
/// how it is called, once that was worked out.
pub(crate) struct Call {
    pub(super) task_type: Py<PyString>,
    pub(super) hash: Py<PyString>,
    pub(super) shape: Py<PyTuple>,
    pub(super) binding: PyOnceLock<Binding>,
}

/// Those of one definition, by the numbers of type and shape.
type CallsOfOne = BTreeMap<(u32, u32), Arc<Call>>;

/// The calls that were seen before.
#[derive(Default)]
pub(crate) struct Calls {
    /// The definition that was asked for last, and its place.
    last: Option<(Arc<Definition>, usize)>,
    known: Vec<(Arc<Definition>, CallsOfOne)>,
}

impl Calls {
    /// The call of a grant.
    pub(crate) fn call(&mut self, py: Python<'_>, granted: &Granted) -> PyResult<Arc<Call>> {
        let definition = &granted.definition;
        let place = self.place(definition);
        let key = (definition.type_index(granted.task), definition.shape_index(granted.task));
        let calls = &mut self.known[place].1;
        if let Some(call) = calls.get(&key) {
            return Ok(call.clone());
        }
        let shape = definition.shape(granted.task);
        let call = Arc::new(Call {
            task_type: PyString::intern(py, definition.task_type(granted.task)).unbind(),
            hash: PyString::intern(py, &definition.hash.to_string()).unbind(),
            shape: PyTuple::new(py, shape.iter().map(|name| &**name))?.unbind(),
            binding: PyOnceLock::new(),
        });
        calls.insert(key, call.clone());
        Ok(call)
    }

    /// Work out anew how each is called.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    fn place(&mut self, definition: &Arc<Definition>) -> usize {
        if let Some((last, place)) = &self.last
            && Arc::ptr_eq(last, definition)
        {
            return *place;
        }
        let found = self.known.iter().position(|(known, _)| Arc::ptr_eq(known, definition));
        let place = found.unwrap_or_else(|| {
            if self.known.len() >= DEFINITIONS_COUNT_MAX {
                self.known.clear();
            }
            self.known.push((definition.clone(), BTreeMap::new()));
            self.known.len() - 1
        });
        self.last = Some((definition.clone(), place));
        place
    }
}

const GRANT: u8 = 2;

impl Call {
    /// A grant of this call as `pyflow.worker.grant` describes it.
    pub(crate) fn tuple<'py>(
        &self,
        py: Python<'py>,
        granted: &Granted,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let args =
            PyTuple::new(py, granted.args.values.iter().map(|arg| PyBytes::new(py, &arg.text())))?;
        let meta = meta(granted).map(|meta| PyBytes::new(py, &meta).unbind());
        let task_id = match granted.item {
            None => granted.definition.id(granted.task).to_string(),
            Some(index) => format!("{}[{index}]", granted.definition.id(granted.task)),
        };
        let head =
            (GRANT, granted.handle, &*granted.run_id, task_id, granted.item, granted.attempt);
        let tail = (
            granted.token,
            &self.task_type,
            &self.hash,
            &self.shape,
            args,
            granted.deadline_ms,
            meta,
        );
        let (head, tail) = (head.into_pyobject(py)?, tail.into_pyobject(py)?);
        Ok(head.as_sequence().concat(tail.as_sequence())?.cast_into::<PyTuple>()?)
    }
}
