//! What the documentation and the published schemas are drawn from.

use pyo3::prelude::*;

/// The transition tables of runs and tasks as Markdown.
#[pyfunction]
pub(crate) fn transition_tables() -> String {
    pyflow_core::lifecycle::transition_tables()
}

/// The JSON Schema of the parameters of `data_transformation`.
#[pyfunction]
pub(crate) fn transformation_schema() -> &'static str {
    pyflow_core::expr::transform::PARAMETERS_SCHEMA
}
