//! Looking into values: fields, elements and paths from roots, building no more than is asked for.

use std::fmt::{self, Display};
use std::sync::Arc;

use bytes::Bytes;

use super::error::ExprError;
use super::fields::read_field;
use super::fuel::Fuel;
use super::json;
use super::missing::{Asker, Holder};
use super::node::{Kind, Node};
use super::path::{Member, Origin, Path, Step};
use super::pick::{Picked, pick};
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
            Some(parts) => return in_merged(scope, parts, path, asker),
            None => (None, scope.root(Root::Merged)),
        },
        Origin::Root(root) => match scope.root_json(*root) {
            Some(text) => (Some(text), None),
            None => (None, scope.root(*root)),
        },
    };
    match (held, value) {
        (Some(text), _) => in_text(scope, &text, path, asker),
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
    let Some(text) = root else { return Ok(None) };
    let Some(Step::Field(name)) = path.steps.first() else {
        return cut(&text, &path.steps, fuel);
    };
    match field_of(scope, &text, name, fuel)? {
        Some(found) => cut(&found, &path.steps[1..], fuel),
        None => Ok(None),
    }
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
        if let Some(found) = field_of(scope, part, name, fuel)? {
            return cut(&found, &path.steps[1..], fuel);
        }
    }
    Ok(None)
}

/// The field `name` of a text that the scope holds.
fn field_of(
    scope: &dyn Scope,
    text: &Bytes,
    name: &str,
    fuel: &mut Fuel,
) -> Result<Option<Bytes>, ExprError> {
    match scope.field_cache() {
        Some(cache) => cache.field(text, name, fuel),
        None => read_field(text, name, fuel),
    }
}

fn cut(text: &Bytes, steps: &[Step], fuel: &mut Fuel) -> Result<Option<Bytes>, ExprError> {
    Ok(match pick(text, steps, fuel)? {
        Picked::Found(found) => Some(text.slice_ref(found)),
        Picked::Lost { .. } => None,
    })
}

/// `$`: the last part that has the first field gives it; whole, all parts are merged.
fn in_merged(
    scope: &dyn Scope,
    parts: &[Bytes],
    path: &Path,
    asker: &mut Asker<'_>,
) -> Result<Value, ExprError> {
    let name = match path.steps.first() {
        Some(Step::Field(name)) => name,
        Some(Step::Index(index)) => {
            let holder = Holder::Merged(parts);
            return Err(asker.no_element(holder, &Value::Int(*index), &path.upto(0)));
        }
        None => return merged(parts, asker.fuel).map(Value::map),
    };
    for part in parts.iter().rev() {
        if let Some(found) = field_of(scope, part, name, asker.fuel)? {
            return in_json(&found, path, 1, asker);
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

/// The value at the end of a path whose root is a text.
fn in_text(
    scope: &dyn Scope,
    text: &Bytes,
    path: &Path,
    asker: &mut Asker<'_>,
) -> Result<Value, ExprError> {
    let Some(Step::Field(name)) = path.steps.first() else {
        return in_json(text, path, 0, asker);
    };
    match field_of(scope, text, name, asker.fuel)? {
        Some(found) => in_json(&found, path, 1, asker),
        None => Err(asker.no_field(Holder::Json(text), name, &path.upto(0))),
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
