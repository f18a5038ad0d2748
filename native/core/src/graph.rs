//! The graph of tasks: rows of `u32` node numbers laid end to end, with no object per node or edge.
//!
//! A definition keeps a [`Graph`], which can be walked both ways. Whoever only drains a graph keeps
//! its successor [`Rows`] and a [`Frontier`].

mod ancestors;
mod cycle;
mod frontier;
mod refusal;
mod rows;
#[cfg(test)]
mod tests;

pub use ancestors::Ancestors;
pub use cycle::{find_cycle, topological_order};
pub use frontier::{Frontier, NotFinished, waiting_counts};
pub use refusal::{GraphRefusal, Side};
pub use rows::{Edges, Pairs, Rows};

/// The most nodes of one graph. Arrays of this length must fit in memory several times over.
pub const NODE_COUNT_MAX: u32 = 1 << 26;
/// The most edges of one graph; it keeps every count of predecessors clear of the frontier's marks.
pub const EDGE_COUNT_MAX: u32 = 1 << 30;

/// What to do with an edge that is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// Count it as often as it is given.
    Keep,
    /// Count it once, at its first place.
    Fold,
}

/// A graph that can be walked from a node to what follows it and to what it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    successors: Rows,
    predecessors: Rows,
}

impl Graph {
    /// Build from two lists: edge `k` leads from `sources[k]` to `targets[k]`, which waits for it.
    ///
    /// Takes time linear in nodes and edges, and 8 bytes for each. Rows keep the order of the lists.
    pub fn from_edges(
        node_count: u32,
        sources: &[u32],
        targets: &[u32],
        duplicates: Duplicates,
    ) -> Result<Self, GraphRefusal> {
        let mut successors = Rows::group(node_count, &Pairs::new(sources, targets)?)?;
        let mut predecessors = Rows::group(node_count, &Pairs::new(targets, sources)?)
            .map_err(GraphRefusal::seen_from_the_other_side)?;
        match duplicates {
            Duplicates::Keep => {}
            Duplicates::Fold => {
                successors.fold_duplicates()?;
                predecessors.fold_duplicates()?;
            }
        }
        Ok(Self { successors, predecessors })
    }

    /// The number of nodes; they are numbered from 0.
    pub fn node_count(&self) -> u32 {
        self.successors.node_count()
    }

    /// The number of edges kept.
    pub fn edge_count(&self) -> u32 {
        self.successors.item_count()
    }

    /// The nodes that wait for `node`, in the order in which the edges were given.
    pub fn successors(&self, node: u32) -> &[u32] {
        self.successors.of(node)
    }

    /// The nodes that `node` waits for, in the order in which the edges were given.
    pub fn predecessors(&self, node: u32) -> &[u32] {
        self.predecessors.of(node)
    }

    /// All successor rows, for a [`Frontier`].
    pub fn successor_rows(&self) -> &Rows {
        &self.successors
    }

    /// One cycle, if there is any: each node leads to the next, and the first is also the last.
    pub fn find_cycle(&self) -> Option<Vec<u32>> {
        find_cycle(&self.successors)
    }

    /// All nodes, each after its predecessors; `None` if there is a cycle.
    pub fn topological_order(&self) -> Option<Vec<u32>> {
        topological_order(&self.successors)
    }

    /// Every node that must come before `node`, each once and without `node` itself.
    pub fn ancestors(&self, node: u32) -> Ancestors<'_> {
        Ancestors::new(&self.predecessors, node)
    }
}
