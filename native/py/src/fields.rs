//! Reading the members of a request: one that is there must be of its kind.

use std::sync::Arc;

use pyflow_core::limits::SPAN_MS_MAX;
use pyflow_core::payload::{is_too_deep, too_deep};
use pyflow_engine::Refusal;
use serde_json::{Value, json};

/// Characters of a wrong value that a refusal repeats.
const SHOWN_COUNT_MAX: usize = 100;

pub(crate) fn wrong(message: impl Into<String>) -> Refusal {
    let message: String = message.into();
    Refusal::new("PF1107", json!({ "message": message }))
}

fn not_of_kind(name: &str, found: &Value, wanted: &str) -> Refusal {
    let text = found.to_string();
    let shown: String = text.chars().take(SHOWN_COUNT_MAX).collect();
    let cut = if shown.len() < text.len() { "…" } else { "" };
    let message = format!("{name} is {shown}{cut}; {wanted} is wanted");
    Refusal::new("PF1107", json!({ "message": message, "parameter": name }))
}

pub(crate) fn text(object: &Value, name: &str) -> Result<Option<Arc<str>>, Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(Arc::from(text.as_str()))),
        Some(other) => Err(not_of_kind(name, other, "a text")),
    }
}

pub(crate) fn needed_text(object: &Value, name: &str) -> Result<Arc<str>, Refusal> {
    text(object, name)?.ok_or_else(|| wrong(format!("{name} is missing")))
}

/// A word of a set.
pub(crate) fn word<T>(
    object: &Value,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
    known: &str,
) -> Result<Option<T>, Refusal> {
    let Some(found) = text(object, name)? else { return Ok(None) };
    let refused = || not_of_kind(name, &object[name], &format!("one of {known}"));
    parse(&found).map(Some).ok_or_else(refused)
}

/// A span in seconds, as milliseconds.
pub(crate) fn span_ms(object: &Value, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(found) = object.get(name).filter(|found| !found.is_null()) else { return Ok(None) };
    let most_s = (SPAN_MS_MAX / 1000) as f64;
    let seconds = found.as_f64().filter(|seconds| *seconds > 0.0 && *seconds <= most_s);
    let wanted = format!("a number of seconds above 0, up to {most_s}");
    let seconds = seconds.ok_or_else(|| not_of_kind(name, found, &wanted))?;
    Ok(Some((seconds * 1000.0).ceil() as u64))
}

/// A whole number within bounds, or what stands for a missing one.
pub(crate) fn count(
    object: &Value,
    name: &str,
    missing: u64,
    (least, most): (u64, u64),
) -> Result<u64, Refusal> {
    let Some(found) = object.get(name).filter(|found| !found.is_null()) else { return Ok(missing) };
    let wanted = format!("a whole number from {least} to {most}");
    let number = found.as_u64().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| not_of_kind(name, found, &wanted))
}

/// An object, as the JSON text that it is kept as.
pub(crate) fn object_text(object: &Value, name: &str) -> Result<Option<String>, Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(found @ Value::Object(_)) => Ok(Some(found.to_string())),
        Some(other) => Err(not_of_kind(name, other, "an object")),
    }
}

/// Refuses JSON text that is nested deeper than values may be.
pub(crate) fn check_nesting(what: &str, json: &[u8]) -> Result<(), Refusal> {
    if is_too_deep(json) { Err(wrong(too_deep(what, json))) } else { Ok(()) }
}
