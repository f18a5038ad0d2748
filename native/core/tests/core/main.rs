//! Tests of the whole core: a shard is turned by commands, and all that must hold is checked after
//! every turn.

mod joins;
mod random_flows;
mod random_runs;
mod support;
