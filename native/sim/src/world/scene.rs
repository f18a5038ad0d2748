//! Everything of a world but those who judge it.

use std::cell::Cell;

use pyflow_core::consistency::Consistency;
use pyflow_engine::Engine;

use super::ledger::{Asked, Extras, Ledger, Start};
use super::mirror::Mirror;
use super::workers::Workers;
use crate::dice::Dice;
use crate::disk::Disk;
use crate::invariants::Judged;
use crate::model::Model;
use crate::swarm::Swarm;
use crate::tally::Tally;
use crate::trace::Trace;

/// The world as it is now.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) swarm: Swarm,
    pub(crate) disk: Disk,
    /// None between two processes.
    pub(crate) engine: Option<Engine>,
    pub(crate) epoch: u32,
    /// What the process's clock shows, in milliseconds since 1970.
    pub(crate) now: u64,
    pub(crate) model: Model,
    pub(crate) mirror: Mirror,
    pub(crate) ledger: Ledger,
    pub(crate) workers: Workers,
    /// The definitions of the seed, and the index at which each was drawn.
    pub(crate) flows: Vec<Drawn>,
    pub(crate) tally: Tally,
    pub(crate) trace: Trace,
    /// The flip of coins by which some checks are made only now and then.
    pub(crate) dice: Dice,
    /// Runs that were asked for.
    pub(crate) run_ids: Vec<String>,
    /// The bounds of what the log has been told: turns seen so far.
    pub(crate) turn_count: usize,
    /// Whether nothing was written while the ring was turned last: what was told then is told of the
    /// same record that the model holds.
    pub(crate) is_quiet: bool,
    /// How often a trouble has befallen the disk.
    pub(crate) trouble_count: u64,
    /// Whether faults are over.
    pub(crate) is_calm: bool,
    /// Whether who was asked last had no opinion.
    pub(crate) had_no_opinion: Cell<bool>,
}

/// A definition that was drawn, in the forms in which it is needed.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) definition: std::sync::Arc<pyflow_core::definition::Definition>,
    pub(crate) stored: bytes::Bytes,
}

impl Scene {
    /// The answer of an invariant that a question is none of: it is not counted as a judgement.
    #[expect(clippy::unnecessary_wraps, reason = "it stands for an invariant's whole answer")]
    pub(crate) fn no_opinion(&self) -> Judged {
        self.had_no_opinion.set(true);
        Ok(())
    }

    /// Whether several have asked for a run of this id.
    pub(crate) fn is_of_another(&self, run_id: &str) -> bool {
        let is_asked =
            |asked: &&Asked| asked.ask.starts().iter().any(|start| start.run_id == run_id);
        self.ledger.asked.values().filter(is_asked).count() > 1
    }

    /// Whether a run may have been started with no more than that.
    pub(crate) fn may_be_lost(&self, run_id: &str) -> bool {
        let is_lax = |flow: &Drawn, extras: &Extras| {
            extras.consistency_of(flow.consistency()) == Consistency::Eventual
        };
        let mut starts = self.ledger.asked.values().flat_map(|asked| asked.ask.starts());
        starts.any(|Start { run_id: asked_id, flow, extras, .. }| {
            let name = extras.by_name.as_deref();
            let mut named = self.flows.iter().filter(|d| Some(&*d.definition.name) == name);
            asked_id == run_id
                && (named.any(|drawn| is_lax(drawn, extras)) || is_lax(&self.flows[*flow], extras))
        })
    }
}

impl Drawn {
    fn consistency(&self) -> Option<Consistency> {
        self.definition.consistency.as_deref().and_then(Consistency::parse)
    }
}
