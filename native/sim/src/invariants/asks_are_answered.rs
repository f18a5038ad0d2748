//! P35: in the end every ask was answered, unless its asker or the process has gone.

use super::invariant::{Invariant, Judged};
use crate::world::{Ask, Scene};

#[derive(Debug)]
pub(crate) struct AsksAreAnswered;

impl Invariant for AsksAreAnswered {
    fn name(&self) -> &'static str {
        "P35 asks are answered"
    }

    fn ended(&mut self, scene: &Scene) -> Judged {
        // Who follows all runs waits for more, for ever.
        let mut open = scene
            .ledger
            .waiting()
            .filter(|(_, asked)| !matches!(asked.ask, Ask::Watch { run_id: None, .. }));
        match open.next() {
            Some((ticket, asked)) => Err(format!("ask {ticket} was not answered: {:?}", asked.ask)),
            None => Ok(()),
        }
    }
}
