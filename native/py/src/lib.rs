//! The extension `pyflow._native`: the border, and nothing but the border.

mod core;
mod definition;
mod door;
mod fields;
mod grants;
mod graph;
mod pages;
mod requests;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::core::{Core, close_inherited_locks};
    #[pymodule_export]
    use super::definition::Definition;
    #[pymodule_export]
    use super::graph::{Graph, TopologicalSorter};
    #[pymodule_export]
    use super::pages::{transformation_schema, transition_tables};
}
