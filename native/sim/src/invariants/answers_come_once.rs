//! P10: each ask is answered once, and nobody is answered who has not asked.

use pyflow_engine::{Refusal, Value};

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct AnswersComeOnce;

impl Invariant for AnswersComeOnce {
    fn name(&self) -> &'static str {
        "P10 one answer to each ask"
    }

    fn heard(&mut self, scene: &Scene, ticket: u64, answer: &Result<Value, Refusal>) -> Judged {
        match scene.ledger.asked.get(&ticket) {
            None => Err(format!("nobody asked under ticket {ticket}")),
            Some(asked) if asked.answer.is_some() => {
                Err(format!("{:?} was answered twice, now with {answer:?}", asked.ask))
            }
            Some(_) => Ok(()),
        }
    }
}
