//! Every interleaving of the engine's small lock-free parts. Tests only.

#[cfg(test)]
mod board;
#[cfg(test)]
#[path = "../../src/words.rs"]
#[allow(dead_code)] // The engine uses more of it than these tests.
mod words;
