//! Compressed rows, made by a counting sort.

use super::refusal::{GraphRefusal, Side, zeros};
use super::{EDGE_COUNT_MAX, NODE_COUNT_MAX};

/// Edges as they lie with the caller. They are read twice, so that they need no copy.
pub trait Edges {
    /// How many there are.
    fn count(&self) -> usize;
    /// The source and the target of the edge at `position`, not yet checked.
    fn at(&self, position: usize) -> (u64, u64);
}

/// Edges in two lists of equal length.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<'a> {
    sources: &'a [u32],
    targets: &'a [u32],
}

impl<'a> Pairs<'a> {
    /// Pair up the two lists; refused if their lengths differ.
    pub fn new(sources: &'a [u32], targets: &'a [u32]) -> Result<Self, GraphRefusal> {
        if sources.len() == targets.len() {
            Ok(Self { sources, targets })
        } else {
            Err(GraphRefusal::LengthsDiffer { sources: sources.len(), targets: targets.len() })
        }
    }
}

impl Edges for Pairs<'_> {
    fn count(&self) -> usize {
        self.sources.len()
    }

    fn at(&self, position: usize) -> (u64, u64) {
        (self.sources[position].into(), self.targets[position].into())
    }
}

/// For each node a list of nodes, in the order in which its edges were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Where each node's list ends in `items`; it starts where the one before ends.
    ends: Vec<u32>,
    items: Vec<u32>,
    one_way: bool,
}

impl Rows {
    /// Group the targets of `edges` by their source.
    pub fn group(node_count: u32, edges: &impl Edges) -> Result<Self, GraphRefusal> {
        if node_count > NODE_COUNT_MAX {
            return Err(GraphRefusal::TooManyNodes { found: node_count, most: NODE_COUNT_MAX });
        }
        if edges.count() > EDGE_COUNT_MAX as usize {
            let (found, most) = (edges.count(), EDGE_COUNT_MAX);
            return Err(GraphRefusal::TooManyEdges { found, most });
        }
        let mut ends = zeros(node_count as usize)?;
        let one_way = count_sources(&mut ends, edges)?;
        counts_to_starts(&mut ends);
        let mut items = zeros(edges.count())?;
        place_targets(&mut ends, &mut items, edges)?;
        Ok(Self { ends, items, one_way })
    }

    /// The number of rows.
    pub fn node_count(&self) -> u32 {
        self.ends.len() as u32
    }

    /// The number of items in all rows together.
    pub fn item_count(&self) -> u32 {
        self.items.len() as u32
    }

    /// The items of all rows, end to end.
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    /// Whether all edges lead to higher numbers, or all to lower ones: then there is no cycle.
    pub fn is_one_way(&self) -> bool {
        self.one_way
    }

    /// The list of `node`.
    #[inline]
    pub fn of(&self, node: u32) -> &[u32] {
        let node = node as usize;
        let start = if node == 0 { 0 } else { self.ends[node - 1] };
        &self.items[start as usize..self.ends[node] as usize]
    }

    /// The bytes held.
    pub fn size(&self) -> usize {
        (self.ends.capacity() + self.items.capacity()) * size_of::<u32>()
    }

    /// Keep only the first of equal items in each row.
    pub(super) fn fold_duplicates(&mut self) -> Result<(), GraphRefusal> {
        // The row that last held each node, plus one; 0 stands for none.
        let mut held_by = zeros(self.ends.len())?;
        let (mut start, mut kept) = (0, 0);
        for row in 0..self.ends.len() {
            let end = self.ends[row] as usize;
            for position in start..end {
                let item = self.items[position];
                if held_by[item as usize] != row as u32 + 1 {
                    held_by[item as usize] = row as u32 + 1;
                    self.items[kept] = item;
                    kept += 1;
                }
            }
            start = end;
            self.ends[row] = kept as u32;
        }
        self.items.truncate(kept);
        Ok(())
    }
}

/// Count each node's edges into `counts`, checking both ends; says whether all lead one way.
fn count_sources(counts: &mut [u32], edges: &impl Edges) -> Result<bool, GraphRefusal> {
    let node_count = counts.len() as u64;
    let (mut rising, mut falling) = (true, true);
    for position in 0..edges.count() {
        let (source, target) = edges.at(position);
        if source >= node_count || target >= node_count {
            return Err(out_of_range(position, source, target, node_count));
        }
        rising &= source < target;
        falling &= source > target;
        counts[source as usize] += 1;
    }
    Ok(rising || falling)
}

fn counts_to_starts(counts: &mut [u32]) {
    let mut start = 0;
    for count in counts {
        start += std::mem::replace(count, start);
    }
}

/// Put each target at the place its source has reached, which turns starts into ends.
fn place_targets(
    reached: &mut [u32],
    items: &mut [u32],
    edges: &impl Edges,
) -> Result<(), GraphRefusal> {
    let node_count = reached.len() as u64;
    for position in 0..edges.count() {
        let (source, target) = edges.at(position);
        // The caller's memory may have changed since it was counted: check again, trust nothing.
        let place = reached.get_mut(source as usize).ok_or(GraphRefusal::EdgesChanged)?;
        let item = items.get_mut(*place as usize).ok_or(GraphRefusal::EdgesChanged)?;
        if target >= node_count {
            return Err(GraphRefusal::EdgesChanged);
        }
        *item = target as u32;
        *place += 1;
    }
    Ok(())
}

#[cold]
fn out_of_range(position: usize, source: u64, target: u64, node_count: u64) -> GraphRefusal {
    let (side, found) =
        if source >= node_count { (Side::Source, source) } else { (Side::Target, target) };
    GraphRefusal::NodeOutOfRange { side, position, found, node_count: node_count as u32 }
}
