//! The rules of pyflow. They know no clock, disk, thread, future or Python.
//!
//! A *command* asks, an *event* has happened, an *effect* is owed. `decide` reads, `apply` writes,
//! `react` owes; the ring that turns them is `shard::Shard`, one turn at a time.

pub mod codec;
pub mod command;
pub mod consistency;
pub mod decide;
pub mod definition;
pub mod effect;
pub mod event;
pub mod explain;
pub mod expr;
pub mod graph;
pub mod history;
pub mod ids;
pub mod lifecycle;
pub mod limits;
pub mod names;
pub mod payload;
pub mod rejection;
pub mod retry;
pub mod schedule;
pub mod seeded;
pub mod shard;
pub mod state;
pub mod time;
