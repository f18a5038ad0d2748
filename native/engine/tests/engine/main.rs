//! The engine, turned by hand.

mod keeping;
mod lost_turns;
mod reading;
mod rig;
mod ring;
mod shown;
mod stacks;
mod vanished;
