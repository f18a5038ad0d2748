//! Tests of the whole core: a shard is turned by commands, and all that must hold is checked after
//! every turn.

// Tests name things after what they stand for, build answers in the shape that they are compared
// with, and look at one kind of event among all.
#![allow(clippy::similar_names, clippy::items_after_statements, clippy::enum_glob_use)]
#![allow(clippy::unnecessary_wraps, clippy::wildcard_enum_match_arm)]

mod attempts;
mod controls;
mod decisions;
mod definitions;
mod explaining;
mod handing_out;
mod handlers;
mod joins;
mod limits;
mod maps;
mod payloads;
mod poison;
mod random_flows;
mod random_runs;
mod recovering;
mod reports;
mod starting;
mod support;
mod turns;
mod waiting;
