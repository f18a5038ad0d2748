//! Locks and atomics of what threads share. `native/engine/loom` puts its own in their place, to try every order.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

pub(crate) use parking_lot::{Condvar, Mutex};
