//! What a seed, or many, have done: for the report.

use std::collections::BTreeMap;

/// Counts by name, and how many seeds have met each.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub seeds: u64,
    pub simulated_ms: u64,
    pub steps: u64,
    pub turns: u64,
    pub events: u64,
    pub runs: u64,
    pub acknowledged: u64,
    /// What invariants have judged, by invariant; 0 for one that had nothing to judge.
    pub checks: BTreeMap<&'static str, u64>,
    pub faults: BTreeMap<&'static str, Met>,
    pub probes: BTreeMap<&'static str, Met>,
}

/// How often, and in how many seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    pub times: u64,
    pub seeds: u64,
}

impl Tally {
    pub(crate) fn fault(&mut self, name: &'static str) {
        self.faults.entry(name).or_default().times += 1;
    }

    pub(crate) fn probe(&mut self, name: &'static str) {
        self.probes.entry(name).or_default().times += 1;
    }

    /// Closes the tally of one seed.
    pub(crate) fn end_seed(&mut self) {
        self.seeds = 1;
        for met in self.faults.values_mut().chain(self.probes.values_mut()) {
            met.seeds = u64::from(met.times > 0);
        }
    }

    /// Adds what other seeds have done.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.simulated_ms += other.simulated_ms;
        self.steps += other.steps;
        self.turns += other.turns;
        self.events += other.events;
        self.runs += other.runs;
        self.acknowledged += other.acknowledged;
        for (name, count) in &other.checks {
            *self.checks.entry(name).or_default() += count;
        }
        add_met(&mut self.faults, &other.faults);
        add_met(&mut self.probes, &other.probes);
    }
}

fn add_met(mine: &mut BTreeMap<&'static str, Met>, theirs: &BTreeMap<&'static str, Met>) {
    for (name, met) in theirs {
        let sum = mine.entry(name).or_default();
        sum.times += met.times;
        sum.seeds += met.seeds;
    }
}
