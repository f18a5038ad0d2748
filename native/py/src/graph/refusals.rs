//! What the two graph classes raise.

use pyflow_core::graph::{GraphRefusal, NODE_COUNT_MAX, NotFinished, Side};
use pyo3::exceptions::{PyMemoryError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyType};

pyo3::import_exception!(graphlib, CycleError);

/// An argument that is of the right type and still cannot be taken.
pub(super) struct Refused<'a> {
    pub(super) argument: &'a str,
    /// Which item of the argument; `None` for the argument as a whole.
    pub(super) position: Option<usize>,
    pub(super) wanted: String,
    pub(super) found: String,
}

impl Refused<'_> {
    /// The `pyflow.errors.GraphInvalid` that says so.
    pub(super) fn into_error(self, py: Python<'_>) -> PyErr {
        self.error(py).unwrap_or_else(|fault| fault)
    }

    fn error(self, py: Python<'_>) -> PyResult<PyErr> {
        let class = py.import("pyflow.errors")?.getattr("GraphInvalid")?.cast_into::<PyType>()?;
        let fields =
            [("argument", self.argument.into_pyobject(py)?.into_any())].into_py_dict(py)?;
        fields.set_item("position", self.position)?;
        fields.set_item("wanted", self.wanted)?;
        fields.set_item("found", self.found)?;
        Ok(PyErr::from_value(class.call((), Some(&fields))?))
    }
}

/// Raised when an argument is not of a type that could ever be taken.
pub(super) fn wrong_type(argument: &str, wanted: &str, found: &Bound<'_, PyAny>) -> PyErr {
    let name = found.get_type().name();
    let name = name.map_or_else(|_| "an object".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("{argument}: wanted {wanted}; found {name}"))
}

/// Say what was wrong with the edges of `Graph.from_edges`; `written` gives a number found as its
/// buffer has it.
pub(super) fn edges_refused(
    py: Python<'_>,
    refusal: GraphRefusal,
    written: impl Fn(Side, u64) -> String,
) -> PyErr {
    let (argument, position, wanted, found) = match refusal {
        GraphRefusal::TooManyNodes { found, most } => {
            ("node_count", None, format!("at most {most}"), found.to_string())
        }
        GraphRefusal::TooManyEdges { found, most } => {
            ("sources", None, format!("at most {most} edges"), found.to_string())
        }
        GraphRefusal::LengthsDiffer { sources, targets } => {
            ("targets", None, format!("{sources} nodes, as many as sources"), targets.to_string())
        }
        GraphRefusal::NodeOutOfRange { side, position, found, node_count } => {
            let argument = match side {
                Side::Source => "sources",
                Side::Target => "targets",
            };
            (argument, Some(position), below(node_count), written(side, found))
        }
        GraphRefusal::EdgesChanged => {
            let wanted = "edges that stay as they are while they are read".to_owned();
            ("sources", None, wanted, "a buffer that another thread writes to".to_owned())
        }
        GraphRefusal::OutOfMemory => {
            return PyMemoryError::new_err("there is not enough memory for the graph");
        }
    };
    Refused { argument, position, wanted, found }.into_error(py)
}

/// Say why the batch given to `Graph.done` was not taken.
pub(super) fn batch_refused(
    py: Python<'_>,
    position: usize,
    fault: NotFinished,
    node: u32,
    node_count: u32,
) -> PyErr {
    let (wanted, found) = match fault {
        NotFinished::Unknown => (below(node_count), node.to_string()),
        NotFinished::NotOut => {
            ("a node that ready() gave".to_owned(), format!("{node}, which it has not given yet"))
        }
        NotFinished::Already => {
            let found = format!("{node}, which is done already or twice in this batch");
            ("each node once".to_owned(), found)
        }
    };
    Refused { argument: "nodes", position: Some(position), wanted, found }.into_error(py)
}

/// Say that `node_count` is no number of nodes.
pub(super) fn count_refused(py: Python<'_>, found: String) -> PyErr {
    let wanted = format!("0 to {NODE_COUNT_MAX}");
    Refused { argument: "node_count", position: None, wanted, found }.into_error(py)
}

/// The words for a node of a graph of this size.
pub(super) fn below(node_count: u32) -> String {
    match node_count {
        0 => "no nodes at all, since node_count is 0".to_owned(),
        count => format!("a node from 0 to {}", count - 1),
    }
}
