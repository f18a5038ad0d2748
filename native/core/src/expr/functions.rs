//! The functions that expressions can call: their table, and those on numbers, lists and kinds.

use std::cmp::Ordering;

use super::compare::order;
use super::error::ExprError;
use super::fuel::Fuel;
use super::names;
use super::number::{self, Sum, finite, whole};
use super::text;
use super::value::{Value, text_size};
use super::write::plain;

/// A function by its meaning; `f(x)` and `x.f()` of one name mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Bool,
    Ceil,
    Contains,
    EndsWith,
    Float,
    Floor,
    Int,
    Join,
    LowerAscii,
    Max,
    Min,
    Replace,
    Round,
    Size,
    Split,
    StartsWith,
    String,
    Sum,
    Trim,
    Type,
    UpperAscii,
}

/// How a function may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `f(x)`
    Global,
    /// `x.f()`
    Method,
    Either,
}

use Function as F;
use Style::{Either, Global, Method};

const ANY: usize = usize::MAX;

/// Name, meaning, style, and the least and most arguments (the one before the dot counted).
#[rustfmt::skip] // The columns carry the meaning.
const TABLE: &[(&str, Function, Style, usize, usize)] = &[
    ("abs",        F::Abs,        Global, 1, 1),
    ("bool",       F::Bool,       Global, 1, 1),
    ("ceil",       F::Ceil,       Global, 1, 1),
    ("contains",   F::Contains,   Method, 2, 2),
    ("double",     F::Float,      Global, 1, 1),
    ("endsWith",   F::EndsWith,   Method, 2, 2),
    ("float",      F::Float,      Global, 1, 1),
    ("floor",      F::Floor,      Global, 1, 1),
    ("int",        F::Int,        Global, 1, 1),
    ("join",       F::Join,       Method, 1, 2),
    ("lowerAscii", F::LowerAscii, Method, 1, 1),
    ("max",        F::Max,        Global, 1, ANY),
    ("min",        F::Min,        Global, 1, ANY),
    ("replace",    F::Replace,    Method, 3, 3),
    ("round",      F::Round,      Global, 1, 2),
    ("size",       F::Size,       Either, 1, 1),
    ("split",      F::Split,      Method, 2, 2),
    ("startsWith", F::StartsWith, Method, 2, 2),
    ("string",     F::String,     Global, 1, 1),
    ("sum",        F::Sum,        Global, 1, 1),
    ("trim",       F::Trim,       Method, 1, 1),
    ("type",       F::Type,       Global, 1, 1),
    ("upperAscii", F::UpperAscii, Method, 1, 1),
];

/// Names that are not in the table because they do not evaluate all they are given.
const SPECIAL: [&str; 9] =
    ["all", "coalesce", "exists", "exists_one", "filter", "has", "map", "now", "orValue"];

/// The function of a call with `count` arguments (the one before the dot counted), or why not.
pub(super) fn find(name: &str, is_method: bool, count: usize) -> Result<Function, String> {
    let Some((_, function, style, least, most)) = TABLE.iter().find(|row| row.0 == name) else {
        let known = TABLE.iter().map(|row| row.0).chain(SPECIAL);
        return Err(format!("there is no function `{name}`{}", names::hint(name, known)));
    };
    match (style, is_method) {
        (Global, true) => return Err(format!("write {name}(x), not x.{name}()")),
        (Method, false) => return Err(format!("write x.{name}(...), not {name}(x, ...)")),
        (Global, false) | (Method, true) | (Either, _) => {}
    }
    if (*least..=*most).contains(&count) {
        return Ok(*function);
    }
    let before_dot = usize::from(is_method);
    let (least, most, found) =
        (least - before_dot, most.saturating_sub(before_dot), count - before_dot);
    let wanted = if least == most { least.to_string() } else { format!("{least} or more") };
    Err(format!("{name} takes {wanted} arguments, here it has {found}"))
}

/// The value of a call.
pub(super) fn call(
    function: Function,
    args: &[Value],
    fuel: &mut Fuel,
) -> Result<Value, ExprError> {
    let first = &args[0];
    match function {
        F::Abs => absolute(first),
        F::Bool => to_bool(first),
        F::Ceil => rounded(first, "ceil", f64::ceil),
        F::Float => to_float(first),
        F::Floor => rounded(first, "floor", f64::floor),
        F::Int => to_int(first),
        F::Max => extreme(args, Ordering::Greater, fuel),
        F::Min => extreme(args, Ordering::Less, fuel),
        F::Round => round(first, args.get(1)),
        F::Size => size(first, fuel),
        F::String => to_text(first, fuel),
        F::Sum => sum(first, fuel),
        F::Type => Ok(Value::text(first.kind())),
        F::Contains
        | F::EndsWith
        | F::Join
        | F::LowerAscii
        | F::Replace
        | F::Split
        | F::StartsWith
        | F::Trim
        | F::UpperAscii => text::call(function, args, fuel),
    }
}

