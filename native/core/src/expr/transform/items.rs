//! What an operation works on: `items`, or the `readings` of `$`.

use std::sync::Arc;

use bytes::Bytes;

use super::super::error::ExprError;
use super::super::expression::Expression;
use super::super::fuel::Fuel;
use super::super::scope::{References, Root, Scope};
use super::super::template::Template;
use super::super::value::Value;
use super::parameters::Parameters;

/// Where the list comes from.
#[derive(Debug, Clone)]
pub(super) enum Items {
    /// `$.readings`
    Readings(Expression),
    Given(Template),
}

/// A list, as a value or still as JSON text.
#[derive(Debug)]
pub(super) enum Held {
    Value(Arc<Vec<Value>>),
    Json(Bytes),
}

impl Items {
    pub(super) fn compile(parameters: &mut Parameters<'_>) -> Result<Self, ExprError> {
        match parameters.template("items")? {
            Some(template) => Ok(Self::Given(template)),
            None => Expression::compile("$.readings").map(Self::Readings),
        }
    }

    pub(super) fn references(&self) -> References {
        match self {
            Self::Readings(expression) => expression.references(),
            Self::Given(template) => template.references(),
        }
    }

    /// The name of the list where the parameters give none.
    pub(super) const fn default_name(&self) -> &'static str {
        match self {
            Self::Readings(_) => "readings",
            Self::Given(_) => "items",
        }
    }

    /// The list, unread where the scope holds it as JSON text.
    pub(super) fn held(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Held, ExprError> {
        let held = match self {
            Self::Readings(expression) => expression.held_json(scope, fuel)?,
            Self::Given(template) => template.held_json(scope, fuel)?,
        };
        match held {
            Some(text) if text.first() == Some(&b'[') => Ok(Held::Json(text)),
            Some(_) | None => self.list(scope, fuel).map(Held::Value),
        }
    }

    /// The list.
    pub(super) fn list(
        &self,
        scope: &dyn Scope,
        fuel: &mut Fuel,
    ) -> Result<Arc<Vec<Value>>, ExprError> {
        let value = match self {
            Self::Readings(expression) => {
                let hint = "readings (name another list with `items`)";
                expression.evaluate(scope, fuel).map_err(|error| error.within(hint))?
            }
            Self::Given(template) => {
                template.evaluate(scope, fuel).map_err(|error| error.within("items"))?
            }
        };
        let Value::List(items) = value else {
            let (name, kind) = (self.default_name(), value.kind());
            return Err(ExprError::failed(format!("`{name}` is a list, here it is {kind}")));
        };
        Ok(items)
    }
}

/// The scope of one element: `item` and `index` over the task's own.
pub(super) struct ItemScope<'a> {
    pub(super) outer: &'a dyn Scope,
    pub(super) item: Value,
    pub(super) index: usize,
}

impl Scope for ItemScope<'_> {
    fn root(&self, name: Root) -> Option<Value> {
        match name {
            Root::Item => Some(self.item.clone()),
            Root::Index => Some(Value::Int(self.index as i64)),
            Root::Merged
            | Root::Input
            | Root::Params
            | Root::Event
            | Root::Run
            | Root::CurrentTask => self.outer.root(name),
        }
    }

    fn output(&self, task: &str) -> Option<Value> {
        self.outer.output(task)
    }

    fn output_json(&self, task: &str) -> Option<Bytes> {
        self.outer.output_json(task)
    }

    fn now_text(&self) -> Arc<str> {
        self.outer.now_text()
    }

    fn root_json(&self, name: Root) -> Option<Bytes> {
        if matches!(name, Root::Item | Root::Index) { None } else { self.outer.root_json(name) }
    }

    fn merged_json(&self) -> Option<&[Bytes]> {
        self.outer.merged_json()
    }

    fn direct_outputs(&self) -> Vec<Bytes> {
        self.outer.direct_outputs()
    }
}
