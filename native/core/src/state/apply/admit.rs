//! What is brought to the state beside events: definitions, and ended runs that are looked at.

use std::sync::Arc;

use crate::definition::Definition;
use crate::ids::RunNumber;
use crate::state::State;

impl State {
    /// Makes a definition known by its hash; events name definitions, they do not hold them.
    pub fn learn(&mut self, definition: Arc<Definition>) {
        self.definitions.entry(definition.hash).or_insert(definition);
    }

    /// Takes over a run that has left, as it was folded again from its history. Where it is not
    /// opened again it leaves with `dismiss_visitors`.
    pub fn readmit(&mut self, mut folded: Self, number: RunNumber) {
        if let Some(run) = folded.runs.remove(&number) {
            self.directory.ids.insert(run.namespace(), run.run_id().clone(), number);
            self.runs.insert(number, run);
            self.visiting.push(number);
        }
    }

    /// Lets go of the ended runs that were taken back and not opened again.
    pub fn dismiss_visitors(&mut self) {
        for number in std::mem::take(&mut self.visiting) {
            self.retire(number);
        }
    }

    /// Lets go of the runs that ended in the turn before: a checkpoint need not hold them.
    pub fn retire_ended(&mut self) {
        for number in std::mem::take(&mut self.closing) {
            self.retire(number);
        }
    }

    /// Takes an ended run out of memory; a chosen id stays taken.
    pub(super) fn retire(&mut self, number: RunNumber) {
        let Some(run) = self.runs.remove(&number) else { return };
        if !run.chosen {
            self.directory.ids.remove(&run.namespace, &run.id);
        }
    }
}
