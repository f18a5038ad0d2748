//! The second phase: faults are over, and everything must end in bounded time.

use crate::dice::Dice;
use crate::world::{Ask, Failure, Held, Outcome, World};

/// So many steps are enough for any seed: each run has few tasks, and each step ends one attempt or
/// moves the clock to what is due next.
const STEPS_MAX: usize = 3_000;

impl World {
    pub(super) fn calm_down(&mut self, dice: &mut Dice) -> Result<(), Failure> {
        self.scene.trace.tell(format_args!("calm"));
        self.scene.disk.calm();
        self.scene.is_calm = true;
        if dice.chance(30) {
            self.die_and_return()?;
        }
        self.move_clock(1_000);
        self.pump()?;
        self.connect_able_worker();
        for run_id in self.scene.run_ids.clone() {
            self.ask(Ask::Resume { run_id: run_id.clone() });
            self.ask(Ask::Result { run_id });
        }
        self.pump()?;
        for _ in 0..STEPS_MAX {
            if self.scene.model.live().next().is_none() {
                return self.tidy_up();
            }
            self.calm_step(dice)?;
        }
        let left = self.still_live();
        self.is_endless(&left)
    }

    /// What is done a bite at a time comes to its end too.
    fn tidy_up(&mut self) -> Result<(), Failure> {
        for _ in 0..STEPS_MAX {
            self.pump()?;
            let wake = self.scene.engine.as_ref().and_then(pyflow_engine::Engine::next_wake_ms);
            if wake != Some(0) {
                return self.ask_all(|invariant, scene| invariant.waited(scene, None));
            }
        }
        self.is_endless("there is always one more thing to tidy up")
    }

    /// One attempt ends well, or time goes on to what is due next.
    fn calm_step(&mut self, dice: &mut Dice) -> Result<(), Failure> {
        let held: Vec<Held> = self.scene.workers.held().cloned().collect();
        if let Some(held) = dice.one_of(&held).cloned() {
            let output = bytes::Bytes::from_static(b"[1]");
            self.report(&held, &Outcome::Completed(output));
            return self.pump();
        }
        let wake = self.scene.engine.as_ref().and_then(pyflow_engine::Engine::next_wake_ms);
        let Some(span_ms) = wake else {
            let message = format!("nothing is at work and nothing is due: {}", self.still_live());
            return self.is_endless(&message);
        };
        self.move_clock(span_ms);
        self.pump()
    }

    fn is_endless(&mut self, what: &str) -> Result<(), Failure> {
        self.ask_all(|invariant, scene| invariant.waited(scene, Some(what)))
    }

    fn still_live(&self) -> String {
        let live = self.scene.model.live();
        let shown: Vec<String> =
            live.map(|run| format!("run {} is {}", run.id, run.stage.word())).collect();
        shown.join(", ")
    }
}
