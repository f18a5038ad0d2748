//! The parameters of a task as a document writes them, in the order of its call.

use serde_json::{Map, Value};

/// What a document writes for the argument of an error handler that the engine fills in.
pub(super) const FAILURE: &str = "${failure}";
/// What a shape calls a further positional argument.
pub(super) const FURTHER: &str = "*";

/// The parameters by what a shape calls them. One that is written `*2` is a further positional
/// argument at that place, counted from 0; the others keep their order around it. `taken` is how
/// many arguments stand before all of them.
pub(super) fn in_order(parameters: &Map<String, Value>, taken: usize) -> Vec<(&str, &Value)> {
    let mut further: Vec<(usize, &Value)> = Vec::new();
    let mut named: Vec<(&str, &Value)> = Vec::new();
    for (name, value) in parameters {
        match place_of(name) {
            Some(place) => further.push((place, value)),
            None => named.push((name, value)),
        }
    }
    further.sort_by_key(|(place, _)| *place);
    let mut ordered = Vec::with_capacity(parameters.len());
    let (mut further, mut named) = (further.into_iter().peekable(), named.into_iter());
    loop {
        let is_due = further.peek().is_some_and(|(place, _)| *place <= taken + ordered.len());
        let next = if is_due { None } else { named.next() };
        match next.or_else(|| further.next().map(|(_, value)| (FURTHER, value))) {
            Some(argument) => ordered.push(argument),
            None => return ordered,
        }
    }
}

fn place_of(name: &str) -> Option<usize> {
    let digits = name.strip_prefix(FURTHER)?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn further_positional_arguments_stand_at_their_places() {
        let cases = [
            (json!({"a": 1, "*1": 2, "*2": 3, "b": 4}), 0, "a * * b"),
            (json!({"*2": 3, "*1": 2, "a": 1}), 0, "a * *"),
            (json!({"*0": 1}), 0, "*"),
            (json!({"a": 1, "*7": 2}), 0, "a *"),
            (json!({"*1": 1, "a": 2}), 1, "* a"),
            (json!({"*": 1, "*x": 2, "*-1": 3}), 0, "* *x *-1"),
        ];

        for (parameters, taken, wanted) in cases {
            let parameters = parameters.as_object().expect("it is an object");
            let names: Vec<&str> =
                in_order(parameters, taken).iter().map(|(name, _)| *name).collect();
            assert_eq!(names.join(" "), wanted, "{parameters:?}");
        }
    }
}
