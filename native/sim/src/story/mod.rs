//! One seed: what clients, workers and faults do, until all is calm and everything has ended.

mod calm;
mod clients;
mod hands;
mod opening;
mod tell;

pub(crate) use tell::tell;
