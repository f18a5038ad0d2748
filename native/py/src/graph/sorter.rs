//! `TopologicalSorter`: the interface of `graphlib.TopologicalSorter`.
//!
//! Hashing and comparing nodes may run any Python code, which may come back here. So the sorter is
//! borrowed only between such calls, and what was looked up before one is looked up again after it.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use pyflow_core::graph::{
    Frontier, GraphRefusal, NotFinished, Pairs, Rows, find_cycle, waiting_counts,
};

use super::refusals::CycleError;
use super::table::{Key, Step, Table};

/// The sorter itself; `pyflow/graph.py` adds what is better said in Python.
#[pyclass(module = "pyflow", subclass)]
pub(crate) struct TopologicalSorter {
    nodes: Table,
    stage: Stage,
}

enum Stage {
    Adding(Added),
    Sorting { successors: Rows, frontier: Frontier },
}

/// The edges added so far.
#[derive(Default)]
struct Added {
    sources: Vec<u32>,
    targets: Vec<u32>,
    /// Nodes with how many of their predecessors could not be hashed: as in `graphlib`, they wait
    /// for ever.
    shortfalls: Vec<(u32, u32)>,
}

type Borrowed<'py> = PyRefMut<'py, TopologicalSorter>;

#[pymethods]
impl TopologicalSorter {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self { nodes: Table::default(), stage: Stage::Adding(Added::default()) }
    }

    #[pyo3(signature = (node, *predecessors))]
    fn add(
        slf: &Bound<'_, Self>,
        node: &Bound<'_, PyAny>,
        predecessors: &Bound<'_, PyTuple>,
    ) -> PyResult<()> {
        let mut this = slf.borrow_mut();
        this.stage.added()?.reserve(predecessors.len())?;
        let target;
        (this, target) = number_of(slf, this, node)?;
        for (position, predecessor) in predecessors.iter_borrowed().enumerate() {
            match number_of(slf, this, &predecessor) {
                Ok((borrowed, source)) => {
                    this = borrowed;
                    this.stage.added()?.push(source, target)?;
                }
                Err(error) => {
                    let missing = (predecessors.len() - position) as u32;
                    slf.borrow_mut().stage.added()?.shortfalls.push((target, missing));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn prepare(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let mut this = slf.borrow_mut();
        match &this.stage {
            Stage::Adding(added) => {
                let (successors, frontier) =
                    sorted(this.nodes.len(), added).map_err(memory_error)?;
                this.stage = Stage::Sorting { successors, frontier };
            }
            Stage::Sorting { frontier, .. } => may_prepare_again(py, frontier)?,
        }
        let (successors, _) = this.stage.sorting()?;
        let Some(cycle) = find_cycle(successors) else { return Ok(()) };
        let nodes: Vec<_> = cycle.iter().map(|&each| this.nodes.node(each).clone_ref(py)).collect();
        drop(this);
        Err(CycleError::new_err(("nodes are in a cycle", nodes)))
    }

    fn get_ready<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let mut this = slf.borrow_mut();
        let TopologicalSorter { nodes, stage } = &mut *this;
        let ready = stage.sorting()?.1.take_ready();
        let nodes: Vec<_> = ready.iter().map(|&each| nodes.node(each).clone_ref(py)).collect();
        // Making a tuple may start the garbage collector, and with it any Python code.
        drop(this);
        PyTuple::new(py, nodes)
    }

    fn is_active(&mut self) -> PyResult<bool> {
        Ok(self.stage.sorting()?.1.is_active())
    }

    fn __bool__(&mut self) -> PyResult<bool> {
        self.is_active()
    }

    #[pyo3(signature = (*nodes))]
    fn done(slf: &Bound<'_, Self>, nodes: &Bound<'_, PyTuple>) -> PyResult<()> {
        let mut this = slf.borrow_mut();
        this.stage.sorting()?;
        for node in nodes.iter_borrowed() {
            let found;
            (this, _, found) = look_up(slf, this, &node)?;
            let outcome = match found {
                None => Err(NotFinished::Unknown),
                Some(number) => {
                    let (successors, frontier) = this.stage.sorting()?;
                    frontier.finish(successors, number)
                }
            };
            if let Err(fault) = outcome {
                drop(this);
                return Err(not_finished(&node, fault));
            }
        }
        Ok(())
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        cls.py().import("types")?.call_method1("GenericAlias", (cls, item))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.nodes.nodes().try_for_each(|node| visit.call(node))
    }

    fn __clear__(&mut self) {
        self.nodes = Table::default();
        self.stage = Stage::Adding(Added::default());
    }
}

impl Stage {
    fn added(&mut self) -> PyResult<&mut Added> {
        match self {
            Self::Adding(added) => Ok(added),
            Self::Sorting { .. } => {
                Err(PyValueError::new_err("Nodes cannot be added after a call to prepare()"))
            }
        }
    }

    fn sorting(&mut self) -> PyResult<(&Rows, &mut Frontier)> {
        match self {
            Self::Sorting { successors, frontier } => Ok((successors, frontier)),
            Self::Adding(_) => Err(PyValueError::new_err("prepare() must be called first")),
        }
    }
}

impl Added {
    fn reserve(&mut self, count: usize) -> PyResult<()> {
        let room = self.sources.try_reserve(count).and_then(|()| self.targets.try_reserve(count));
        room.map_err(|_| memory_error(GraphRefusal::OutOfMemory))
    }

    fn push(&mut self, source: u32, target: u32) -> PyResult<()> {
        // Room was made for the whole call, unless Python code that ran since has used it up.
        self.reserve(1)?;
        self.sources.push(source);
        self.targets.push(target);
        Ok(())
    }
}

/// The number of `node`, which is a new one if it was not seen before.
#[inline]
fn number_of<'py>(
    slf: &Bound<'py, TopologicalSorter>,
    this: Borrowed<'py>,
    node: &Bound<'py, PyAny>,
) -> PyResult<(Borrowed<'py>, u32)> {
    let (mut this, key, found) = look_up(slf, this, node)?;
    let number = match found {
        Some(number) => number,
        None => this.nodes.insert(&key).ok_or_else(|| memory_error(GraphRefusal::OutOfMemory))?,
    };
    Ok((this, number))
}

/// Look a node up. The borrow is given back for as long as Python code may run.
#[inline]
fn look_up<'a, 'py>(
    slf: &Bound<'py, TopologicalSorter>,
    mut this: Borrowed<'py>,
    node: &'a Bound<'py, PyAny>,
) -> PyResult<(Borrowed<'py>, Key<'a, 'py>, Option<u32>)> {
    let key = if let Some(key) = Key::plain(node) {
        key
    } else {
        drop(this);
        let key = Key::hashed(node)?;
        this = slf.borrow_mut();
        key
    };
    let mut probe = this.nodes.first_probe(&key);
    loop {
        match this.nodes.find(&key, &mut probe) {
            Step::Found(number) => return Ok((this, key, Some(number))),
            Step::Absent => return Ok((this, key, None)),
            Step::Compare(number, other) => {
                let probed = this.nodes.slot_count();
                drop(this);
                let equal = other.bind(slf.py()).eq(node)?;
                drop(other);
                this = slf.borrow_mut();
                if this.nodes.slot_count() != probed {
                    probe = this.nodes.first_probe(&key);
                } else if equal {
                    return Ok((this, key, Some(number)));
                }
            }
        }
    }
}

fn sorted(node_count: usize, added: &Added) -> Result<(Rows, Frontier), GraphRefusal> {
    let edges = Pairs::new(&added.sources, &added.targets)?;
    let node_count = u32::try_from(node_count).map_err(|_| GraphRefusal::OutOfMemory)?;
    let successors = Rows::group(node_count, &edges)?;
    let mut waiting = waiting_counts(&successors)?;
    for &(node, missing) in &added.shortfalls {
        waiting[node as usize] += missing;
    }
    let frontier = Frontier::from_waiting(waiting)?;
    Ok((successors, frontier))
}

/// Since Python 3.14 `prepare` may be called again until the first node is handed out.
fn may_prepare_again(py: Python<'_>, frontier: &Frontier) -> PyResult<()> {
    if py.version_info() < (3, 14) {
        Err(PyValueError::new_err("cannot prepare() more than once"))
    } else if frontier.is_started() {
        Err(PyValueError::new_err("cannot prepare() after starting sort"))
    } else {
        Ok(())
    }
}

fn not_finished(node: &Bound<'_, PyAny>, fault: NotFinished) -> PyErr {
    let node = match node.repr() {
        Ok(node) => node.to_string(),
        Err(error) => return error,
    };
    PyValueError::new_err(match fault {
        NotFinished::Unknown => format!("node {node} was not added using add()"),
        NotFinished::NotOut => format!("node {node} was not passed out (still not ready)"),
        NotFinished::Already => format!("node {node} was already marked done"),
    })
}

fn memory_error(refusal: GraphRefusal) -> PyErr {
    PyMemoryError::new_err(refusal.to_string())
}
