//! The engine, turned by hand.

mod keeping;
mod lost_turns;
mod reading;
mod rig;
mod ring;
mod stacks;
mod vanished;
