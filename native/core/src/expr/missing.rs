//! What to say where a path ends before its time. Saying it costs; asking with `has` says nothing.

use std::fmt::Display;

use bytes::Bytes;

use super::error::ExprError;
use super::fuel::Fuel;
use super::names;
use super::path::Member;
use super::pick::{Elements, first_names};
use super::scope::Root;
use super::value::Value;

/// What saying an error costs, and what looking at one near name adds.
const TELLING_STEPS: usize = 40;
const NAME_STEPS: usize = 20;
/// Names that are looked at for a near one.
const NAME_COUNT_MAX: usize = 500;

/// Whoever asks for a part of a value: who pays, and whether an absence must be explained.
#[derive(Debug)]
pub(super) struct Asker<'f> {
    pub(super) fuel: &'f mut Fuel,
    pub(super) wants_reasons: bool,
}

/// That in which something was not found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holder<'a> {
    Value(&'a Value),
    Json(&'a [u8]),
    /// The parts of `$`.
    Merged(&'a [Bytes]),
}

impl Holder<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::Value(value) => value.kind(),
            Self::Merged(_) => "map",
            Self::Json(text) => match text.trim_ascii_start().first() {
                Some(b'{') => "map",
                Some(b'[') => "list",
                Some(b'"') => "text",
                Some(b't' | b'f') => "bool",
                Some(b'n') => "null",
                _ if text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => "float",
                _ => "int",
            },
        }
    }

    fn names(self) -> Vec<String> {
        match self {
            Self::Value(Value::Map(map)) => {
                map.keys().take(NAME_COUNT_MAX).map(|key| key.as_ref().to_owned()).collect()
            }
            Self::Value(_) => Vec::new(),
            Self::Json(text) => first_names(text, NAME_COUNT_MAX),
            Self::Merged(parts) => {
                let names = parts.iter().flat_map(|part| first_names(part, NAME_COUNT_MAX));
                names.take(NAME_COUNT_MAX).collect()
            }
        }
    }

    fn element_count(self) -> usize {
        match self {
            Self::Value(Value::List(items)) => items.len(),
            Self::Json(text) => {
                let mut elements = Elements::new(text);
                let next = || elements.as_mut().and_then(|elements| elements.next().ok().flatten());
                std::iter::from_fn(next).count()
            }
            Self::Value(_) | Self::Merged(_) => 0,
        }
    }

    fn size(self) -> usize {
        match self {
            Self::Value(Value::Map(map)) => map.len() * 8,
            Self::Value(_) => 0,
            Self::Json(text) => text.len(),
            Self::Merged(parts) => parts.iter().map(Bytes::len).sum(),
        }
    }
}

impl Asker<'_> {
    /// Pay for saying something; None where nobody wants to hear it.
    fn telling(&mut self, size: usize) -> Option<Result<(), ExprError>> {
        self.wants_reasons.then(|| {
            self.fuel.look(size)?;
            self.fuel.step(TELLING_STEPS)
        })
    }

    /// A root or an output that is not in view.
    pub(super) fn not_in_view(&mut self, shown: &dyn Display, root: Option<Root>) -> ExprError {
        match self.telling(0) {
            None => return ExprError::absent(""),
            Some(Err(error)) => return error,
            Some(Ok(())) => {}
        }
        let hint = match root {
            None => "; only tasks that come before this one are",
            Some(Root::Item | Root::Index) => "; it is where a task has `for_each`",
            Some(_) => "",
        };
        ExprError::absent(format!("`{shown}` is not in view here{hint}"))
    }

    /// `holder.name` is not there.
    pub(super) fn no_field(
        &mut self,
        holder: Holder<'_>,
        name: &str,
        shown: &dyn Display,
    ) -> ExprError {
        let kind = holder.kind();
        let is_absent = kind == "map" || kind == "null";
        match self.telling(holder.size()) {
            None if is_absent => return ExprError::absent(""),
            Some(Err(error)) => return error,
            None | Some(Ok(())) => {}
        }
        match kind {
            "map" => {
                let names = holder.names();
                if let Err(error) = self.fuel.step(names.len() * NAME_STEPS) {
                    return error;
                }
                let hint = names::hint(name, names.iter().map(String::as_str));
                ExprError::absent(format!("`{shown}{}` is not there{hint}", Member(name)))
            }
            "null" => ExprError::absent(format!("`{shown}` is null; it has no field `{name}`")),
            _ => ExprError::failed(format!("`{shown}` is {kind}; it has no field `{name}`")),
        }
    }

    /// `holder[place]` is not there.
    pub(super) fn no_element(
        &mut self,
        holder: Holder<'_>,
        index: &Value,
        shown: &dyn Display,
    ) -> ExprError {
        let kind = holder.kind();
        let is_absent = kind == "null" || kind == "list" && is_place(index);
        match self.telling(holder.size()) {
            None if is_absent => return ExprError::absent(""),
            Some(Err(error)) => return error,
            None | Some(Ok(())) => {}
        }
        match (kind, index) {
            ("list", Value::Int(place)) => {
                let count = holder.element_count();
                let message = format!("`{shown}[{place}]` is not there; it has {count} elements");
                ExprError::absent(message)
            }
            ("list", _) => {
                let by = index.kind();
                ExprError::failed(format!(
                    "`{shown}` is list; its places are whole numbers, not {by}"
                ))
            }
            ("null", _) => ExprError::absent(format!("`{shown}` is null; it has no elements")),
            _ => {
                let by = index.kind();
                ExprError::failed(format!("`{shown}` is {kind}; it cannot be indexed by {by}"))
            }
        }
    }
}

const fn is_place(index: &Value) -> bool {
    matches!(index, Value::Int(_))
}
