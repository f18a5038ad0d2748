//! What Python sees of the graph: `TopologicalSorter` and `Graph`.

mod buffers;
mod numbered;
mod refusals;
mod sorter;
mod table;

pub(crate) use buffers::Numbers;
pub(crate) use numbered::Graph;
pub(crate) use sorter::TopologicalSorter;
