//! The loops. Each gives how much was done, so that nothing of it can be left out.

use std::sync::Arc;

use pyflow_core::codec::{Reader, Stored};
use pyflow_core::command::Outcome;
use pyflow_core::definition::Definition;
use pyflow_core::effect::Effect;
use pyflow_core::event::Event;
use pyflow_core::graph::{Frontier, Pairs, Rows};
use pyflow_core::payload::Payload;
use pyflow_core::state::State;

use crate::driver::{Driver, SESSION, graph};

const WIDTH: u32 = 100;
const EDGES_A_NODE: u32 = 3;
const STEPS: u32 = 5;
const SLOTS: u32 = 1_000;
const RUNS_A_TURN: u32 = 100;

/// Layers of nodes, each behind three of the layer before, as edges and as a definition.
pub(crate) struct Layers {
    node_count: u32,
    sources: Vec<u32>,
    targets: Vec<u32>,
    definition: Arc<Definition>,
}

impl Layers {
    pub(crate) fn new(node_count: u32) -> Self {
        let (mut sources, mut targets) = (Vec::new(), Vec::new());
        for node in 0..node_count {
            for source in before(node) {
                sources.push(source);
                targets.push(node);
            }
        }
        Self { node_count, sources, targets, definition: graph(node_count, before) }
    }
}

fn before(node: u32) -> Vec<u32> {
    let Some(layer) = (node / WIDTH).checked_sub(1) else { return Vec::new() };
    (0..EDGES_A_NODE).map(|edge| layer * WIDTH + (node * 7 + edge * 31) % WIDTH).collect()
}

/// Build the rows of a graph and drain it in batches.
pub(crate) fn sort(layers: &Layers) -> usize {
    let pairs = Pairs::new(&layers.targets, &layers.sources).expect("as many of each");
    let rows = Rows::group(layers.node_count, &pairs).expect("the nodes exist");
    let pairs = Pairs::new(&layers.sources, &layers.targets).expect("as many of each");
    let successors = Rows::group(layers.node_count, &pairs).expect("the nodes exist");
    let mut frontier = Frontier::new(&successors).expect("it is no larger than it may be");
    let mut count = rows.item_count() as usize;
    while frontier.is_active() {
        for node in frontier.take_ready().to_vec() {
            count += node as usize;
            frontier.finish(&successors, node).expect("it was handed out");
        }
    }
    count
}

/// Start a run of layers and complete its tasks.
pub(crate) fn one_run(layers: &Layers) -> usize {
    let mut driver = Driver::new(SLOTS);
    driver.deploy(&layers.definition);
    driver.start("run");
    driver.complete_all();
    driver.handed_out
}

/// Start runs of five steps and complete them side by side.
pub(crate) fn many_runs(runs: u32) -> usize {
    let mut driver = Driver::new(SLOTS);
    driver.deploy(&graph(STEPS, |task| task.checked_sub(1).into_iter().collect()));
    for run in 0..runs {
        driver.start(&format!("run-{run}"));
    }
    driver.complete_all();
    driver.handed_out
}

/// The log of runs of five steps, to be decoded and applied as after a crash.
pub(crate) struct Fold {
    turns: Vec<(u64, Vec<u8>)>,
    definition: Arc<Definition>,
}

impl Fold {
    pub(crate) fn new(runs: u32) -> Self {
        let definition = graph(STEPS, |task| task.checked_sub(1).into_iter().collect());
        let mut driver = Driver::new(SLOTS);
        driver.deploy(&definition);
        let mut fold = Self { turns: Vec::new(), definition };
        let mut granted = Vec::new();
        for run in 0..runs {
            driver.start(&format!("run-{run}"));
            // Before the turn is full: the driver would end it, and keep nothing of it.
            if run % RUNS_A_TURN == 0 {
                granted.extend(fold.keep_turns(&mut driver));
            }
        }
        granted.extend(fold.keep_turns(&mut driver));
        while !granted.is_empty() {
            for handle in granted {
                let output = Payload::new("1".into());
                driver.shard.report(SESSION, handle, Outcome::Completed { output }, driver.now);
            }
            granted = fold.keep_turns(&mut driver);
        }
        assert!(fold.run() >= (runs * STEPS) as usize, "the log is whole");
        fold
    }

    /// Ends turns until nothing is left to do, keeps what they wrote and gives what they granted.
    fn keep_turns(&mut self, driver: &mut Driver) -> Vec<u64> {
        let mut granted = Vec::new();
        loop {
            let turn = driver.shard.end_turn(driver.now);
            if !turn.encoded.is_empty() {
                self.turns.push((turn.position, turn.encoded));
            }
            granted.extend(turn.effects.into_iter().filter_map(|effect| {
                if let Effect::Grant(granted) = effect { Some(granted.handle) } else { None }
            }));
            if !driver.shard.has_work(driver.now) {
                return granted;
            }
        }
    }

    /// Decode every event and apply it.
    pub(crate) fn run(&self) -> usize {
        let mut state = State::default();
        state.learn(self.definition.clone());
        let mut count = 0;
        for (position, encoded) in &self.turns {
            state.begin_turn(*position);
            let mut reader = Reader::new(encoded);
            while !reader.is_empty() {
                state.apply(&Event::read(&mut reader).expect("it was written here"));
                count += 1;
            }
            state.take_moves();
        }
        count
    }
}
