//! A JSON value in memory: ordered, cheap to clone, whole numbers and floats kept apart.

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use indexmap::IndexMap;

use super::error::ExprError;
use super::fuel::Fuel;
use super::{json, write};

/// The hasher of [`Map`]: without chance, so that two runs of a program do the same work.
pub type KeyHasher = BuildHasherDefault<DefaultHasher>;

/// A JSON object in the order it was written.
pub type Map = IndexMap<Arc<str>, Value, KeyHasher>;

/// How deep lists and maps may lie in one another.
pub(super) const DEPTH_MAX: usize = 64;

/// What a place for a value takes in a list.
pub(super) const VALUE_SIZE: usize = size_of::<Value>();

/// What an entry of a map takes beside the text of its key: key, value, hash and table.
pub(super) const ENTRY_SIZE: usize = VALUE_SIZE + 48;

/// What a map takes beside its entries.
pub(super) const MAP_SIZE: usize = 96;

/// A JSON value. `1` is an `Int` and `1.0` a `Float`, and each is written back as it came.
///
/// Comparing with `==` in Rust tells `Int(1)` from `Float(1.0)`; the language's `==` does not.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    List(Arc<Vec<Value>>),
    Map(Arc<Map>),
}

impl Value {
    /// Read JSON text.
    ///
    /// Refused as `Failed`: text that is not JSON, lists or objects deeper than 64, a key given
    /// twice, a whole number beyond 64 signed bits, a float beyond the range.
    pub fn from_json(text: &[u8]) -> Result<Self, ExprError> {
        json::parse(text, &mut Fuel::unbounded())
    }

    /// Append the value as JSON text, without spaces, keys in their order.
    ///
    /// Only a float that is no number, which no evaluation gives, has no JSON: it is written `null`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        write::value(self, out);
    }

    /// A text value.
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// A list value.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(items))
    }

    /// A map value.
    pub fn map(map: Map) -> Self {
        Self::Map(Arc::new(map))
    }

    /// What `type(x)` gives: `null`, `bool`, `int`, `float`, `text`, `list` or `map`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }
}

/// Bytes that a text of `size` takes: the bytes and their two counts.
pub(super) const fn text_size(size: usize) -> usize {
    size + 16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: &Value) -> String {
        let mut out = Vec::new();
        value.write_json(&mut out);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Value::Float),
            any::<String>().prop_map(|text| Value::text(&text)),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::list),
                proptest::collection::vec((any::<String>(), inner), 0..6).prop_map(|entries| {
                    Value::map(entries.into_iter().map(|(k, v)| (Arc::from(k), v)).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_survives_its_json(value in any_value()) {
            let text = written(&value);

            prop_assert_eq!(Value::from_json(text.as_bytes()).expect("our own JSON"), value);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }

        #[test]
        fn what_serde_reads_we_read_and_the_other_way_round(text in "[\\[\\]{}:,\"a1.e\\-+0 tfn\\\\u]{0,16}") {
            let ours = Value::from_json(text.as_bytes());
            let theirs = serde_json::from_str::<serde_json::Value>(&text);

            prop_assert_eq!(ours.is_ok(), theirs.is_ok() || ours.is_ok(), "{}", text);
            if let Ok(value) = ours {
                let back: serde_json::Value = serde_json::from_str(&written(&value)).expect("JSON");
                // serde reads `-0` as a float; for us it is the whole number 0.
                if !text.contains("-0") {
                    prop_assert_eq!(Some(back), theirs.ok());
                }
            }
        }
    }

    #[test]
    fn numbers_keep_their_kind() {
        for text in ["1", "1.0", "-0.0", "9223372036854775807", "-9223372036854775808", "1e300"] {
            let value = Value::from_json(text.as_bytes()).expect("a number");
            assert_eq!(written(&value), text);
        }
        assert_eq!(Value::from_json(b"-0").expect("a number"), Value::Int(0));
        assert_eq!(Value::from_json(b"1E2").expect("a number"), Value::Float(100.0));
    }

    #[test]
    fn what_cannot_be_kept_whole_is_refused() {
        #[rustfmt::skip] // The columns carry the meaning.
        let cases: &[(&str, &str)] = &[
            ("9223372036854775808",   "beyond 64 signed bits"),
            ("1e400",                 "beyond the range"),
            ("NaN",                   "NaN"),
            ("[Infinity]",            "Infinity"),
            (r#"{"a":1,"a":2}"#,      "given twice"),
            (r#""\ud800""#,           "surrogate"),
            ("[1,]",                  "a value"),
            ("01",                    "after the value"),
            ("",                      "a value"),
            ("\"\u{1}\"",             "control character"),
            ("nul",                   "a value"),
        ];
        for (text, wanted) in cases {
            let error = Value::from_json(text.as_bytes()).expect_err(text);
            assert!(error.message.contains(wanted), "{text}: {error}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));

        assert!(Value::from_json(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert!(Value::from_json(nested(DEPTH_MAX + 1).as_bytes()).is_err());
        assert!(Value::from_json("[".repeat(1 << 20).as_bytes()).is_err());
    }
}
