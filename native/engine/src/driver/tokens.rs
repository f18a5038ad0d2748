//! Reads that ask to see a write: each waits for it, or hears that it was lost.

use serde_json::json;

use super::ring::Driver;
use crate::fault::Refusal;
use crate::request::Look;
use crate::token::Token;

/// A read that came before what it asks to see.
#[derive(Debug)]
pub(super) struct EarlyLook {
    pub(super) ticket: u64,
    pub(super) look: Look,
    after: Token,
}

impl Driver {
    /// The token of the latest write that is safe.
    pub(super) fn token(&self) -> Token {
        Token { epoch: self.log.epoch(), position: self.released }
    }

    /// Gives a look back once what it asks to see is here; until then it is kept.
    pub(super) fn look_in_time(
        &mut self,
        (ticket, look, after): (u64, Look, Option<Token>),
    ) -> Option<(u64, Look)> {
        let Some(after) = after else { return Some((ticket, look)) };
        match self.has_reached(after) {
            Ok(true) => Some((ticket, look)),
            Ok(false) => {
                self.early.push(EarlyLook { ticket, look, after });
                None
            }
            Err(refusal) => {
                self.refuse(ticket, refusal);
                None
            }
        }
    }

    /// Those that came too early are looked at again: something has been written since.
    pub(super) fn take_early(&mut self) {
        for EarlyLook { ticket, look, after } in std::mem::take(&mut self.early) {
            self.looks.push((ticket, look, Some(after)));
        }
    }

    /// Whether a position is part of what is known here; a position that a crash took is refused.
    fn has_reached(&mut self, after: Token) -> Result<bool, Refusal> {
        let head = self.log.head()?;
        if after.epoch == head.epoch {
            if after.position > head.position && !self.read_only {
                return Err(unknown(after)); // Nobody else writes in this epoch.
            }
            return Ok(after.position <= self.released);
        }
        if after.epoch > head.epoch {
            return Err(unknown(after));
        }
        // What the next owner found is all that was left of the epoch. An epoch that is not
        // remembered any more cannot be vouched for.
        let kept = self.log.epoch_start(after.epoch + 1)?.unwrap_or(0);
        if after.position <= kept {
            return Ok(after.position <= self.released);
        }
        Err(Refusal::new("PF1210", json!({ "token": after.to_string(), "position": kept })))
    }
}

fn unknown(token: Token) -> Refusal {
    let message =
        format!("no write of this store has the token {token}; it is one of another store");
    Refusal::new("PF1107", json!({ "message": message, "parameter": "token" }))
}
