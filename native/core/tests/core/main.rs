//! Tests of the whole core: a shard is turned by commands, and all that must hold is checked after
//! every turn.

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
mod rates;
mod recovering;
mod reports;
mod saying;
mod starting;
mod support;
mod turns;
mod waiting;
