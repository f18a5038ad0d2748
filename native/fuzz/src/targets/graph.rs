//! Graphs from two lists of numbers.

use pyflow_core::graph::{Duplicates, Frontier, Graph};

use super::feed::Feed;

const EDGE_COUNT_MAX: usize = 64;

pub fn target(data: &[u8]) {
    let mut feed = Feed::new(data);
    let node_count = u32::from(feed.byte());
    let duplicates =
        if feed.byte().is_multiple_of(2) { Duplicates::Keep } else { Duplicates::Fold };
    let (mut sources, mut targets) = (Vec::new(), Vec::new());
    while !feed.is_empty() && sources.len() < EDGE_COUNT_MAX {
        sources.push(feed.index());
        targets.push(feed.index());
    }
    let all_known = sources.iter().chain(&targets).all(|node| *node < node_count);
    let graph = match Graph::from_edges(node_count, &sources, &targets, duplicates) {
        Ok(graph) => graph,
        Err(refusal) => {
            assert!(!all_known, "a graph of known nodes is built: {refusal:?}");
            return;
        }
    };
    assert!(all_known, "an edge to nowhere is refused");
    match (graph.topological_order(), graph.find_cycle()) {
        (Some(order), None) => check_order(&graph, &order),
        (None, Some(cycle)) => check_cycle(&graph, &cycle),
        (order, cycle) => panic!("a graph has an order or a cycle: {order:?} {cycle:?}"),
    }
    assert_eq!(drained(&graph), graph.find_cycle().is_none(), "only cycles hold up a drain");
}

fn check_order(graph: &Graph, order: &[u32]) {
    let mut place = vec![usize::MAX; graph.node_count() as usize];
    order.iter().enumerate().for_each(|(at, node)| place[*node as usize] = at);
    for node in 0..graph.node_count() {
        assert_ne!(place[node as usize], usize::MAX, "each node has its place");
        for after in graph.successors(node) {
            assert!(place[node as usize] < place[*after as usize], "what waits comes later");
        }
    }
}

fn check_cycle(graph: &Graph, cycle: &[u32]) {
    for pair in cycle.windows(2) {
        assert!(graph.successors(pair[0]).contains(&pair[1]), "a cycle follows edges");
    }
    let (first, last) = (cycle[0], cycle[cycle.len() - 1]);
    assert!(first == last || graph.successors(last).contains(&first), "a cycle closes");
}

/// Whether everything is handed out when all that is ready is finished, again and again.
fn drained(graph: &Graph) -> bool {
    let rows = graph.successor_rows();
    let mut frontier = Frontier::new(rows).expect("the rows are of one graph");
    loop {
        let ready = frontier.take_ready().to_vec();
        if ready.is_empty() {
            return frontier.finished_count() == graph.node_count();
        }
        frontier.finish_all(rows, &ready).expect("what was handed out can be finished");
    }
}