/// `name takes what, here it is a kind`.
pub(super) fn wrong_kind(name: &str, wanted: &str, found: &Value) -> ExprError {
    ExprError::failed(format!("{name} takes {wanted}, here it is {}", found.kind()))
}

fn absolute(value: &Value) -> Result<Value, ExprError> {
    match value {
        Value::Int(int) => int.checked_abs().map(Value::Int).ok_or_else(number::overflow),
        Value::Float(float) => Ok(Value::Float(float.abs())),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
            Err(wrong_kind("abs", "a number", value))
        }
    }
}

fn rounded(value: &Value, name: &str, to: fn(f64) -> f64) -> Result<Value, ExprError> {
    match value {
        Value::Int(int) => Ok(Value::Int(*int)),
        Value::Float(float) => whole(to(*float)),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
            Err(wrong_kind(name, "a number", value))
        }
    }
}

/// Halves go away from zero; with digits the result is a float.
fn round(value: &Value, digits: Option<&Value>) -> Result<Value, ExprError> {
    let Some(digits) = digits else { return rounded(value, "round", f64::round) };
    let Value::Int(digits @ 0..=15) = digits else {
        return Err(ExprError::failed("round takes 0 to 15 digits"));
    };
    let digits = *digits as usize;
    let float = number::as_float(value).ok_or_else(|| wrong_kind("round", "a number", value))?;
    finite(format!("{float:.digits$}").parse().expect("a number that was just written"))
}

fn size(value: &Value, fuel: &mut Fuel) -> Result<Value, ExprError> {
    let count = match value {
        Value::Text(text) => {
            fuel.scan(text.len())?;
            text.chars().count()
        }
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            return Err(wrong_kind("size", "a text, a list or a map", value));
        }
    };
    Ok(Value::Int(count as i64))
}

fn to_int(value: &Value) -> Result<Value, ExprError> {
    match value {
        Value::Int(int) => Ok(Value::Int(*int)),
        Value::Float(float) => whole(float.trunc()),
        Value::Text(text) => {
            text.parse().map(Value::Int).map_err(|_| not_in_text("int", "a whole number"))
        }
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
            Err(wrong_kind("int", "a number or a text", value))
        }
    }
}

fn to_float(value: &Value) -> Result<Value, ExprError> {
    match value {
        Value::Int(int) => Ok(Value::Float(*int as f64)),
        Value::Float(float) => Ok(Value::Float(*float)),
        Value::Text(text) => {
            let float: f64 = text.parse().map_err(|_| not_in_text("float", "a number"))?;
            if float.is_finite() {
                Ok(Value::Float(float))
            } else {
                Err(not_in_text("float", "a number"))
            }
        }
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
            Err(wrong_kind("float", "a number or a text", value))
        }
    }
}

fn to_bool(value: &Value) -> Result<Value, ExprError> {
    match value {
        Value::Bool(flag) => Ok(Value::Bool(*flag)),
        Value::Text(text) => match text.as_ref() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(not_in_text("bool", "`true` or `false`")),
        },
        Value::Null | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => {
            Err(wrong_kind("bool", "a truth or a text", value))
        }
    }
}

fn not_in_text(name: &str, wanted: &str) -> ExprError {
    ExprError::failed(format!("{name} found a text that is not {wanted}"))
}

fn to_text(value: &Value, fuel: &mut Fuel) -> Result<Value, ExprError> {
    if let Value::Text(text) = value {
        return Ok(Value::Text(text.clone()));
    }
    let text = plain(value, fuel)?;
    fuel.build(text_size(text.len()))?;
    Ok(Value::text(&text))
}

fn sum(value: &Value, fuel: &mut Fuel) -> Result<Value, ExprError> {
    let Value::List(items) = value else { return Err(wrong_kind("sum", "a list", value)) };
    fuel.step(items.len())?;
    let mut total = Sum::default();
    for (index, item) in items.iter().enumerate() {
        if !total.add(item)? {
            let message = format!("sum takes numbers; element {index} is {}", item.kind());
            return Err(ExprError::failed(message));
        }
    }
    total.value()
}

/// The first of the arguments, or of the one list, that none goes before.
fn extreme(args: &[Value], wanted: Ordering, fuel: &mut Fuel) -> Result<Value, ExprError> {
    let candidates = match args {
        [Value::List(items)] => items.as_slice(),
        _ => args,
    };
    let Some((first, rest)) = candidates.split_first() else {
        return Err(ExprError::failed("min and max need at least one element; test size() first"));
    };
    fuel.step(candidates.len())?;
    let mut best = first;
    for candidate in rest {
        if order(candidate, best, fuel)? == wanted {
            best = candidate;
        }
    }
    Ok(best.clone())
}
