//! P34: a process that nothing befalls opens the store, whatever befell those before.

use pyflow_engine::Refusal;

use super::invariant::{Invariant, Judged};
use crate::world::Scene;

/// A store that cannot be opened after so many tries is lost: troubles of the disk come once each.
const TRIES_MAX: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct TheStoreOpensAgain {
    tries: usize,
}

impl Invariant for TheStoreOpensAgain {
    fn name(&self) -> &'static str {
        "P34 the store opens again"
    }

    fn tried_to_open(&mut self, _scene: &Scene, refused: Option<&Refusal>) -> Judged {
        self.tries += 1;
        match refused {
            Some(refusal) => Err(format!("{} {}", refusal.code, refusal.fields)),
            None if self.tries > TRIES_MAX => Err("it did not open in many tries".into()),
            None => Ok(()),
        }
    }

    fn reopened(&mut self, _scene: &Scene) -> Judged {
        self.tries = 0;
        Ok(())
    }
}
