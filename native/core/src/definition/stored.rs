//! Reading back a definition that was kept under its hash.

use super::compiled::Definition;
use super::draft::Draft;
use crate::codec::{DecodeError, Reader, Stored};
use crate::ids::DefinitionHash;

impl Definition {
    /// Reads the stored form that `compile` gave, of this version or of one that knew fewer fields:
    /// its hash is that of the bytes as they are kept. Bytes that are given away are freed before
    /// the definition is made, so that a large one does not lie beside them.
    pub fn from_stored(bytes: impl AsRef<[u8]>) -> Result<Self, DecodeError> {
        let hash = DefinitionHash::of(bytes.as_ref());
        let draft = Draft::read(&mut Reader::new(bytes.as_ref()))?;
        drop(bytes);
        let wanted = "a definition that this version accepts";
        let unaccepted = |_| DecodeError::Unexpected { wanted, at: 0 };
        Self::checked(draft, |_| hash).map_err(unaccepted)
    }
}
