//! The state of a shard, as those who decide read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::directory::{Deployed, Directory, Key};
use super::moves::Moved;
use super::rates::{RateOf, Rates};
use super::run::Run;
use crate::definition::{Definition, RateLimit};
use crate::ids::{DefinitionHash, RunNumber};
use crate::time::Millis;

/// The state of a shard.
#[derive(Debug, Default)]
pub struct State {
    pub(super) position: u64,
    pub(super) next_run: u64,
    pub(super) definitions: BTreeMap<DefinitionHash, Arc<Definition>>,
    pub(super) directory: Directory,
    pub(super) runs: BTreeMap<RunNumber, Box<Run>>,
    pub(super) rates: Rates,
    /// Runs that ended in the present turn; they leave when the next one begins.
    pub(super) closing: Vec<RunNumber>,
    /// Ended runs that were taken back to be looked at, until the turn ends. No part of the state
    /// proper.
    pub(super) visiting: Vec<RunNumber>,
    /// What `apply` moved, for those that carry out effects. No part of the state proper.
    pub(super) moved: Vec<Moved>,
}

impl State {
    /// The position of the turn that was applied last.
    pub fn position(&self) -> u64 {
        self.position
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
        self.runs.get(&number).map(|run| &**run)
    }

    /// The live run with this id.
    pub fn run_by_id(&self, namespace: &str, run_id: &str) -> Option<&Run> {
        self.run(self.run_number(namespace, run_id)?)
    }

    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().map(|run| &**run)
    }

    pub fn run_count(&self) -> usize {
        self.runs.len()
    }

    /// The number that the next run will get.
    pub fn next_run(&self) -> RunNumber {
        RunNumber(self.next_run + 1)
    }

    /// When a rate allows the next start of a task type or key, if that is later than now.
    pub fn rate_allows_at(&self, of: &RateOf, rate: RateLimit, now: Millis) -> Option<Millis> {
        self.rates.allows_at(of, rate, now)
    }

    /// Whether a definition is deployed in a namespace under any version.
    pub fn is_deployed(&self, namespace: &str, definition: &Definition) -> bool {
        let deployed = self.deployed(namespace, &definition.name);
        deployed.iter().any(|each| each.definition == definition.hash)
    }

    /// What moved since this was last asked.
    pub fn take_moves(&mut self) -> Vec<Moved> {
        std::mem::take(&mut self.moved)
    }

    /// Gives back the list that `take_moves` gave, so that each event does not make one anew.
    pub(crate) fn reuse_moves(&mut self, mut moved: Vec<Moved>) {
        moved.clear();
        self.moved = moved;
    }
}
