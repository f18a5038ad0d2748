//! Orders and cycles, found without recursion.

use super::frontier::Frontier;
use super::rows::Rows;

/// Not met on any walk so far.
const UNSEEN: u32 = u32::MAX;
/// Met, and no longer on the present path.
const LEFT: u32 = u32::MAX - 1;

/// One cycle of the graph, if there is any: each node leads to the next, the first is the last.
///
/// Nodes are tried in the order of their numbers and edges in the order given, so that the same
/// graph always names the same cycle.
pub fn find_cycle(successors: &Rows) -> Option<Vec<u32>> {
    if successors.is_one_way() {
        return None;
    }
    let mut walk = Walk::over(successors);
    (0..successors.node_count()).find_map(|node| walk.cycle_from(node))
}

/// All nodes, each after its predecessors, in the order a drain reaches them; `None` if a cycle
/// keeps some of them from ever being ready.
pub fn topological_order(successors: &Rows) -> Option<Vec<u32>> {
    Frontier::new(successors).ok()?.into_order(successors)
}

/// A depth-first walk that remembers what it has met.
struct Walk<'a> {
    successors: &'a Rows,
    /// For each node: `UNSEEN`, `LEFT`, or its place on the path.
    place: Vec<u32>,
    /// The present path: each node and how many of its edges were taken.
    path: Vec<(u32, u32)>,
}

impl<'a> Walk<'a> {
    fn over(successors: &'a Rows) -> Self {
        let place = vec![UNSEEN; successors.node_count() as usize];
        Self { successors, place, path: Vec::new() }
    }

    fn cycle_from(&mut self, start: u32) -> Option<Vec<u32>> {
        if self.place[start as usize] == UNSEEN {
            self.enter(start);
        }
        while let Some((node, taken)) = self.path.last_mut() {
            let Some(&next) = self.successors.of(*node).get(*taken as usize) else {
                self.place[*node as usize] = LEFT;
                self.path.pop();
                continue;
            };
            *taken += 1;
            match self.place[next as usize] {
                UNSEEN => self.enter(next),
                LEFT => {}
                place => return Some(self.closed_path(place, next)),
            }
        }
        None
    }

    fn enter(&mut self, node: u32) {
        self.place[node as usize] = self.path.len() as u32;
        self.path.push((node, 0));
    }

    fn closed_path(&self, place: u32, node: u32) -> Vec<u32> {
        let round = self.path[place as usize..].iter().map(|&(node, _)| node);
        round.chain([node]).collect()
    }
}
