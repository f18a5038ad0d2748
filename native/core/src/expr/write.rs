//! Writing values as JSON text, and measuring them before they leave.

use std::io::Write;

use super::error::{ExprCode, ExprError};
use super::fuel::Fuel;
use super::value::{DEPTH_MAX, Value};

/// How large a result may be as JSON text.
pub(super) const RESULT_SIZE_MAX: usize = 8 * 1024 * 1024;

pub(super) fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(int) => write!(out, "{int}").expect("a vector takes every write"),
        Value::Float(float) => write_float(*float, out),
        Value::Text(text) => quoted(text, out),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { b'[' } else { b',' });
                self::value(item, out);
            }
            out.extend_from_slice(if items.is_empty() { b"[]" } else { b"]" });
        }
        Value::Map(map) => {
            for (index, (key, item)) in map.iter().enumerate() {
                out.push(if index == 0 { b'{' } else { b',' });
                quoted(key, out);
                out.push(b':');
                self::value(item, out);
            }
            out.extend_from_slice(if map.is_empty() { b"{}" } else { b"}" });
        }
    }
}

fn write_float(float: f64, out: &mut Vec<u8>) {
    if float.is_finite() {
        // Rust's debug form is the shortest that reads back the same, with `.0` where it is whole.
        write!(out, "{float:?}").expect("a vector takes every write");
    } else {
        out.extend_from_slice(b"null");
    }
}

/// A string in quotes.
pub(super) fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escaped(text, out);
    out.push(b'"');
}

/// A string as it stands between quotes.
pub(super) fn escaped(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[done..at]);
        done = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => write!(out, "\\u{byte:04x}").expect("a vector takes every write"),
        }
    }
    out.extend_from_slice(&bytes[done..]);
}

/// The value as it stands in a line of text: texts bare, all else as JSON.
pub(super) fn plain(value: &Value, fuel: &mut Fuel) -> Result<String, ExprError> {
    if let Value::Text(text) = value {
        fuel.build(text.len())?;
        return Ok(text.as_ref().to_owned());
    }
    let size = check(value, fuel)?;
    fuel.build(size)?;
    let mut out = Vec::new();
    self::value(value, &mut out);
    Ok(String::from_utf8(out).expect("JSON of valid texts is valid text"))
}

/// Refuse a value that is too large, too deep or no number; gives about its size as JSON.
///
/// A value may hold one part many times over, so its size as text has no bound by its size in
/// memory; every place is paid for here.
pub(super) fn check(value: &Value, fuel: &mut Fuel) -> Result<usize, ExprError> {
    let mut size = 0;
    measure(value, 0, &mut size, fuel)?;
    Ok(size)
}

fn measure(
    value: &Value,
    depth: usize,
    size: &mut usize,
    fuel: &mut Fuel,
) -> Result<(), ExprError> {
    *size += 8;
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) => return Ok(()),
        Value::Float(float) if float.is_finite() => return Ok(()),
        Value::Float(_) => {
            return Err(ExprError::failed("the result is not a number that JSON can hold"));
        }
        Value::Text(text) => *size += text.len(),
        Value::List(_) | Value::Map(_) if depth == DEPTH_MAX => {
            return Err(ExprError::failed(format!("the result lies deeper than {DEPTH_MAX}")));
        }
        Value::List(items) => {
            fuel.step(items.len())?;
            items.iter().try_for_each(|item| measure(item, depth + 1, size, fuel))?;
        }
        Value::Map(map) => {
            fuel.step(map.len())?;
            for (key, item) in map.iter() {
                *size += key.len();
                measure(item, depth + 1, size, fuel)?;
            }
        }
    }
    if *size > RESULT_SIZE_MAX { Err(too_large(RESULT_SIZE_MAX)) } else { Ok(()) }
}

pub(crate) fn too_large(size_max: usize) -> ExprError {
    let bound = size_max / (1024 * 1024);
    ExprError::new(ExprCode::CostExceeded, format!("the result is larger than {bound} MiB"))
}
