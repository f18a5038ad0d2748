//! The compressed graph against one that is too simple to be wrong.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    Duplicates, EDGE_COUNT_MAX, Edges, Frontier, Graph, GraphRefusal, NODE_COUNT_MAX, NotFinished,
    Rows, Side,
};

type Pair = (u32, u32);

/// Up to 24 nodes and 80 edges: small enough that cycles, repeats and self-loops are common.
fn any_graph() -> impl Strategy<Value = (u32, Vec<Pair>)> {
    (1u32..24).prop_flat_map(|node_count| {
        let edges = prop::collection::vec((0..node_count, 0..node_count), 0..80);
        (Just(node_count), edges)
    })
}

/// Like `any_graph`, with every edge leading up in a shuffled numbering: never a cycle.
fn any_acyclic_graph() -> impl Strategy<Value = (u32, Vec<Pair>)> {
    any_graph().prop_flat_map(|(node_count, edges)| {
        let numbers = Just((0..node_count).collect::<Vec<_>>()).prop_shuffle();
        numbers.prop_map(move |numbers| {
            let rising = edges.iter().filter(|(source, target)| source < target);
            let renamed = rising.map(|&(a, b)| (numbers[a as usize], numbers[b as usize]));
            (node_count, renamed.collect())
        })
    })
}

fn built(node_count: u32, edges: &[Pair], duplicates: Duplicates) -> Graph {
    let (sources, targets): (Vec<_>, Vec<_>) = edges.iter().copied().unzip();
    Graph::from_edges(node_count, &sources, &targets, duplicates).expect("all ends are in range")
}

