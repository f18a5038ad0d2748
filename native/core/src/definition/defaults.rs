//! What a start may leave out of its input, and what then stands in for it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::compile::Check;
use super::compiled::Definition;
use super::draft::Draft;
use crate::limits::NESTING_MAX;
use crate::payload::{Payload, nesting};

/// JSON texts by the field of the input that they stand in for.
pub(super) type Defaults = BTreeMap<String, Box<RawValue>>;

impl Check {
    pub(super) fn defaults(&mut self, draft: &Draft) -> Defaults {
        let Some(text) = &draft.defaults else { return Defaults::default() };
        if nesting(text.as_bytes()) > NESTING_MAX {
            self.problem("defaults", format!("they are nested deeper than {NESTING_MAX}"));
            return Defaults::default();
        }
        serde_json::from_str(text).unwrap_or_else(|_| {
            self.problem("defaults", "they must be an object: a value for each field of the input");
            Defaults::default()
        })
    }
}

impl Definition {
    /// The input with the default of each field that it lacks behind its own fields, which stay as
    /// they are written. What is no object stays as it is.
    pub fn whole_input(&self, input: &Payload) -> Payload {
        if self.defaults.is_empty() {
            return input.clone();
        }
        let json = input.json();
        let Ok(given) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(&json) else {
            return input.clone();
        };
        let missing = self.defaults.iter().filter(|(name, _)| !given.contains_key(*name));
        let fields: Vec<String> = missing
            .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name.as_str())))
            .collect();
        if fields.is_empty() {
            return input.clone();
        }
        let own = json.trim_ascii_end();
        let mut whole = own[..own.len() - 1].to_vec(); // All but the brace that closes it.
        if !given.is_empty() {
            whole.push(b',');
        }
        whole.extend_from_slice(fields.join(",").as_bytes());
        whole.push(b'}');
        Payload::new(whole.into())
    }
}
