//! Workers at work.

use bytes::Bytes;

use crate::dice::Dice;
use crate::probes::LARGE_OUTPUT;
use crate::world::{Failing, Held, Outcome, World};

/// What tasks put out, but for what is so large that it is kept beside the log.
const OUTPUTS: [&str; 10] = [
    "null",
    "1",
    "[1,2,3]",
    "[]",
    "{\"a\":[true]}",
    "{\"flag\":1}",
    "{\"flag\":[2]}",
    "{\"flag\":3,\"a\":4}",
    "{\"flag\":null}",
    "[\"text\",{\"b\": 2},null]",
];
const LARGE_SIZE: usize = 300_000;

fn failing(dice: &mut Dice) -> Failing {
    let asks = [None, None, None, Some(true), Some(false)];
    Failing {
        error_type: ["ValueError", "KeyError"][dice.below(2)],
        retryable: asks[dice.below(asks.len())],
        retry_after_ms: dice.chance(10).then(|| dice.between(0, 200_000)),
        number: dice.below(1_000_000),
        is_long: dice.aside("length of a text").chance(3),
    }
}

impl World {
    /// A worker gets on with something.
    pub(super) fn work(&mut self, dice: &mut Dice) {
        let free: Vec<Held> =
            self.scene.workers.held().filter(|held| !held.is_blocked).cloned().collect();
        let Some(held) = dice.one_of(&free).cloned() else { return self.wait_for_wake() };
        if dice.aside("idleness").chance(self.scene.swarm.idle_percent) {
            return self.wait_for_wake();
        }
        if dice.chance(self.scene.swarm.speaking_percent) {
            return match dice.below(5) {
                0 => self.tell_progress(&held, dice.aside("progress").below(10)),
                1 | 2 => self.tell_lines(&held, dice),
                _ => self.beat(&held),
            };
        }
        let outcome = self.outcome(&held, dice);
        self.report(&held, &outcome);
    }

    /// A few lines, or more than are kept.
    fn tell_lines(&mut self, held: &Held, dice: &Dice) {
        if !dice.aside("many lines").chance(12) {
            return self.speak(held, 2);
        }
        self.speak(held, 600);
        self.speak(held, 600);
    }

    fn outcome(&mut self, held: &Held, dice: &mut Dice) -> Outcome {
        if held.stop_told && dice.chance(60) {
            return Outcome::Cancelled;
        }
        let (failed, cancelled) =
            (self.scene.swarm.failed_percent, self.scene.swarm.cancelled_percent);
        if dice.chance(failed) {
            return Outcome::Failed(failing(dice));
        }
        if dice.chance(cancelled) {
            return Outcome::Cancelled;
        }
        if dice.below(400) == 0 {
            self.scene.tally.probe(LARGE_OUTPUT);
            return Outcome::Completed(format!("\"{}\"", "x".repeat(LARGE_SIZE)).into());
        }
        Outcome::Completed(Bytes::from_static(OUTPUTS[dice.below(OUTPUTS.len())].as_bytes()))
    }

    /// Time goes on until something is due by itself.
    pub(super) fn wait_for_wake(&mut self) {
        let span_ms = self.scene.engine.as_ref().and_then(pyflow_engine::Engine::next_wake_ms);
        if let Some(span_ms) = span_ms {
            self.move_clock(span_ms);
        }
    }

    /// An attempt in a worker's hands.
    pub(crate) fn some_held(&mut self) -> Option<Held> {
        let held: Vec<Held> = self.scene.workers.held().cloned().collect();
        self.scene.dice.one_of(&held).cloned()
    }

    /// A worker takes nothing more; half of what it holds it has not begun.
    pub(crate) fn drain_worker(&mut self, session: u32) {
        let Some(engine) = &self.scene.engine else { return };
        engine
            .submit(pyflow_engine::Request::DrainSession { session })
            .expect("what workers say is always taken");
        let mut returned = Vec::new();
        for worker in &mut self.scene.workers.present {
            if worker.session == session {
                worker.is_draining = true;
                let unstarted =
                    worker.holds.values().enumerate().filter(|(place, _)| place % 2 == 0);
                returned.extend(unstarted.map(|(_, held)| held.clone()));
            }
        }
        for held in returned {
            self.report(&held, &Outcome::Returned);
        }
    }
}
