//! What one thread waits for and another one makes.

/// What one thread waits for and another one makes.
pub(crate) trait Awaited {
    /// Whether it is there.
    fn has_news(&self) -> bool;

    /// Whether it was last made on the processor of who asks.
    fn is_made_here(&self) -> bool;
}
