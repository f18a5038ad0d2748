//! `filter`, `map`, `select` and `merge`: other shapes of the same data.

use std::sync::Arc;

use super::super::access::merge_into;
use super::super::error::ExprError;
use super::super::expression::Expression;
use super::super::fuel::Fuel;
use super::super::json;
use super::super::scope::{References, Scope};
use super::super::template::Template;
use super::super::value::{Map, VALUE_SIZE, Value};
use super::items::{ItemScope, Items};
use super::parameters::{Parameters, Passed};

/// What `filter` and `map` share: a list in, a list out under a name.
#[derive(Debug, Clone)]
struct Listing {
    items: Items,
    name: String,
    reading_type: Expression,
    passed: Passed,
}

impl Listing {
    fn compile(mut parameters: Parameters<'_>) -> Result<Self, ExprError> {
        let items = Items::compile(&mut parameters)?;
        let name = parameters.text("name")?.unwrap_or_else(|| items.default_name().to_owned());
        let reading_type = Expression::compile("$.?reading_type")?;
        Ok(Self { items, name, reading_type, passed: parameters.passed()? })
    }

    fn references(&self) -> References {
        let mut references = self.items.references();
        references.extend(self.passed.references());
        references
    }

    /// Readings keep their type, so that the next operation knows it.
    fn output(
        &self,
        items: Vec<Value>,
        scope: &dyn Scope,
        fuel: &mut Fuel,
    ) -> Result<Vec<u8>, ExprError> {
        let mut results = vec![(self.name.as_str(), Value::list(items))];
        if matches!(self.items, Items::Readings(_)) && !self.passed.has("reading_type") {
            let reading_type = self.reading_type.evaluate(scope, fuel)?;
            if reading_type != Value::Null {
                results.push(("reading_type", reading_type));
            }
        }
        self.passed.output(&results, scope, fuel)
    }
}

/// Keeps the elements for which `where` is true.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    condition: Expression,
    listing: Listing,
}

impl Filter {
    pub(super) fn compile(mut parameters: Parameters<'_>) -> Result<Self, ExprError> {
        let condition = parameters.condition("where")?;
        Ok(Self { condition, listing: Listing::compile(parameters)? })
    }

    pub(super) fn references(&self) -> References {
        let mut references = self.listing.references();
        references.extend(self.condition.references());
        references
    }

    pub(super) fn apply(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Vec<u8>, ExprError> {
        let mut kept = Vec::new();
        for (index, item) in self.listing.items.list(scope, fuel)?.iter().enumerate() {
            let inner = ItemScope { outer: scope, item: item.clone(), index };
            let is_kept = self.condition.evaluate_bool(&inner, fuel);
            if is_kept.map_err(|error| error.within(&format!("where, element {index}")))? {
                fuel.build(VALUE_SIZE)?;
                kept.push(item.clone());
            }
        }
        self.listing.output(kept, scope, fuel)
    }
}

/// Makes `to` of each element.
#[derive(Debug, Clone)]
pub(super) struct Reshape {
    to: Template,
    listing: Listing,
}

impl Reshape {
    pub(super) fn compile(mut parameters: Parameters<'_>) -> Result<Self, ExprError> {
        let to = parameters.needed_template("to")?;
        Ok(Self { to, listing: Listing::compile(parameters)? })
    }

    pub(super) fn references(&self) -> References {
        let mut references = self.listing.references();
        references.extend(self.to.references());
        references
    }

    pub(super) fn apply(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Vec<u8>, ExprError> {
        let mut made = Vec::new();
        for (index, item) in self.listing.items.list(scope, fuel)?.iter().enumerate() {
            let inner = ItemScope { outer: scope, item: item.clone(), index };
            let value = self.to.evaluate(&inner, fuel);
            fuel.build(VALUE_SIZE)?;
            made.push(value.map_err(|error| error.within(&format!("to, element {index}")))?);
        }
        self.listing.output(made, scope, fuel)
    }
}

/// Makes an object of `fields`.
#[derive(Debug, Clone)]
pub(super) struct Select {
    fields: Template,
}

impl Select {
    pub(super) fn compile(mut parameters: Parameters<'_>) -> Result<Self, ExprError> {
        let fields = parameters.needed_template("fields")?;
        parameters.end()?;
        if !fields.is_object() {
            return Err(ExprError::failed("`fields` is an object of names and `${...}`"));
        }
        Ok(Self { fields })
    }

    pub(super) fn references(&self) -> References {
        self.fields.references()
    }

    pub(super) fn apply(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Vec<u8>, ExprError> {
        let mut out = Vec::new();
        self.fields.render_small(scope, fuel, &mut out).map_err(|error| error.within("fields"))?;
        Ok(out)
    }
}

/// Lays objects over one another from left to right, not into one another.
#[derive(Debug, Clone)]
pub(super) struct Merge {
    /// None: the outputs of all direct dependencies.
    sources: Option<Template>,
}

impl Merge {
    pub(super) fn compile(mut parameters: Parameters<'_>) -> Result<Self, ExprError> {
        let sources = parameters.template("sources")?;
        parameters.end()?;
        Ok(Self { sources })
    }

    pub(super) fn references(&self) -> References {
        match &self.sources {
            Some(sources) => sources.references(),
            None => References { uses_direct_outputs: true, ..References::default() },
        }
    }

    pub(super) fn apply(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Vec<u8>, ExprError> {
        let mut all = Map::default();
        for (index, source) in self.objects(scope, fuel)?.iter().enumerate() {
            // A task that was skipped has nothing to add.
            if *source == Value::Null {
                continue;
            }
            let Value::Map(map) = source else {
                let kind = source.kind();
                let message = format!("sources[{index}] is an object, here it is {kind}");
                return Err(ExprError::failed(message));
            };
            fuel.step(map.len())?;
            merge_into(&mut all, map);
        }
        let mut out = Vec::new();
        Value::map(all).write_json(&mut out);
        Ok(out)
    }

    fn objects(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Arc<Vec<Value>>, ExprError> {
        let Some(sources) = &self.sources else {
            let outputs = scope.direct_outputs();
            let values = outputs.iter().map(|text| json::parse(text, fuel));
            return values.collect::<Result<Vec<_>, _>>().map(Arc::new);
        };
        let value = sources.evaluate(scope, fuel).map_err(|error| error.within("sources"))?;
        let Value::List(values) = value else {
            let kind = value.kind();
            return Err(ExprError::failed(format!("`sources` is a list, here it is {kind}")));
        };
        Ok(values)
    }
}