/// Every node that `node` can be reached from, by trying all edges until nothing is new.
fn ancestors_naively(edges: &[Pair], node: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for &(source, target) in edges {
            if target == node || found.contains(&target) {
                found.insert(source);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

fn has_cycle_naively(node_count: u32, edges: &[Pair]) -> bool {
    (0..node_count).any(|node| ancestors_naively(edges, node).contains(&node))
}

/// Drain by looking at all edges for each batch.
fn batches_naively(node_count: u32, edges: &[Pair]) -> Vec<BTreeSet<u32>> {
    let mut finished = BTreeSet::new();
    let mut batches = Vec::new();
    loop {
        let is_ready = |node: &u32| {
            let mut predecessors = edges.iter().filter(|edge| edge.1 == *node).map(|edge| edge.0);
            !finished.contains(node) && predecessors.all(|before| finished.contains(&before))
        };
        let batch: BTreeSet<u32> = (0..node_count).filter(is_ready).collect();
        if batch.is_empty() {
            return batches;
        }
        finished.extend(batch.iter().copied());
        batches.push(batch);
    }
}

fn batches(graph: &Graph) -> Vec<BTreeSet<u32>> {
    let mut frontier = Frontier::new(graph.successor_rows()).expect("small");
    let mut batches = Vec::new();
    while frontier.is_active() {
        let ready = frontier.take_ready().to_vec();
        frontier.finish_all(graph.successor_rows(), &ready).expect("all were handed out");
        batches.push(ready.into_iter().collect());
    }
    batches
}

proptest! {
    #[test]
    fn rows_keep_every_edge_in_order((node_count, edges) in any_graph()) {
        let graph = built(node_count, &edges, Duplicates::Keep);

        for node in 0..node_count {
            let after: Vec<u32> = edges.iter().filter(|e| e.0 == node).map(|e| e.1).collect();
            let before: Vec<u32> = edges.iter().filter(|e| e.1 == node).map(|e| e.0).collect();
            prop_assert_eq!(graph.successors(node), after);
            prop_assert_eq!(graph.predecessors(node), before);
        }
        prop_assert_eq!(graph.edge_count() as usize, edges.len());
    }

    #[test]
    fn folding_keeps_the_first_of_equal_edges((node_count, edges) in any_graph()) {
        let mut met = BTreeSet::new();
        let distinct: Vec<Pair> = edges.iter().copied().filter(|edge| met.insert(*edge)).collect();

        let folded = built(node_count, &edges, Duplicates::Fold);

        prop_assert_eq!(folded, built(node_count, &distinct, Duplicates::Keep));
    }

    #[test]
    fn a_cycle_is_named_exactly_when_there_is_one((node_count, edges) in any_graph()) {
        let graph = built(node_count, &edges, Duplicates::Keep);

        let cycle = graph.find_cycle();

        prop_assert_eq!(cycle.is_some(), has_cycle_naively(node_count, &edges));
        prop_assert_eq!(graph.topological_order().is_none(), cycle.is_some());
        if let Some(cycle) = cycle {
            prop_assert!(cycle.len() >= 2);
            prop_assert_eq!(cycle.first(), cycle.last());
            prop_assert!(cycle.windows(2).all(|step| edges.contains(&(step[0], step[1]))));
        }
    }

    #[test]
    fn an_order_puts_each_node_after_its_predecessors((node_count, edges) in any_acyclic_graph()) {
        let order = built(node_count, &edges, Duplicates::Keep).topological_order();

        let order = order.expect("it was made without a cycle");
        let place = |node| order.iter().position(|&each| each == node).expect("each is in it");
        prop_assert_eq!(order.len() as u32, node_count);
        prop_assert!(edges.iter().all(|&(source, target)| place(source) < place(target)));
    }

    #[test]
    fn ancestors_are_met_once_and_all((node_count, edges) in any_graph()) {
        let graph = built(node_count, &edges, Duplicates::Fold);

        for node in 0..node_count {
            let found: Vec<u32> = graph.ancestors(node).collect();
            let distinct: BTreeSet<u32> = found.iter().copied().collect();
            let mut wanted = ancestors_naively(&edges, node);
            wanted.remove(&node);
            prop_assert_eq!(found.len(), distinct.len());
            prop_assert_eq!(distinct, wanted);
        }
    }

    #[test]
    fn a_drain_hands_out_what_has_nothing_left_to_wait_for((node_count, edges) in any_graph()) {
        for duplicates in [Duplicates::Keep, Duplicates::Fold] {
            let graph = built(node_count, &edges, duplicates);
            prop_assert_eq!(batches(&graph), batches_naively(node_count, &edges));
        }
    }

    #[test]
    fn a_batch_with_a_fault_changes_nothing(
        (node_count, edges) in any_acyclic_graph(),
        batch in prop::collection::vec(0u32..26, 1..30),
    ) {
        let graph = built(node_count, &edges, Duplicates::Keep);
        let mut frontier = Frontier::new(graph.successor_rows()).expect("small");
        let ready: BTreeSet<u32> = frontier.take_ready().iter().copied().collect();
        let before = format!("{frontier:?}");

        let outcome = frontier.finish_all(graph.successor_rows(), &batch);

        let distinct: BTreeSet<u32> = batch.iter().copied().collect();
        let sound = distinct.len() == batch.len() && distinct.is_subset(&ready);
        prop_assert_eq!(outcome.is_ok(), sound);
        if !sound {
            prop_assert_eq!(format!("{frontier:?}"), before);
        }
    }
}

#[test]
fn an_end_out_of_range_is_named() {
    let source = Graph::from_edges(3, &[0, 7], &[1, 2], Duplicates::Keep);
    let target = Graph::from_edges(3, &[0, 1], &[1, 3], Duplicates::Keep);

    let named =
        |side, found| Err(GraphRefusal::NodeOutOfRange { side, position: 1, found, node_count: 3 });
    assert_eq!(source, named(Side::Source, 7));
    assert_eq!(target, named(Side::Target, 3));
}

#[test]
fn lists_that_do_not_pair_up_are_refused() {
    let refused = Graph::from_edges(3, &[0, 1], &[1], Duplicates::Keep);

    assert_eq!(refused, Err(GraphRefusal::LengthsDiffer { sources: 2, targets: 1 }));
}

#[test]
fn more_nodes_than_the_bound_are_refused_before_any_is_allocated() {
    let refused = Graph::from_edges(u32::MAX, &[], &[], Duplicates::Keep);

    let wanted = GraphRefusal::TooManyNodes { found: u32::MAX, most: NODE_COUNT_MAX };
    assert_eq!(refused, Err(wanted));
}

#[test]
fn more_edges_than_the_bound_are_refused_before_any_is_read() {
    struct Endless;
    impl Edges for Endless {
        fn count(&self) -> usize {
            usize::MAX
        }
        fn at(&self, _position: usize) -> (u64, u64) {
            unreachable!("the count alone refuses it")
        }
    }

    let refused = Rows::group(1, &Endless);

    let wanted = GraphRefusal::TooManyEdges { found: usize::MAX, most: EDGE_COUNT_MAX };
    assert_eq!(refused, Err(wanted));
}

#[test]
fn edges_that_change_while_read_are_refused() {
    /// Leads elsewhere the second time it is read.
    struct Fickle(std::cell::Cell<u32>, (u64, u64));
    impl Edges for Fickle {
        fn count(&self) -> usize {
            1
        }
        fn at(&self, _position: usize) -> (u64, u64) {
            let reads = self.0.replace(self.0.get() + 1);
            if reads == 0 { (0, 1) } else { self.1 }
        }
    }

    for then in [(9, 1), (0, 9), (1, 0)] {
        let refused = Rows::group(2, &Fickle(std::cell::Cell::new(0), then));
        assert_eq!(refused, Err(GraphRefusal::EdgesChanged), "{then:?}");
    }
}

#[test]
fn a_node_is_finished_once_and_only_after_it_was_handed_out() {
    let graph = built(2, &[(0, 1)], Duplicates::Keep);
    let rows = graph.successor_rows();
    let mut frontier = Frontier::new(rows).expect("small");

    assert_eq!(frontier.finish(rows, 0), Err(NotFinished::NotOut));
    assert!(!frontier.is_started());
    assert_eq!(frontier.take_ready(), [0]);
    assert_eq!(frontier.finish(rows, 1), Err(NotFinished::NotOut));
    assert_eq!(frontier.finish(rows, 2), Err(NotFinished::Unknown));
    assert_eq!(frontier.finish(rows, 0), Ok(()));
    assert_eq!(frontier.finish(rows, 0), Err(NotFinished::Already));
    assert!(frontier.is_active());
    assert_eq!(frontier.take_ready(), [1]);
    assert_eq!(frontier.finish(rows, 1), Ok(()));
    assert!(!frontier.is_active());
    assert_eq!(frontier.finished_count(), 2);
}

#[test]
fn a_long_chain_needs_no_stack() {
    let length = 300_000;
    let mut edges: Vec<Pair> = (1..length).rev().map(|node| (node - 1, node)).collect();
    edges.push((length - 1, length / 2));

    let cycle = built(length, &edges, Duplicates::Keep).find_cycle().expect("one was closed");

    assert_eq!(cycle.len() as u32, length - length / 2 + 1);
}

#[test]
fn an_empty_graph_has_nothing_to_drain() {
    let graph = built(0, &[], Duplicates::Fold);

    assert_eq!(graph.topological_order(), Some(Vec::new()));
    assert_eq!(graph.find_cycle(), None);
    assert!(!Frontier::new(graph.successor_rows()).expect("small").is_active());
}

#[test]
fn a_graph_takes_eight_bytes_a_node_and_an_edge() {
    let edges: Vec<Pair> = (3..1_000).flat_map(|n| [(n - 1, n), (n - 2, n), (n - 3, n)]).collect();

    let graph = built(1_000, &edges, Duplicates::Fold);

    let held = graph.successors.size() + graph.predecessors.size();
    assert_eq!(held, 8 * (1_000 + edges.len()));
}
