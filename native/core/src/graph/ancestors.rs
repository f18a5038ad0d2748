//! What comes before a node, directly or not.

use super::rows::Rows;

/// Every node before a given one, each once, nearest first along each path.
#[derive(Clone, Debug)]
pub struct Ancestors<'a> {
    predecessors: &'a Rows,
    /// One bit per node: met already.
    met: Vec<u64>,
    left: Vec<u32>,
}

impl<'a> Ancestors<'a> {
    pub(super) fn new(predecessors: &'a Rows, node: u32) -> Self {
        let met = vec![0; (predecessors.node_count() as usize).div_ceil(64)];
        let mut ancestors = Self { predecessors, met, left: Vec::new() };
        ancestors.meet(node);
        ancestors.meet_predecessors(node);
        ancestors
    }

    fn meet(&mut self, node: u32) -> bool {
        let (word, bit) = (node as usize / 64, 1 << (node % 64));
        let first = self.met[word] & bit == 0;
        self.met[word] |= bit;
        first
    }

    fn meet_predecessors(&mut self, node: u32) {
        for &predecessor in self.predecessors.of(node) {
            if self.meet(predecessor) {
                self.left.push(predecessor);
            }
        }
    }
}

impl Iterator for Ancestors<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let node = self.left.pop()?;
        self.meet_predecessors(node);
        Some(node)
    }
}
