//! How far a drain has come: ready nodes out in batches, finished ones back in.

use super::refusal::{GraphRefusal, zeros};
use super::rows::Rows;

/// Handed out and not yet finished. No count of predecessors reaches it: edges are bounded.
const OUT: u32 = u32::MAX;
/// Finished.
const FINISHED: u32 = u32::MAX - 1;

/// Why a node was not taken as finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFinished {
    /// There is no node of this number.
    Unknown,
    /// It was not handed out yet.
    NotOut,
    /// It was finished before, or twice in this batch.
    Already,
}

/// The state of a drain over successor rows, which are passed in and must always be the same.
#[derive(Clone, Debug)]
pub struct Frontier {
    /// For each node: how many predecessors are unfinished, or `OUT`, or `FINISHED`.
    waiting: Vec<u32>,
    /// Nodes in the order in which they became ready; from `ready_count` on it holds nothing yet.
    order: Vec<u32>,
    ready_count: usize,
    out_count: usize,
    finished_count: usize,
}

impl Frontier {
    /// The start of a drain: every node without predecessors is ready, in the order of numbers.
    pub fn new(successors: &Rows) -> Result<Self, GraphRefusal> {
        Self::from_waiting(waiting_counts(successors)?)
    }

    /// A start where each node waits for as many predecessors as `waiting` says.
    pub fn from_waiting(waiting: Vec<u32>) -> Result<Self, GraphRefusal> {
        let order = zeros(waiting.len())?;
        let mut start = Self { waiting, order, ready_count: 0, out_count: 0, finished_count: 0 };
        for node in 0..start.waiting.len() {
            start.add_ready_if(start.waiting[node] == 0, node as u32);
        }
        Ok(start)
    }

    /// Hand out every ready node, in the order in which they became ready.
    pub fn take_ready(&mut self) -> &[u32] {
        let ready = &self.order[self.out_count..self.ready_count];
        for &node in ready {
            self.waiting[node as usize] = OUT;
        }
        self.out_count = self.ready_count;
        ready
    }

    /// Take one node as finished, which may make others ready.
    pub fn finish(&mut self, successors: &Rows, node: u32) -> Result<(), NotFinished> {
        self.mark_finished(node)?;
        self.release_successors(successors, node);
        Ok(())
    }

    /// Take all `nodes` as finished, or none: the position of the first one at fault is returned.
    pub fn finish_all(
        &mut self,
        successors: &Rows,
        nodes: &[u32],
    ) -> Result<(), (usize, NotFinished)> {
        for (position, &node) in nodes.iter().enumerate() {
            if let Err(fault) = self.mark_finished(node) {
                self.mark_out_again(&nodes[..position]);
                return Err((position, fault));
            }
        }
        for &node in nodes {
            self.release_successors(successors, node);
        }
        Ok(())
    }

    /// Whether a node is ready, or out and unfinished: as long as this holds, the drain can go on.
    pub fn is_active(&self) -> bool {
        self.finished_count < self.ready_count
    }

    /// Whether any node was handed out so far.
    pub fn is_started(&self) -> bool {
        self.out_count > 0
    }

    /// How many nodes were taken as finished.
    pub fn finished_count(&self) -> u32 {
        self.finished_count as u32
    }

    /// The bytes held.
    pub fn size(&self) -> usize {
        (self.waiting.capacity() + self.order.capacity()) * size_of::<u32>()
    }

    /// Go through the whole graph at once; `None` if a cycle keeps nodes from ever being ready.
    pub(super) fn into_order(mut self, successors: &Rows) -> Option<Vec<u32>> {
        let mut place = 0;
        while place < self.ready_count {
            self.release_successors(successors, self.order[place]);
            place += 1;
        }
        (self.ready_count == self.order.len()).then_some(self.order)
    }

    fn mark_finished(&mut self, node: u32) -> Result<(), NotFinished> {
        let state = self.waiting.get_mut(node as usize).ok_or(NotFinished::Unknown)?;
        match *state {
            OUT => *state = FINISHED,
            FINISHED => return Err(NotFinished::Already),
            _count => return Err(NotFinished::NotOut),
        }
        self.finished_count += 1;
        Ok(())
    }

    fn mark_out_again(&mut self, nodes: &[u32]) {
        for &node in nodes {
            self.waiting[node as usize] = OUT;
        }
        self.finished_count -= nodes.len();
    }

    fn release_successors(&mut self, successors: &Rows, node: u32) {
        for &successor in successors.of(node) {
            let count = &mut self.waiting[successor as usize];
            *count -= 1;
            let ready = *count == 0;
            self.add_ready_if(ready, successor);
        }
    }

    /// Written without a branch on `ready`, which is true a third of the time and never foreseen.
    #[inline]
    fn add_ready_if(&mut self, ready: bool, node: u32) {
        if let Some(place) = self.order.get_mut(self.ready_count) {
            *place = node;
            self.ready_count += usize::from(ready);
        }
    }
}

/// How many edges lead to each node.
pub fn waiting_counts(successors: &Rows) -> Result<Vec<u32>, GraphRefusal> {
    let mut waiting = zeros(successors.node_count() as usize)?;
    for &target in successors.items() {
        waiting[target as usize] += 1;
    }
    Ok(waiting)
}
