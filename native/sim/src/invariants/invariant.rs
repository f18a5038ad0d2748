//! The questions that an invariant is asked.

use std::fmt::Debug;

use pyflow_core::effect::Granted;
use pyflow_core::event::Event;
use pyflow_engine::{Refusal, Value};

use crate::disk::KeptTurn;
use crate::world::{Asked, Held, Scene};

/// All is well, or what is not.
pub(crate) type Judged = Result<(), String>;

/// A promise and the means to see it broken. Each question is asked when something has happened; an
/// invariant has an opinion on some, and on some of what it is asked about ([`Scene::no_opinion`]).
pub(crate) trait Invariant: Debug {
    /// The promise's id and its gist.
    fn name(&self) -> &'static str;

    /// A turn on the disk was read back, or could not be.
    fn read_back(&mut self, scene: &Scene, _turn: &KeptTurn, _read: &Result<(), String>) -> Judged {
        scene.no_opinion()
    }

    /// A turn is on the disk; none of its events is part of the model yet.
    fn turn(&mut self, scene: &Scene, _turn: &KeptTurn, _events: &[Event]) -> Judged {
        scene.no_opinion()
    }

    /// An event is on the disk; the model does not hold it yet.
    fn event(&mut self, scene: &Scene, _event: &Event) -> Judged {
        scene.no_opinion()
    }

    /// An answer is heard; the ledger does not hold it yet.
    fn heard(&mut self, scene: &Scene, _ticket: u64, _answer: &Result<Value, Refusal>) -> Judged {
        scene.no_opinion()
    }

    /// A client was answered.
    fn answered(&mut self, scene: &Scene, _ticket: u64, _asked: &Asked) -> Judged {
        scene.no_opinion()
    }

    /// A worker was given an attempt.
    fn granted(&mut self, scene: &Scene, _granted: &Granted, _held: &Held) -> Judged {
        scene.no_opinion()
    }

    /// A call of the code under test is over: what broke in it.
    fn called(&mut self, scene: &Scene, _broken: Option<&str>) -> Judged {
        scene.no_opinion()
    }

    /// The ring stands still, without a fault: all that was asked is done, as far as it can be.
    fn settled(&mut self, scene: &Scene) -> Judged {
        scene.no_opinion()
    }

    /// A process has tried to open the store: why it could not, unless a trouble befell the disk.
    fn tried_to_open(&mut self, scene: &Scene, _refused: Option<&Refusal>) -> Judged {
        scene.no_opinion()
    }

    /// A new process has opened the store; the model holds what the disk has kept.
    fn reopened(&mut self, scene: &Scene) -> Judged {
        scene.no_opinion()
    }

    /// Faults are over and time has gone on: what has no end in spite of that.
    fn waited(&mut self, scene: &Scene, _endless: Option<&str>) -> Judged {
        scene.no_opinion()
    }

    /// Faults are long over, and all that can happen has happened.
    fn ended(&mut self, scene: &Scene) -> Judged {
        scene.no_opinion()
    }
}
