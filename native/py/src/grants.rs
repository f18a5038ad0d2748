//! Grants as Python takes them: tuples, whose parts that repeat are made once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use pyflow_core::definition::Definition;
use pyflow_core::effect::Granted;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::requests::meta;

/// Of one task type called in one shape: its name, its definition's hash, its parameters' names.
struct Call {
    task_type: Py<PyString>,
    hash: Py<PyString>,
    shape: Py<PyTuple>,
}

/// What was made before, for as long as the definition is the same.
#[derive(Default)]
pub(crate) struct Calls {
    definition: Option<Arc<Definition>>,
    known: BTreeMap<(u32, u32), Call>,
}

const GRANT: u8 = 2;

impl Calls {
    pub(crate) fn tuple<'py>(
        &mut self,
        py: Python<'py>,
        granted: &Granted,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = self.call(py, granted)?;
        let args = PyTuple::new(py, granted.args.values.iter().map(|arg| PyBytes::new(py, arg)))?;
        let meta = meta(granted).map(|meta| PyBytes::new(py, &meta).unbind());
        let task_id = match granted.item {
            None => granted.definition.id(granted.task).to_string(),
            Some(index) => format!("{}[{index}]", granted.definition.id(granted.task)),
        };
        let head =
            (GRANT, granted.handle, &*granted.run_id, task_id, granted.item, granted.attempt);
        let tail = (
            granted.token,
            &call.task_type,
            &call.hash,
            &call.shape,
            args,
            granted.deadline_ms,
            meta,
        );
        let (head, tail) = (head.into_pyobject(py)?, tail.into_pyobject(py)?);
        head.as_sequence().concat(tail.as_sequence()).map(Bound::into_any)
    }

    fn call(&mut self, py: Python<'_>, granted: &Granted) -> PyResult<&Call> {
        let is_same = self.definition.as_ref().is_some_and(|d| Arc::ptr_eq(d, &granted.definition));
        if !is_same {
            self.known.clear();
            self.definition = Some(granted.definition.clone());
        }
        let definition = &granted.definition;
        let key = (definition.type_index(granted.task), definition.shape_index(granted.task));
        match self.known.entry(key) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let shape = definition.shape(granted.task);
                Ok(unknown.insert(Call {
                    task_type: PyString::intern(py, definition.task_type(granted.task)).unbind(),
                    hash: PyString::intern(py, &definition.hash.to_string()).unbind(),
                    shape: PyTuple::new(py, shape.iter().map(|name| &**name))?.unbind(),
                }))
            }
        }
    }
}
