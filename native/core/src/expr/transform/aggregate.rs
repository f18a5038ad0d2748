//! `average`, `min`, `max`, `sum` and `count`: one number from a list of readings or numbers.

use std::cmp::Ordering;
use std::sync::Arc;

use super::super::compare::order;
use super::super::error::ExprError;
use super::super::expression::Expression;
use super::super::fuel::Fuel;
use super::super::json;
use super::super::number::{Sum, finite};
use super::super::pick::Elements;
use super::super::scope::{References, Scope};
use super::super::value::Value;
use super::items::{Held, Items};
use super::parameters::{Parameters, Passed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Average,
    Min,
    Max,
    Sum,
    Count,
}

/// One of the five, compiled.
#[derive(Debug, Clone)]
pub(super) struct Aggregate {
    measure: Measure,
    items: Items,
    /// The field of each element that holds the number.
    field: Arc<str>,
    name: Option<String>,
    reading_type: Expression,
    passed: Passed,
}

impl Aggregate {
    pub(super) fn compile(
        operation: &str,
        mut parameters: Parameters<'_>,
    ) -> Result<Self, ExprError> {
        let measure = match operation {
            "average" => Measure::Average,
            "min" => Measure::Min,
            "max" => Measure::Max,
            "sum" => Measure::Sum,
            "count" => Measure::Count,
            other => return Err(ExprError::failed(format!("there is no operation `{other}`"))),
        };
        let field = parameters.text("field")?.unwrap_or_else(|| "value".to_owned());
        Ok(Self {
            measure,
            items: Items::compile(&mut parameters)?,
            field: Arc::from(field),
            name: parameters.text("name")?,
            reading_type: Expression::compile("$.?reading_type")?,
            passed: parameters.passed()?,
        })
    }

    pub(super) fn references(&self) -> References {
        let mut references = self.items.references();
        references.extend(self.passed.references());
        if self.name.is_none() {
            references.extend(self.reading_type.references());
        }
        references
    }

