//! Expressions and templates: parsed by the `cel` crate, walked by us, paid for in fuel.
//!
//! `compile` once, `evaluate` or `render` against a [`Scope`] under a [`Fuel`]. Nothing here reads a
//! clock, a file or chance; the same scope gives the same bytes.

mod access;
mod compare;
mod error;
mod expression;
mod fields;
mod fuel;
mod functions;
mod json;
mod loops;
mod lower;
mod missing;
mod names;
mod node;
mod number;
mod parse;
mod path;
mod pick;
mod reader;
mod render;
mod scan;
mod scope;
mod template;
mod text;
pub mod transform;
mod value;
mod walk;
mod write;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod test_scope;

pub use error::{ExprCode, ExprError};
pub use expression::Expression;
pub use fields::FieldCache;
pub use fuel::Fuel;
pub use render::SecretPlace;
pub use scope::{References, Root, Scope};
pub use template::{Template, list_of_outputs};
pub use value::{KeyHasher, Map, Value};
pub(crate) use write::too_large;
