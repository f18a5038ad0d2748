//! What leaves the ring: answers to clients, grants and requests to stop to workers.

use pyflow_core::effect::Granted;
use pyflow_engine::{Out, Refusal, Value};

use super::judged::{Failure, World};
use super::workers::Held;
use crate::probes::{KEY_REFUSED, KEY_REPEATED};

impl World {
    pub(super) fn hear(&mut self) -> Result<(), Failure> {
        let Some(engine) = &self.scene.engine else { return Ok(()) };
        for out in engine.drain(usize::MAX) {
            match out {
                Out::Reply { ticket, answer } => self.hear_answer(ticket, answer)?,
                Out::Grant(granted) => self.hear_grant(&granted)?,
                Out::Stop { handle, reason } => {
                    self.scene.trace.tell(format_args!("stop {handle}: {}", reason.name()));
                    if let Some(held) = self.scene.workers.find_mut(handle) {
                        (held.stop_told, held.stop_reason) = (true, Some(reason.name()));
                    }
                }
                Out::Broken(refusal) => {
                    let words = refusal.fields.to_string();
                    self.ask_all(|invariant, scene| invariant.called(scene, Some(&words)))?;
                }
            }
        }
        Ok(())
    }

    fn hear_answer(&mut self, ticket: u64, answer: Result<Value, Refusal>) -> Result<(), Failure> {
        self.scene.trace.tell(format_args!("answer {ticket}: {answer:?}"));
        self.ask_all(|invariant, scene| invariant.heard(scene, ticket, &answer))?;
        let Some(asked) = self.scene.ledger.asked.get_mut(&ticket) else { return Ok(()) };
        asked.answer = Some(answer);
        let asked = asked.clone();
        match &asked.answer {
            Some(Ok(Value::Run { is_new: false, .. })) => self.scene.tally.probe(KEY_REPEATED),
            Some(Err(refusal)) if refusal.code == "PF1103" => self.scene.tally.probe(KEY_REFUSED),
            Some(_) | None => {}
        }
        self.ask_all(|invariant, scene| invariant.answered(scene, ticket, &asked))
    }

    fn hear_grant(&mut self, granted: &Granted) -> Result<(), Failure> {
        let held = Held::of(granted);
        self.scene.trace.tell(format_args!("grant {held:?}"));
        self.ask_all(|invariant, scene| invariant.granted(scene, granted, &held))?;
        let worker =
            self.scene.workers.present.iter_mut().find(|worker| worker.session == held.session);
        if let Some(worker) = worker {
            worker.holds.insert(held.handle, held);
        }
        Ok(())
    }
}
