//! What an evaluation may take: steps of work and bytes of memory, both counted down.

use super::error::{ExprCode, ExprError};

/// The budget of one evaluation (or of several that share it).
///
/// A step is about ten nanoseconds on a small machine. Bytes are those of every value built on the
/// way, not only of the result, so that doubling cannot hide in what is thrown away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fuel {
    steps_left: u64,
    bytes_left: u64,
}

impl Fuel {
    /// The steps of [`Fuel::default`]: about 10 ms.
    pub const STEPS: u64 = 1_000_000;
    /// The bytes of [`Fuel::default`]: 8 MiB.
    pub const BYTES: u64 = 8 * 1024 * 1024;

    /// A budget of `steps` and `bytes`.
    pub const fn new(steps: u64, bytes: u64) -> Self {
        Self { steps_left: steps, bytes_left: bytes }
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
