//! The extension `pyflow._native`: the border, and nothing but the border.

mod core;
mod definition;
mod door;
mod grants;
mod graph;
mod requests;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::core::Core;
    #[pymodule_export]
    use super::definition::Definition;
    #[pymodule_export]
    use super::graph::{Graph, TopologicalSorter};

    /// The transition tables of runs and tasks as Markdown.
    #[pyfunction]
    fn transition_tables() -> String {
        pyflow_core::lifecycle::transition_tables()
    }

    /// The JSON Schema of the parameters of `data_transformation`.
    #[pyfunction]
    fn transformation_schema() -> String {
        pyflow_core::expr::transform::PARAMETERS_SCHEMA.to_string()
    }
}
