//! What a shard knows: the fold of its events. Only `apply` can change it.

pub mod apply;
mod directory;
mod forgiven;
mod instance;
mod map;
mod moves;
mod run;
mod snapshot;

pub use directory::{Deployed, Key};
pub use instance::{Active, Ending, Failure, Instance, Phase, Verdict};
pub use map::{MapState, item_count};
pub use moves::Moved;
pub use run::{Run, Stop};
pub use snapshot::Definitions;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::definition::Definition;
use crate::ids::{DefinitionHash, RunNumber};
use crate::time::Millis;
use directory::Directory;

/// The state of a shard.
#[derive(Debug, Default)]
pub struct State {
    position: u64,
    next_run: u64,
    definitions: BTreeMap<DefinitionHash, Arc<Definition>>,
    directory: Directory,
    runs: BTreeMap<RunNumber, Run>,
    /// For each rate-limited task type: when it would next be free of debt.
    rates: BTreeMap<Arc<str>, Millis>,
    /// Runs that ended in the present turn; they leave when the next one begins.
    closing: Vec<RunNumber>,
    /// What `apply` moved, for those that carry out effects. No part of the state proper.
    moved: Vec<Moved>,
}

impl State {
    /// The position of the turn that was applied last.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Makes a definition known by its hash; events name definitions, they do not hold them.
    pub fn learn(&mut self, definition: Arc<Definition>) {
        self.definitions.entry(definition.hash).or_insert(definition);
    }

    pub fn definition(&self, hash: &DefinitionHash) -> Option<&Arc<Definition>> {
        self.definitions.get(hash)
    }

    /// The definitions deployed under a name, the oldest first.
    pub fn deployed(&self, namespace: &str, name: &str) -> &[Deployed] {
        self.directory.deployed(namespace, name)
    }

    /// Every name with what is deployed under it, in the order of names.
    pub fn all_deployed(&self, namespace: &str) -> impl Iterator<Item = (&Arc<str>, &[Deployed])> {
        self.directory.all_deployed(namespace)
    }

    /// The number of the live run with this id, or of a closed one whose id was chosen.
    pub fn run_number(&self, namespace: &str, run_id: &str) -> Option<RunNumber> {
        self.directory.run_number(namespace, run_id)
    }

    pub fn key(&self, namespace: &str, key: &str) -> Option<&Key> {
        self.directory.key(namespace, key)
    }

    pub fn run(&self, number: RunNumber) -> Option<&Run> {
        self.runs.get(&number)
    }

    /// The live run with this id.
    pub fn run_by_id(&self, namespace: &str, run_id: &str) -> Option<&Run> {
        self.run(self.run_number(namespace, run_id)?)
    }

    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values()
    }

    pub fn run_count(&self) -> usize {
        self.runs.len()
    }

    /// The number that the next run will get.
    pub fn next_run(&self) -> RunNumber {
        RunNumber(self.next_run + 1)
    }

    /// When a rate-limited task type would be free of debt.
    pub fn rate_debt(&self, task_type: &str) -> Option<Millis> {
        self.rates.get(task_type).copied()
    }

    /// Takes over a run that has left, as it was folded again from its history.
    pub fn readmit(&mut self, mut folded: State, number: RunNumber) {
        if let Some(run) = folded.runs.remove(&number) {
            let name = (run.namespace().clone(), run.run_id().clone());
            self.directory.ids.insert(name, number);
            self.runs.insert(number, run);
        }
    }

    /// What moved since this was last asked.
    pub fn take_moves(&mut self) -> Vec<Moved> {
        std::mem::take(&mut self.moved)
    }
}
