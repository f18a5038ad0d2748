//! Definitions by chance, as plain data that the simulator can reason about by itself.

mod document;
mod draw;
mod flow;

pub(crate) use document::{document, input_of};
pub(crate) use draw::draw;
pub(crate) use flow::{Condition, Flow, Items, Join, Key, Limits, Options, Reads, Task, Work};
