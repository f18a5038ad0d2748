//! P2, P6, P22: positions have no gap, each turn says which runs it touches, and it is synced unless
//! all of them asked for less.

use std::collections::BTreeSet;

use pyflow_core::consistency::Consistency;
use pyflow_core::event::Event;

use super::invariant::{Invariant, Judged};
use crate::disk::KeptTurn;
use crate::world::Scene;

#[derive(Debug)]
pub(crate) struct TurnsAreWhole;

impl Invariant for TurnsAreWhole {
    fn name(&self) -> &'static str {
        "P2 turns are whole"
    }

    fn turn(&mut self, scene: &Scene, turn: &KeptTurn, events: &[Event]) -> Judged {
        if turn.position != scene.model.position + 1 {
            return Err(format!("turn {} after {}", turn.position, scene.model.position));
        }
        let touched: BTreeSet<u64> =
            events.iter().filter_map(|event| event.run().map(|run| run.0)).collect();
        if touched.iter().ne(turn.runs.iter()) {
            return Err(format!("it touches {touched:?} and says {:?}", turn.runs));
        }
        let needs_sync = events.iter().any(|event| match event {
            Event::TaskSaid(_) => false,
            Event::RunCreated(created) => created.consistency != Consistency::Eventual as u8,
            _ => event
                .run()
                .is_none_or(|run| scene.model.run(run.0).is_some_and(|run| !run.is_eventual)),
        });
        if needs_sync && !turn.sync {
            return Err(format!("turn {} is acknowledged without sync", turn.position));
        }
        Ok(())
    }
}
