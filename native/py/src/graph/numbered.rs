//! `Graph`: numbered nodes, buffers in, batches of ready nodes out.

use pyflow_core::graph::{
    Edges, Frontier, GraphRefusal, NODE_COUNT_MAX, Rows, Side, find_cycle, topological_order,
};
use pyo3::exceptions::{PyMemoryError, PyOverflowError};
use pyo3::prelude::*;

use super::buffers::{Numbers, bytes_of, view_of};
use super::refusals::{CycleError, Refused, batch_refused, below, count_refused, edges_refused};

/// A graph of numbered nodes that is drained in batches.
#[pyclass(module = "pyflow")]
#[derive(Debug)]
pub(crate) struct Graph {
    successors: Rows,
    frontier: Frontier,
}

#[pymethods]
impl Graph {
    #[staticmethod]
    fn from_edges(
        py: Python<'_>,
        node_count: &Bound<'_, PyAny>,
        sources: &Bound<'_, PyAny>,
        targets: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let node_count = node_count_from(node_count)?;
        let edges = Lent {
            sources: Numbers::open("sources", sources)?,
            targets: Numbers::open("targets", targets)?,
        };
        let graph = edges.build(node_count).map_err(|refusal| {
            edges_refused(py, refusal, |side, number| edges.as_written(side, number))
        })?;
        match find_cycle(&graph.successors) {
            None => Ok(graph),
            Some(cycle) => Err(CycleError::new_err(("nodes are in a cycle", cycle))),
        }
    }

    #[getter]
    fn node_count(&self) -> u32 {
        self.successors.node_count()
    }

    #[getter]
    fn edge_count(&self) -> u32 {
        self.successors.item_count()
    }

    #[getter]
    fn done_count(&self) -> u32 {
        self.frontier.finished_count()
    }

    fn ready<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let bytes = bytes_of(slf.py(), slf.borrow_mut().frontier.take_ready())?;
        view_of(&bytes)
    }

    fn done(slf: &Bound<'_, Self>, nodes: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        // Opening a buffer may run Python code, so it happens before the graph is borrowed.
        let numbers = Numbers::open("nodes", nodes)?;
        let mut graph = slf.borrow_mut();
        let batch = batch_from(py, &numbers, graph.node_count())?;
        let Graph { successors, frontier } = &mut *graph;
        let outcome = frontier.finish_all(successors, &batch);
        outcome.map_err(|(position, fault)| {
            batch_refused(py, position, fault, batch[position], graph.node_count())
        })
    }

    fn is_active(&self) -> bool {
        self.frontier.is_active()
    }

    fn __bool__(&self) -> bool {
        self.is_active()
    }

    fn static_order<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let order = topological_order(&self.successors);
        // A graph with a cycle was refused when it was made; what is left is the allocation.
        let order = order.ok_or_else(|| PyMemoryError::new_err("no room for the order"))?;
        view_of(&bytes_of(py, &order)?)
    }

    fn __sizeof__(&self) -> usize {
        size_of::<Self>() + self.successors.size() + self.frontier.size()
    }

    fn __repr__(&self) -> String {
        let (nodes, edges, done) = (self.node_count(), self.edge_count(), self.done_count());
        format!("<Graph of {nodes} nodes and {edges} edges, {done} done>")
    }
}

/// Edges where Python holds them.
struct Lent {
    sources: Numbers,
    targets: Numbers,
}

impl Lent {
    fn build(&self, node_count: u32) -> Result<Graph, GraphRefusal> {
        let (sources, targets) = (self.sources.count(), self.targets.count());
        if sources != targets {
            return Err(GraphRefusal::LengthsDiffer { sources, targets });
        }
        let successors = Rows::group(node_count, self)?;
        let frontier = Frontier::new(&successors)?;
        Ok(Graph { successors, frontier })
    }

    fn as_written(&self, side: Side, number: u64) -> String {
        match side {
            Side::Source => self.sources.as_written(number),
            Side::Target => self.targets.as_written(number),
        }
    }
}

impl Edges for Lent {
    fn count(&self) -> usize {
        self.sources.count()
    }

    #[inline]
    fn at(&self, position: usize) -> (u64, u64) {
        (self.sources.at(position), self.targets.at(position))
    }
}

fn node_count_from(number: &Bound<'_, PyAny>) -> PyResult<u32> {
    let py = number.py();
    let refuse = |found| Err(count_refused(py, found));
    match number.extract::<i64>() {
        Ok(count) if (0..=i64::from(NODE_COUNT_MAX)).contains(&count) => Ok(count as u32),
        Ok(count) => refuse(count.to_string()),
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => {
            refuse("a number of more than 64 bits".to_owned())
        }
        Err(error) => Err(error),
    }
}

fn batch_from(py: Python<'_>, numbers: &Numbers, node_count: u32) -> PyResult<Vec<u32>> {
    let mut batch = Vec::new();
    if batch.try_reserve_exact(numbers.count()).is_err() {
        return Err(PyMemoryError::new_err("there is not enough memory for the batch"));
    }
    for position in 0..numbers.count() {
        let number = numbers.at(position);
        if number >= node_count.into() {
            let (wanted, found) = (below(node_count), numbers.as_written(number));
            let refused = Refused { argument: "nodes", position: Some(position), wanted, found };
            return Err(refused.into_error(py));
        }
        batch.push(number as u32);
    }
    Ok(batch)
}