    pub(super) fn apply(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Vec<u8>, ExprError> {
        let held = self.items.held(scope, fuel)?;
        let result = match self.measure {
            Measure::Count => count(&held, fuel)?,
            Measure::Average => self.average(&held, fuel)?,
            Measure::Sum => self.total(&held, fuel)?.0.value()?,
            Measure::Min => self.extreme(&held, Ordering::Less, fuel)?,
            Measure::Max => self.extreme(&held, Ordering::Greater, fuel)?,
        };
        let name = self.result_name(scope, fuel)?;
        self.passed.output(&[(&name, result)], scope, fuel)
    }

    /// `average_temperature`: by `name`, else by the readings' own type; `count` stands alone.
    fn result_name(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<String, ExprError> {
        let measure = match self.measure {
            Measure::Average => "average",
            Measure::Min => "min",
            Measure::Max => "max",
            Measure::Sum => "sum",
            Measure::Count => return Ok(self.name.clone().unwrap_or_else(|| "count".to_owned())),
        };
        if let Some(name) = &self.name {
            return Ok(format!("{measure}_{name}"));
        }
        let reading_type = self.reading_type.evaluate(scope, fuel)?;
        if reading_type == Value::Null {
            return Ok(measure.to_owned());
        }
        let Value::Text(reading_type) = reading_type else {
            let kind = reading_type.kind();
            return Err(ExprError::failed(format!(
                "`$.reading_type` is a text, here it is {kind}"
            )));
        };
        Ok(format!("{measure}_{reading_type}"))
    }

    /// A float always, so that its kind does not change with the weather.
    fn average(&self, held: &Held, fuel: &mut Fuel) -> Result<Value, ExprError> {
        let (sum, count) = self.total(held, fuel)?;
        if count == 0 {
            return Err(empty("average"));
        }
        finite(sum.float() / count as f64)
    }

    fn total(&self, held: &Held, fuel: &mut Fuel) -> Result<(Sum, usize), ExprError> {
        let (mut sum, mut count) = (Sum::default(), 0);
        self.each(held, fuel, &mut |number, _| {
            count += 1;
            sum.add(&number).map(|_| ())
        })?;
        Ok((sum, count))
    }

    fn extreme(&self, held: &Held, wanted: Ordering, fuel: &mut Fuel) -> Result<Value, ExprError> {
        let mut best: Option<Value> = None;
        self.each(held, fuel, &mut |number, fuel| {
            let is_better = match &best {
                None => true,
                Some(best) => order(&number, best, fuel)? == wanted,
            };
            if is_better {
                best = Some(number);
            }
            Ok(())
        })?;
        best.ok_or_else(|| empty("min and max"))
    }

    /// Hand over the number of each element.
    fn each(
        &self,
        held: &Held,
        fuel: &mut Fuel,
        take: &mut dyn FnMut(Value, &mut Fuel) -> Result<(), ExprError>,
    ) -> Result<(), ExprError> {
        match held {
            Held::Value(items) => {
                for (index, item) in items.iter().enumerate() {
                    fuel.step(2)?;
                    let number = if let Value::Map(map) = item {
                        map.get(&self.field).cloned()
                    } else {
                        Some(item.clone())
                    };
                    let device = || device_in(item);
                    take(self.checked(number, index, &device)?, fuel)?;
                }
            }
            Held::Json(text) => self.each_in_json(text, fuel, take)?,
        }
        Ok(())
    }

    fn each_in_json(
        &self,
        text: &[u8],
        fuel: &mut Fuel,
        take: &mut dyn FnMut(Value, &mut Fuel) -> Result<(), ExprError>,
    ) -> Result<(), ExprError> {
        fuel.scan(text.len())?;
        let mut elements = elements(text)?;
        let mut index = 0;
        while let Some(element) = elements.next_field(&self.field)? {
            let number = element.field.map(|number| json::parse(number, fuel)).transpose()?;
            let device = || Value::from_json(element.text).ok().and_then(|item| device_in(&item));
            take(self.checked(number, index, &device)?, fuel)?;
            index += 1;
        }
        Ok(())
    }

    fn checked(
        &self,
        number: Option<Value>,
        index: usize,
        device: &dyn Fn() -> Option<Arc<str>>,
    ) -> Result<Value, ExprError> {
        let field = &self.field;
        let found = match number {
            Some(number @ (Value::Int(_) | Value::Float(_))) => return Ok(number),
            Some(other) => format!("`{field}` is {}", other.kind()),
            None => format!("`{field}` is not there"),
        };
        let device = device().map_or_else(String::new, |device| format!(" of `{device}`"));
        let hint =
            format!("drop such readings first with the operation `filter`, `item.{field} != null`");
        Err(ExprError::failed(format!(
            "reading {index}{device}: {found}, a number was wanted; {hint}"
        )))
    }
}

fn count(held: &Held, fuel: &mut Fuel) -> Result<Value, ExprError> {
    let text = match held {
        Held::Value(items) => return Ok(Value::Int(items.len() as i64)),
        Held::Json(text) => text,
    };
    fuel.scan(text.len())?;
    let mut elements = elements(text)?;
    let mut count = 0;
    while elements.next()?.is_some() {
        count += 1;
    }
    Ok(Value::Int(count))
}

fn elements(text: &[u8]) -> Result<Elements<'_>, ExprError> {
    Elements::new(text).ok_or_else(|| ExprError::failed("the readings are not a list"))
}

fn device_in(item: &Value) -> Option<Arc<str>> {
    let Value::Map(map) = item else { return None };
    let Value::Text(device) = map.get("device_id")? else { return None };
    Some(Arc::clone(device))
}

fn empty(operation: &str) -> ExprError {
    let hint = "give this task the condition `size($.readings) > 0`, or check the sensors";
    ExprError::failed(format!("{operation} of no readings at all; {hint}"))
}
