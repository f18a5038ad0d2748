//! One kind of trouble.

use crate::world::{Failure, World};

/// What the world says after a fault has struck.
pub(crate) type Struck = Result<(), Failure>;

/// A fault that the story can let happen between two steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) strike: fn(&mut World) -> Struck,
}
