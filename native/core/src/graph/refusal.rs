//! What is refused when a graph is built.

use thiserror::Error;

/// The end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The node that comes first.
    Source,
    /// The node that waits for it.
    Target,
}

/// Why no graph was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum GraphRefusal {
    /// The node count is above [`super::NODE_COUNT_MAX`].
    #[error("wanted at most {most} nodes, found {found}")]
    TooManyNodes {
        /// The count asked for.
        found: u32,
        /// The bound.
        most: u32,
    },
    /// The edge count is above [`super::EDGE_COUNT_MAX`].
    #[error("wanted at most {most} edges, found {found}")]
    TooManyEdges {
        /// The count given.
        found: usize,
        /// The bound.
        most: u32,
    },
    /// The two lists of ends do not pair up.
    #[error("wanted as many sources as targets, found {sources} sources and {targets} targets")]
    LengthsDiffer {
        /// How many sources were given.
        sources: usize,
        /// How many targets were given.
        targets: usize,
    },
    /// An edge names a node that does not exist.
    #[error("edge {position}: wanted a {side:?} below {node_count}, found {found}")]
    NodeOutOfRange {
        /// Which end of the edge.
        side: Side,
        /// Which edge, counted from 0.
        position: usize,
        /// The number found, as it was given.
        found: u64,
        /// How many nodes there are.
        node_count: u32,
    },
    /// The edges read the second time were not those read the first time.
    #[error("the edges were changed while they were read")]
    EdgesChanged,
    /// The arrays could not be allocated.
    #[error("not enough memory for the graph")]
    OutOfMemory,
}

impl GraphRefusal {
    /// Name the ends as the caller does, when the rows were built against the edges' direction.
    pub(super) fn seen_from_the_other_side(self) -> Self {
        match self {
            Self::NodeOutOfRange { side: Side::Source, position, found, node_count } => {
                Self::NodeOutOfRange { side: Side::Target, position, found, node_count }
            }
            Self::NodeOutOfRange { side: Side::Target, position, found, node_count } => {
                Self::NodeOutOfRange { side: Side::Source, position, found, node_count }
            }
            Self::LengthsDiffer { sources, targets } => {
                Self::LengthsDiffer { sources: targets, targets: sources }
            }
            same @ (Self::TooManyNodes { .. }
            | Self::TooManyEdges { .. }
            | Self::EdgesChanged
            | Self::OutOfMemory) => same,
        }
    }
}

/// A list of `count` zeros, or a refusal where the allocator would end the process.
pub(super) fn zeros(count: usize) -> Result<Vec<u32>, GraphRefusal> {
    let mut list = empty_list(count)?;
    list.resize(count, 0);
    Ok(list)
}

/// An empty list with room for `capacity` numbers.
pub(super) fn empty_list(capacity: usize) -> Result<Vec<u32>, GraphRefusal> {
    let mut list = Vec::new();
    list.try_reserve_exact(capacity).map_err(|_| GraphRefusal::OutOfMemory)?;
    Ok(list)
}
