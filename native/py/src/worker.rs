//! The inner loop of a worker: the first steps of granted attempts, run one after the other.

mod attempt;
mod binding;
mod calls;
mod invoke;
mod reports;
mod stepper;
mod tools;

pub(crate) use attempt::Attempt;
pub(crate) use calls::Calls;
pub(crate) use reports::{Report, Reports, read};
pub(crate) use stepper::{Batch, Stepper};
