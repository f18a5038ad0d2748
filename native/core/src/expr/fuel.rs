//! What an evaluation may take: steps of work, bytes of memory and bytes looked through, all counted
//! down. What is merely referred to costs none of them: it is copied, however large it is.

use super::error::{ExprCode, ExprError};
use crate::limits::PAYLOAD_SIZE_MAX;

/// The budget of one evaluation (or of several that share it).
///
/// A step is about ten nanoseconds on a small machine. Bytes are those of every value built on the
/// way, not only of the result, so that doubling cannot hide in what is thrown away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fuel {
    steps_left: u64,
    bytes_left: u64,
    look_budget: u64,
}

impl Fuel {
    /// The steps of [`Fuel::default`]: about 10 ms.
    pub const STEPS: u64 = 1_000_000;
    /// The bytes of [`Fuel::default`]: 8 MiB.
    pub const BYTES: u64 = 8 * 1024 * 1024;

    /// Bytes of data that may be stepped over on the way to what is asked for: the largest payload
    /// there can be, so that a part of it can be referred to. Past them they cost steps.
    pub const LOOK: u64 = PAYLOAD_SIZE_MAX as u64;

    /// A budget of `steps` and `bytes`.
    pub const fn new(steps: u64, bytes: u64) -> Self {
        Self { steps_left: steps, bytes_left: bytes, look_budget: Self::LOOK }
    }

    /// The same budget with another bound for what is looked through.
    #[cfg(test)]
    pub(super) const fn looking(self, size: u64) -> Self {
        Self { look_budget: size, ..self }
    }

    /// No bound of its own: for data whose size was bounded at the door.
    pub(super) const fn unbounded() -> Self {
        Self::new(u64::MAX, u64::MAX)
    }

    /// Steps not yet used.
    pub const fn steps_left(&self) -> u64 {
        self.steps_left
    }

    /// Bytes not yet used.
    pub const fn bytes_left(&self) -> u64 {
        self.bytes_left
    }

    /// Pay for `count` steps before taking them.
    pub(super) fn step(&mut self, count: usize) -> Result<(), ExprError> {
        let left = self.steps_left.checked_sub(count as u64);
        self.steps_left = left.unwrap_or_default();
        left.map(|_| ()).ok_or_else(|| too_dear("takes too many steps"))
    }

    /// Pay for reading or comparing `size` bytes that exist already.
    pub(super) fn scan(&mut self, size: usize) -> Result<(), ExprError> {
        self.step(size / 8 + 1)
    }

    /// Pay for stepping over `size` bytes of data to find a part of them.
    pub(super) fn look(&mut self, size: usize) -> Result<(), ExprError> {
        if let Some(left) = self.look_budget.checked_sub(size as u64) {
            self.look_budget = left;
            return Ok(());
        }
        self.scan(size)
    }

    /// Pay for building `size` bytes before allocating them.
    pub(super) fn build(&mut self, size: usize) -> Result<(), ExprError> {
        self.scan(size)?;
        let left = self.bytes_left.checked_sub(size as u64);
        self.bytes_left = left.unwrap_or_default();
        left.map(|_| ()).ok_or_else(|| too_dear("builds more than the memory it may take"))
    }
}

impl Default for Fuel {
    fn default() -> Self {
        Self::new(Self::STEPS, Self::BYTES)
    }
}

fn too_dear(what: &str) -> ExprError {
    let hint = "do this work in a task, or on less data";
    ExprError::new(ExprCode::CostExceeded, format!("the expression {what}; {hint}"))
}
