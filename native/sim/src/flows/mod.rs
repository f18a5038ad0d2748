//! Definitions by chance, as plain data that the simulator can reason about by itself.

mod claim;
mod document;
mod draw;
mod flow;

pub(crate) use claim::{number, truth};
pub(crate) use document::{document, input_of};
pub(crate) use draw::draw;
pub(crate) use flow::{Condition, Flow, Items, Join, Key, Limits, Reads, Task, Work};
