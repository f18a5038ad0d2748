//! P5: what is on the disk can be read back.

use super::invariant::{Invariant, Judged};
use crate::disk::KeptTurn;
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct TurnsCanBeRead;

impl Invariant for TurnsCanBeRead {
    fn name(&self) -> &'static str {
        "P5 what is stored can be read"
    }

    fn read_back(&mut self, _scene: &Scene, turn: &KeptTurn, read: &Result<(), String>) -> Judged {
        read.clone().map_err(|error| format!("turn {} cannot be read back: {error}", turn.position))
    }
}
