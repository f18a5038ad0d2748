//! Reading back a definition that was kept under its hash.

use super::compiled::Definition;
use super::draft::Draft;
use crate::codec::{DecodeError, Reader, Stored};

impl Definition {
    /// Reads the stored form that `compile` gave.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, DecodeError> {
        let draft = Draft::read(&mut Reader::new(bytes))?;
        let wanted = "a definition that this version accepts";
        Self::compile(draft)
            .map(|(definition, _)| definition)
            .map_err(|_| DecodeError::Unexpected { wanted, at: 0 })
    }
}
