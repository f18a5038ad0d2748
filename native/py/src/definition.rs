//! Definitions as Python makes and reads them.

use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::definition::{
    self, Draft, DraftArg, DraftBranch, DraftHandler, Problem, Texts, definition_of_document,
};
use pyflow_core::ids::TaskIndex;
use pyflow_core::limits::NESTING_MAX;
use pyflow_core::payload::nesting;
use pyflow_engine::Refusal;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::{Value, json};

use crate::door;
use crate::graph::Numbers;

/// A checked definition with its stored form.
#[pyclass(frozen, module = "pyflow._native")]
pub(crate) struct Definition {
    pub(crate) compiled: Arc<definition::Definition>,
    pub(crate) stored: Bytes,
}

type Branches = Vec<(u32, Vec<(String, Vec<u32>)>)>;

fn invalid(problems: Vec<Problem>) -> Refusal {
    let listed: Vec<Value> = problems
        .into_iter()
        .map(|problem| {
            json!({
                "path": problem.path,
                "code": "PF1001",
                "message": problem.message,
                "offset": problem.offset,
                "is_key": problem.is_key,
            })
        })
        .collect();
    Refusal::new("PF1001", json!({ "problems": listed }))
}

type Compiled = Result<(definition::Definition, Bytes), Vec<Problem>>;

fn made(compiled: Compiled) -> Result<Definition, Refusal> {
    let (compiled, stored) = compiled.map_err(invalid)?;
    Ok(Definition { compiled: Arc::new(compiled), stored })
}

#[pymethods]
impl Definition {
    #[staticmethod]
    fn from_document(py: Python<'_>, document: Vec<u8>) -> PyResult<Self> {
        door::wait(py, move || {
            let depth = nesting(&document);
            if depth > NESTING_MAX {
                let message = format!("it is nested {depth} deep; at most {NESTING_MAX} is read");
                return Err(invalid(vec![Problem::new("", message)]));
            }
            made(definition_of_document(&document))
        })
    }

    #[staticmethod]
    fn from_stored(py: Python<'_>, stored: Vec<u8>) -> PyResult<Self> {
        door::wait(py, move || {
            let stored = Bytes::from(stored);
            let read = definition::Definition::from_stored(&stored)
                .map_err(|error| invalid(vec![Problem::new("", error.to_string())]))?;
            Ok(Definition { compiled: Arc::new(read), stored })
        })
    }

    #[staticmethod]
    #[allow(clippy::too_many_arguments)] // One column each; a struct would be the same list again.
    fn from_columns(
        py: Python<'_>,
        header: &[u8],
        type_names: Vec<String>,
        shapes: Vec<Vec<String>>,
        options: Vec<Vec<u8>>,
        consts: &Bound<'_, PyAny>,
        templates: &Bound<'_, PyAny>,
        ids: Vec<u8>,
        id_ends: &Bound<'_, PyAny>,
        types: &Bound<'_, PyAny>,
        shape_of: &Bound<'_, PyAny>,
        option_of: &Bound<'_, PyAny>,
        arg_ends: &Bound<'_, PyAny>,
        args: &Bound<'_, PyAny>,
        dep_ends: &Bound<'_, PyAny>,
        deps: &Bound<'_, PyAny>,
        branches: Branches,
        result: Option<Vec<u8>>,
    ) -> PyResult<Self> {
        let refuse = |message: String| door::error(py, &invalid(vec![Problem::new("", message)]));
        let header: Value = serde_json::from_slice(header).map_err(|e| refuse(e.to_string()))?;
        let texts = |texts: Vec<Vec<u8>>| -> PyResult<Vec<String>> {
            texts
                .into_iter()
                .map(|text| String::from_utf8(text).map_err(|e| refuse(e.to_string())))
                .collect()
        };
        let mut draft = Draft::new("");
        read_header(&header, &mut draft).map_err(refuse)?;
        draft.type_names = type_names;
        draft.shapes = shapes;
        draft.options = texts(options)?;
        draft.consts = rows(consts, refuse)?;
        draft.templates = rows(templates, refuse)?;
        draft.ids = String::from_utf8(ids).map_err(|e| refuse(e.to_string()))?;
        draft.id_ends = column("id_ends", id_ends)?;
        draft.types = column("types", types)?;
        draft.shape_of = column("shape_of", shape_of)?;
        draft.option_of = column("option_of", option_of)?;
        draft.arg_ends = column("arg_ends", arg_ends)?;
        draft.args = arguments(args).ok_or_else(|| refuse("an argument of no kind".into()))??;
        draft.dep_ends = column("dep_ends", dep_ends)?;
        draft.deps = column("deps", deps)?;
        for (decision, listed) in branches {
            let entries = listed.into_iter();
            draft.branches.extend(entries.map(|(condition, targets)| DraftBranch {
                decision,
                condition,
                targets,
            }));
        }
        draft.result = texts(result.into_iter().collect())?.pop();
        door::wait(py, move || made(definition::Definition::compile(draft)))
    }

