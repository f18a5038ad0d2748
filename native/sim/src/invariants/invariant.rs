//! The questions that an invariant is asked.

use std::fmt::Debug;

use pyflow_core::effect::Granted;
use pyflow_core::event::Event;

use crate::disk::KeptTurn;
use crate::world::{Asked, Held, Scene};

/// All is well, or what is not.
pub(crate) type Judged = Result<(), String>;

/// A promise and the means to see it broken. Each question is asked when something has happened; an
/// invariant answers those that it has an opinion on.
pub(crate) trait Invariant: Debug {
    /// The promise's id and its gist.
    fn name(&self) -> &'static str;

    /// A turn is on the disk; none of its events is part of the model yet.
    fn turn(&mut self, _scene: &Scene, _turn: &KeptTurn, _events: &[Event]) -> Judged {
        Ok(())
    }

    /// An event is on the disk; the model does not hold it yet.
    fn event(&mut self, _scene: &Scene, _event: &Event) -> Judged {
        Ok(())
    }

    /// A client was answered.
    fn answered(&mut self, _scene: &Scene, _ticket: u64, _asked: &Asked) -> Judged {
        Ok(())
    }

    /// A worker was given an attempt.
    fn granted(&mut self, _scene: &Scene, _granted: &Granted, _held: &Held) -> Judged {
        Ok(())
    }

    /// The ring stands still, without a fault: all that was asked is done, as far as it can be.
    fn settled(&mut self, _scene: &Scene) -> Judged {
        Ok(())
    }

    /// A new process has opened the store; the model holds what the disk has kept.
    fn reopened(&mut self, _scene: &Scene) -> Judged {
        Ok(())
    }

    /// Faults are long over, and all that can happen has happened.
    fn ended(&mut self, _scene: &Scene) -> Judged {
        Ok(())
    }
}
