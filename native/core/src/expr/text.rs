//! The functions on texts. What a call will build is measured and paid for before it is built.

use super::error::ExprError;
use super::fuel::Fuel;
use super::functions::{Function, wrong_kind};
use super::value::{VALUE_SIZE, Value, text_size};

/// The value of a call of a function on texts.
pub(super) fn call(
    function: Function,
    args: &[Value],
    fuel: &mut Fuel,
) -> Result<Value, ExprError> {
    if function == Function::Join {
        return join(args, fuel);
    }
    let texts = texts(args)?;
    let text = texts[0];
    fuel.scan(text.len())?;
    Ok(match function {
        Function::Contains => Value::Bool(text.contains(texts[1])),
        Function::StartsWith => Value::Bool(text.starts_with(texts[1])),
        Function::EndsWith => Value::Bool(text.ends_with(texts[1])),
        Function::LowerAscii => {
            fuel.build(text_size(text.len()))?;
            Value::text(&text.to_ascii_lowercase())
        }
        Function::UpperAscii => {
            fuel.build(text_size(text.len()))?;
            Value::text(&text.to_ascii_uppercase())
        }
        Function::Trim => {
            fuel.build(text_size(text.trim().len()))?;
            Value::text(text.trim())
        }
        Function::Split => split(text, texts[1], fuel)?,
        Function::Replace => replace(text, texts[1], texts[2], fuel)?,
        Function::Abs
        | Function::Bool
        | Function::Ceil
        | Function::Float
        | Function::Floor
        | Function::Int
        | Function::Join
        | Function::Max
        | Function::Min
        | Function::Round
        | Function::Size
        | Function::String
        | Function::Sum
        | Function::Type => unreachable!("not a function on texts"),
    })
}

fn texts(args: &[Value]) -> Result<Vec<&str>, ExprError> {
    args.iter()
        .map(|arg| match arg {
            Value::Text(text) => Ok(text.as_ref()),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Map(_) => Err(wrong_kind("a function on texts", "texts", arg)),
        })
        .collect()
}

/// Without a separator, into letters.
fn split(text: &str, separator: &str, fuel: &mut Fuel) -> Result<Value, ExprError> {
    let count = if separator.is_empty() {
        text.chars().count()
    } else {
        text.matches(separator).count() + 1
    };
    fuel.build(count * (VALUE_SIZE + text_size(0)) + text.len())?;
    let parts = if separator.is_empty() {
        text.chars().map(|letter| Value::text(letter.encode_utf8(&mut [0; 4]))).collect()
    } else {
        text.split(separator).map(Value::text).collect()
    };
    Ok(Value::list(parts))
}

fn replace(text: &str, old: &str, new: &str, fuel: &mut Fuel) -> Result<Value, ExprError> {
    let count = text.matches(old).count();
    fuel.build(text_size(text.len() + count.saturating_mul(new.len())))?;
    Ok(Value::text(&text.replace(old, new)))
}

fn join(args: &[Value], fuel: &mut Fuel) -> Result<Value, ExprError> {
    let Value::List(items) = &args[0] else { return Err(wrong_kind("join", "a list", &args[0])) };
    fuel.step(items.len())?;
    let parts = texts(items)?;
    let separator = texts(&args[1..])?.first().copied().unwrap_or_default();
    let own: usize = parts.iter().map(|part| part.len()).sum();
    fuel.build(text_size(own.saturating_add(separator.len().saturating_mul(parts.len()))))?;
    Ok(Value::text(&parts.join(separator)))
}
