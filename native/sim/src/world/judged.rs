//! A world with those who judge it.

use std::fmt;

use pyflow_core::event::Event;

use super::scene::Scene;
use crate::disk::KeptTurn;
use crate::invariants::{Invariant, Judged, all_invariants};
use crate::probes::{BLURRED, SUSPECT};

/// A promise that was broken, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The invariant, by the promise that it keeps watch over.
    pub invariant: &'static str,
    pub message: String,
    pub step: usize,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at step {}: {}", self.invariant, self.step, self.message)
    }
}

/// An invariant, and how often it has judged.
#[derive(Debug)]
struct Judge {
    invariant: Box<dyn Invariant>,
    count: u64,
}

/// One seed's world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) scene: Scene,
    judges: Vec<Judge>,
    pub(crate) step: usize,
}

impl World {
    pub(crate) fn new(scene: Scene, has_canary: bool) -> Self {
        let invariants = all_invariants(has_canary).into_iter();
        let judges = invariants.map(|invariant| Judge { invariant, count: 0 }).collect();
        Self { scene, judges, step: 0 }
    }

    /// Asks every judge the same question.
    pub(crate) fn ask_all(
        &mut self,
        mut question: impl FnMut(&mut dyn Invariant, &Scene) -> Judged,
    ) -> Result<(), Failure> {
        for judge in &mut self.judges {
            let judged = question(judge.invariant.as_mut(), &self.scene);
            judge.count += u64::from(!self.scene.had_no_opinion.take());
            if let Err(message) = judged {
                let invariant = judge.invariant.name();
                return Err(Failure { invariant, message, step: self.step });
            }
        }
        Ok(())
    }

    pub(crate) fn fails(&self, invariant: &'static str, message: String) -> Failure {
        Failure { invariant, message, step: self.step }
    }

    /// Takes in the turns that the disk has got since the last look.
    pub(super) fn take_turns(&mut self) -> Result<(), Failure> {
        for turn in self.scene.disk.turns_from(self.scene.turn_count) {
            self.take_turn(&turn)?;
        }
        Ok(())
    }

    fn take_turn(&mut self, turn: &KeptTurn) -> Result<(), Failure> {
        self.scene.turn_count += 1;
        self.scene.tally.turns += 1;
        let events = self.read_back(turn)?;
        self.ask_all(|invariant, scene| invariant.turn(scene, turn, &events))?;
        for event in &events {
            let position = turn.position;
            let run = event.run().map_or(0, |run| run.0);
            self.scene.trace.tell(format_args!("  log {position} run {run}: {event:?}"));
            self.scene.tally.events += 1;
            self.scene.tally.probe(event.kind());
            self.ask_all(|invariant, scene| invariant.event(scene, event))?;
            if let Event::RunCreated(created) = event {
                self.scene.workers.forget(&created.run_id);
            }
            self.scene.model.take(position, event);
        }
        self.scene.model.ends.insert(turn.epoch, turn.position);
        self.scene.mirror.fold(turn.position, events);
        Ok(())
    }

    /// The events of a turn.
    fn read_back(&mut self, turn: &KeptTurn) -> Result<Vec<Event>, Failure> {
        let read = self.scene.mirror.read(turn);
        let told = read.as_ref().map(drop).map_err(ToString::to_string);
        self.ask_all(|invariant, scene| invariant.read_back(scene, turn, &told))?;
        Ok(read.unwrap_or_default())
    }

    /// Folds the log anew, where the disk has lost the end of it.
    pub(super) fn fold_again(&mut self) -> Result<(), Failure> {
        self.scene.model = self.scene.model.emptied();
        self.scene.mirror = self.scene.mirror.emptied();
        self.scene.turn_count = 0;
        for turn in self.scene.disk.turns() {
            self.scene.turn_count += 1;
            let events = self.read_back(&turn)?;
            for event in &events {
                self.scene.model.take(turn.position, event);
            }
            self.scene.model.ends.insert(turn.epoch, turn.position);
            self.scene.mirror.fold(turn.position, events);
        }
        Ok(())
    }

    /// The end of the story: every judge looks once more, and the tally is closed.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        self.ask_all(|invariant, scene| invariant.ended(scene))
    }

    pub(crate) fn close_tally(&mut self) {
        let scene = &mut self.scene;
        if scene.model.runs.values().any(|run| run.is_blurred) {
            scene.tally.probe(BLURRED);
        }
        if scene.model.alone_until > 0 {
            scene.tally.probe(SUSPECT);
        }
        for judge in &self.judges {
            *scene.tally.checks.entry(judge.invariant.name()).or_default() += judge.count;
        }
        scene.tally.runs = scene.model.runs.len() as u64;
        scene.tally.acknowledged = scene.ledger.acknowledged().count() as u64;
        scene.tally.end_seed();
    }
}