    #[getter]
    fn name(&self) -> &str {
        &self.compiled.name
    }

    #[getter]
    fn version(&self) -> Option<&str> {
        self.compiled.version.as_deref()
    }

    #[getter]
    fn hash(&self) -> String {
        self.compiled.hash.to_string()
    }

    #[getter]
    fn task_count(&self) -> usize {
        self.compiled.task_count()
    }

    #[getter]
    fn task_types(&self) -> Vec<&str> {
        self.compiled.type_names().iter().map(|name| &**name).collect()
    }

    /// One task in document form, as JSON.
    fn task(&self, index: usize) -> PyResult<String> {
        if index >= self.compiled.task_count() {
            return Err(PyIndexError::new_err("there are not so many tasks"));
        }
        Ok(self.compiled.task_document(TaskIndex(index as u32)).to_string())
    }

    /// The whole definition in document form, as JSON.
    fn document<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.compiled.document().to_string().as_bytes())
    }
}

fn read_header(header: &Value, draft: &mut Draft) -> Result<(), String> {
    let text = |name: &str| header[name].as_str().map(String::from);
    draft.name = text("name").ok_or("the header needs a name")?;
    draft.version = text("version");
    draft.title = text("title");
    draft.description = text("description");
    draft.consistency = text("consistency");
    draft.defaults = text("defaults");
    let deadline_s = header["deadline_s"].as_f64();
    draft.deadline_ms = deadline_s.map(|seconds| (seconds * 1000.0).ceil() as u64);
    draft.max_concurrent_tasks = header["max_concurrent_tasks"].as_u64().map(|n| n as u32);
    draft.on_error = header["on_error"].as_u64().map(|task| task as u32);
    if let Some(handlers) = header["handlers"].as_array() {
        for handler in handlers {
            let task = |place: usize| handler[place].as_u64().map(|task| task as u32);
            let (owner, handler_task) = task(0).zip(task(1)).ok_or("a handler names two tasks")?;
            let recovers = handler[2].as_bool().unwrap_or(false);
            draft.handlers.push(DraftHandler { owner, handler: handler_task, recovers });
        }
    }
    Ok(())
}

/// Texts of a sequence, each looked at for as long as it takes to copy it.
fn rows(listed: &Bound<'_, PyAny>, refuse: impl Fn(String) -> PyErr) -> PyResult<Texts> {
    let mut texts = Texts::default();
    for row in listed.try_iter()? {
        let row = row?;
        let text = std::str::from_utf8(row.extract::<&[u8]>()?);
        texts.push(text.map_err(|error| refuse(error.to_string()))?);
    }
    Ok(texts)
}

fn column(name: &str, object: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    let numbers = Numbers::open(name, object)?;
    Ok((0..numbers.count()).map(|place| numbers.at(place) as u32).collect())
}

fn arguments(object: &Bound<'_, PyAny>) -> Option<PyResult<Vec<DraftArg>>> {
    let numbers = match Numbers::open("args", object) {
        Ok(numbers) => numbers,
        Err(error) => return Some(Err(error)),
    };
    let unpacked: Option<Vec<DraftArg>> =
        (0..numbers.count()).map(|place| DraftArg::unpack(numbers.at(place))).collect();
    unpacked.map(Ok)
}
