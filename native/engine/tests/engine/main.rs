//! The engine, turned by hand.

mod keeping;
mod reading;
mod rig;
mod ring;
mod vanished;
