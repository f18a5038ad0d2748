//! The extension `pyflow._native`: the border, and nothing but the border.

mod core;
mod definition;
mod door;
mod fields;
mod graph;
mod pages;
mod requests;
mod worker;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        module.add("PanicException", py.get_type::<pyo3::panic::PanicException>())
    }

    #[pymodule_export]
    use super::core::{Core, after_fork_in_child, after_fork_in_parent, before_fork};
    #[pymodule_export]
    use super::definition::Definition;
    #[pymodule_export]
    use super::graph::{Graph, TopologicalSorter};
    #[pymodule_export]
    use super::pages::{transformation_schema, transition_tables};
    #[pymodule_export]
    use super::worker::{Attempt, Reports, Stage, Stepper};
}
