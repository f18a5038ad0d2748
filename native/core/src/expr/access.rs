//! Looking into values: fields, elements and paths from roots, building no more than is asked for.

use std::fmt::{self, Display};
use std::sync::Arc;

use bytes::Bytes;

use super::error::ExprError;
use super::fuel::Fuel;
use super::json;
use super::missing::{Asker, Holder};
use super::node::{Kind, Node};
use super::path::{Member, Origin, Path, Step};
use super::pick::{self, Picked, pick};
use super::scope::{Root, Scope};
use super::value::{Map, Value};

/// The value at the end of `path`.
pub(super) fn path(
    scope: &dyn Scope,
    path: &Path,
    asker: &mut Asker<'_>,
) -> Result<Value, ExprError> {
    let (held, value) = match &path.origin {
        Origin::Output(task) => match scope.output_json(task) {
            Some(text) => (Some(text), None),
            None => (None, scope.output(task)),
        },
        Origin::Root(Root::Merged) => match scope.merged_json() {
            Some(parts) => return in_merged(parts, path, asker),
            None => (None, scope.root(Root::Merged)),
        },
        Origin::Root(root) => match scope.root_json(*root) {
            Some(text) => (Some(text), None),
            None => (None, scope.root(*root)),
        },
    };
    match (held, value) {
        (Some(text), _) => in_json(&text, path, 0, asker),
        (None, Some(value)) => in_value(value, path, asker),
        (None, None) => Err(asker.not_in_view(&path.upto(0), path.root())),
    }
}

/// The JSON text at the end of `path`; None where the scope holds no text, or nothing is there.
pub(super) fn path_json(
    scope: &dyn Scope,
    path: &Path,
    fuel: &mut Fuel,
) -> Result<Option<Bytes>, ExprError> {
    let root = match &path.origin {
        Origin::Output(task) => scope.output_json(task),
        Origin::Root(Root::Merged) => return merged_path_json(scope, path, fuel),
        Origin::Root(root) => scope.root_json(*root),
    };
    root.map_or(Ok(None), |text| cut(&text, &path.steps, fuel))
}

fn merged_path_json(
    scope: &dyn Scope,
    path: &Path,
    fuel: &mut Fuel,
) -> Result<Option<Bytes>, ExprError> {
    let (Some(parts), Some(Step::Field(name))) = (scope.merged_json(), path.steps.first()) else {
        return Ok(None);
    };
    for part in parts.iter().rev() {
        fuel.scan(part.len())?;
        if let Some(found) = pick::field(part, name)? {
            return cut(&part.slice_ref(found), &path.steps[1..], fuel);
        }
    }
    Ok(None)
}

fn cut(text: &Bytes, steps: &[Step], fuel: &mut Fuel) -> Result<Option<Bytes>, ExprError> {
    Ok(match pick(text, steps, fuel)? {
        Picked::Found(found) => Some(text.slice_ref(found)),
        Picked::Lost { .. } => None,
    })
}

/// `$`: the last part that has the first field gives it; whole, all parts are merged.
fn in_merged(parts: &[Bytes], path: &Path, asker: &mut Asker<'_>) -> Result<Value, ExprError> {
    let name = match path.steps.first() {
        Some(Step::Field(name)) => name,
        Some(Step::Index(index)) => {
            let holder = Holder::Merged(parts);
            return Err(asker.no_element(holder, &Value::Int(*index), &path.upto(0)));
        }
        None => return merged(parts, asker.fuel).map(Value::map),
    };
    for part in parts.iter().rev() {
        asker.fuel.scan(part.len())?;
        if let Some(found) = pick::field(part, name)? {
            return in_json(found, path, 1, asker);
        }
    }
    Err(asker.no_field(Holder::Merged(parts), name, &path.upto(0)))
}

fn merged(parts: &[Bytes], fuel: &mut Fuel) -> Result<Map, ExprError> {
    let mut all = Map::default();
    for part in parts {
        if let Value::Map(map) = json::parse(part, fuel)? {
            merge_into(&mut all, &map);
        }
    }
    Ok(all)
}

/// Lay `map` over `all`; a key keeps the place it was first given.
pub(super) fn merge_into(all: &mut Map, map: &Map) {
    for (key, value) in map {
        all.insert(Arc::clone(key), value.clone());
    }
}

fn in_json(
    text: &[u8],
    path: &Path,
    from: usize,
    asker: &mut Asker<'_>,
) -> Result<Value, ExprError> {
    match pick(text, &path.steps[from..], asker.fuel)? {
        Picked::Found(found) => json::parse(found, asker.fuel),
        Picked::Lost { step, holder } => {
            let number = from + step;
            let (holder, shown) = (Holder::Json(holder), path.upto(number));
            Err(match &path.steps[number] {
                Step::Field(name) => asker.no_field(holder, name, &shown),
                Step::Index(index) => asker.no_element(holder, &Value::Int(*index), &shown),
            })
        }
    }
}

fn in_value(mut value: Value, path: &Path, asker: &mut Asker<'_>) -> Result<Value, ExprError> {
    for (number, step) in path.steps.iter().enumerate() {
        let shown = path.upto(number);
        value = match step {
            Step::Field(name) => field(&value, name, &shown, asker)?,
            Step::Index(place) => index(&value, &Value::Int(*place), &shown, asker)?,
        };
    }
    Ok(value)
}

/// `holder.name`; `shown` is how the holder is written.
pub(super) fn field(
    holder: &Value,
    name: &Arc<str>,
    shown: &dyn Display,
    asker: &mut Asker<'_>,
) -> Result<Value, ExprError> {
    let found = if let Value::Map(map) = holder { map.get(name).cloned() } else { None };
    found.ok_or_else(|| asker.no_field(Holder::Value(holder), name, shown))
}

/// `holder[index]`: a list by place from 0, a map by key.
pub(super) fn index(
    holder: &Value,
    index: &Value,
    shown: &dyn Display,
    asker: &mut Asker<'_>,
) -> Result<Value, ExprError> {
    // JSON written elsewhere may give a whole number as 2.0.
    let whole = match index {
        Value::Text(name) => return field(holder, name, shown, asker),
        Value::Float(place) if place.fract() == 0.0 => Value::Int(*place as i64),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Map(_) => index.clone(),
    };
    let found = match (holder, &whole) {
        (Value::List(items), Value::Int(place)) => {
            usize::try_from(*place).ok().and_then(|place| items.get(place)).cloned()
        }
        _ => None,
    };
    found.ok_or_else(|| asker.no_element(Holder::Value(holder), &whole, shown))
}

/// How a part of an expression is written, as far as it can be said in short.
#[derive(Debug)]
pub(super) struct Written<'a>(pub(super) &'a Node);

impl Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Kind::Path(path) => write!(f, "{}", path.upto(path.steps.len())),
            Kind::Local { name, .. } => f.write_str(name),
            Kind::Field(holder, name) => write!(f, "{}{}", Written(holder), Member(name)),
            Kind::Index(holder, _) => write!(f, "{}[...]", Written(holder)),
            Kind::Optional(inner) => write!(f, "{}", Written(inner)),
            Kind::Literal(_)
            | Kind::Has(_)
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Not(_)
            | Kind::Negate(_)
            | Kind::Logic { .. }
            | Kind::Choose(_)
            | Kind::Binary(..)
            | Kind::Call(..)
            | Kind::Coalesce(_)
            | Kind::Loop(_)
            | Kind::Now => f.write_str("(...)"),
        }
    }
}
