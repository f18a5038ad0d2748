//! `data_transformation`: operations on readings and other data that the core does itself.

mod aggregate;
mod items;
mod parameters;
mod reshape;

use aggregate::Aggregate;
use parameters::Parameters;
use reshape::{Filter, Merge, Reshape, Select};

use super::error::ExprError;
use super::fuel::Fuel;
use super::scope::{References, Scope};

/// The operations, as `operation` names them.
pub const OPERATIONS: [&str; 9] =
    ["average", "min", "max", "sum", "count", "filter", "map", "select", "merge"];

/// The JSON Schema of the parameters of all operations.
pub const PARAMETERS_SCHEMA: &str = include_str!("transform/schema.json");

/// One compiled transformation.
#[derive(Debug, Clone)]
pub struct Transform {
    work: Work,
}

#[derive(Debug, Clone)]
enum Work {
    Aggregate(Aggregate),
    Filter(Filter),
    Map(Reshape),
    Select(Select),
    Merge(Merge),
}

impl Transform {
    /// Compile the parameters of a `data_transformation`, a JSON object with `operation`.
    ///
    /// Refused as `Invalid`: an operation that does not exist, a parameter that is missing or of the
    /// wrong kind, a bad expression.
    pub fn compile(parameters: &[u8]) -> Result<Self, ExprError> {
        Self::compiled(parameters).map_err(ExprError::made_invalid)
    }

    fn compiled(parameters: &[u8]) -> Result<Self, ExprError> {
        let mut parameters = Parameters::read(parameters)?;
        let operation = parameters.operation(&OPERATIONS)?;
        let work = match operation.as_str() {
            "filter" => Work::Filter(Filter::compile(parameters)?),
            "map" => Work::Map(Reshape::compile(parameters)?),
            "select" => Work::Select(Select::compile(parameters)?),
            "merge" => Work::Merge(Merge::compile(parameters)?),
            other => Work::Aggregate(Aggregate::compile(other, parameters)?),
        };
        Ok(Self { work })
    }

    /// All that it looks at.
    pub fn references(&self) -> References {
        match &self.work {
            Work::Aggregate(work) => work.references(),
            Work::Filter(work) => work.references(),
            Work::Map(work) => work.references(),
            Work::Select(work) => work.references(),
            Work::Merge(work) => work.references(),
        }
    }

    /// The output, a JSON object.
    pub fn apply(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Vec<u8>, ExprError> {
        match &self.work {
            Work::Aggregate(work) => work.apply(scope, fuel),
            Work::Filter(work) => work.apply(scope, fuel),
            Work::Map(work) => work.apply(scope, fuel),
            Work::Select(work) => work.apply(scope, fuel),
            Work::Merge(work) => work.apply(scope, fuel),
        }
    }
}

#[cfg(test)]
mod tests;
