//! Finding one part of a JSON text without building the rest.

use std::collections::BTreeSet;

use super::error::ExprError;
use super::fuel::Fuel;
use super::path::Step;
use super::reader::{Reader, twice};

/// Where a path led in a JSON text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Picked<'a> {
    Found(&'a [u8]),
    /// The step of this number could not be taken; the text is what it was asked of.
    Lost {
        step: usize,
        holder: &'a [u8],
    },
}

/// Follow `steps` into `text`.
///
/// Each level is read to its end, so that a key given twice is refused as it would be by reading
/// the whole: the worker, who reads the whole, must not see another value than the decision saw.
pub(super) fn pick<'a>(
    text: &'a [u8],
    steps: &[Step],
    fuel: &mut Fuel,
) -> Result<Picked<'a>, ExprError> {
    let mut here = text;
    for (number, step) in steps.iter().enumerate() {
        fuel.look(here.len())?;
        let found = match step {
            Step::Field(name) => field(here, name)?,
            Step::Index(index) => element(here, *index)?,
        };
        match found {
            Some(inner) => here = inner,
            None => return Ok(Picked::Lost { step: number, holder: here }),
        }
    }
    Ok(Picked::Found(here))
}

/// The value of `name` in the object `text`; None where it is not there or `text` is no object.
pub(super) fn field<'a>(text: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, ExprError> {
    let mut reader = Reader::new(text);
    reader.space();
    if reader.peek() == Some(b'{') { field_in(&mut reader, name) } else { Ok(None) }
}

/// As [`field`], of the object that is next.
fn field_in<'a>(reader: &mut Reader<'a>, name: &str) -> Result<Option<&'a [u8]>, ExprError> {
    let mut found = None;
    reader.take(b'{');
    if reader.take(b'}') {
        return Ok(None);
    }
    loop {
        let key = reader.quoted()?;
        reader.need(b':', "`:`")?;
        let start = reader.at();
        reader.skip()?;
        if key.is(name) && found.replace(reader.since(start)).is_some() {
            return Err(twice(name, start));
        }
        if !reader.take(b',') {
            break;
        }
    }
    reader.need(b'}', "`,` or `}`")?;
    Ok(found)
}

/// An entry of an object: its key, and its value as JSON text.
pub(super) type Entry<'a> = (String, &'a [u8]);

/// The entries of the object `text`, in order; None where it is no object.
pub(super) fn entries(text: &[u8]) -> Result<Option<Vec<Entry<'_>>>, ExprError> {
    let mut reader = Reader::new(text);
    let mut found: Vec<Entry<'_>> = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    reader.space();
    if !reader.take(b'{') {
        return Ok(None);
    }
    if !reader.take(b'}') {
        loop {
            let key = reader.quoted()?.unescape()?.into_owned();
            reader.need(b':', "`:`")?;
            let start = reader.at();
            reader.skip()?;
            if !known.insert(key.clone()) {
                return Err(twice(&key, start));
            }
            found.push((key, reader.since(start)));
            if !reader.take(b',') {
                break;
            }
        }
        reader.need(b'}', "`,` or `}`")?;
    }
    reader.end()?;
    Ok(Some(found))
}

/// The names of the first fields of `text`, as far as it is an object that can be read.
pub(super) fn first_names(text: &[u8], count_max: usize) -> Vec<String> {
    let mut reader = Reader::new(text);
    let mut names = Vec::new();
    reader.space();
    let mut more = reader.take(b'{');
    while more && names.len() < count_max {
        let Ok(name) = reader.quoted().and_then(|quoted| quoted.unescape()) else { break };
        names.push(name.into_owned());
        more = reader.take(b':') && reader.skip().is_ok() && reader.take(b',');
    }
    names
}

fn element(text: &[u8], index: i64) -> Result<Option<&[u8]>, ExprError> {
    let (Ok(wanted), Some(mut elements)) = (usize::try_from(index), Elements::new(text)) else {
        return Ok(None);
    };
    for _ in 0..wanted {
        if elements.next()?.is_none() {
            return Ok(None);
        }
    }
    elements.next()
}

/// An element of a list, and the field that was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) text: &'a [u8],
    pub(super) field: Option<&'a [u8]>,
}

/// The elements of a list, one text after the other.
#[derive(Debug)]
pub(super) struct Elements<'a> {
    reader: Reader<'a>,
    done: bool,
}

impl<'a> Elements<'a> {
    /// None where `text` is no list.
    pub(super) fn new(text: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(text);
        reader.space();
        if !reader.take(b'[') {
            return None;
        }
        let done = reader.take(b']');
        Some(Self { reader, done })
    }

    /// The next element.
    pub(super) fn next(&mut self) -> Result<Option<&'a [u8]>, ExprError> {
        if self.done {
            return Ok(None);
        }
        let start = self.reader.at();
        self.reader.skip()?;
        self.end_element(start).map(Some)
    }

    /// The next element and, read in the same go, its field `name`; an element that is no object
    /// stands for its field.
    pub(super) fn next_field(&mut self, name: &str) -> Result<Option<Element<'a>>, ExprError> {
        if self.done {
            return Ok(None);
        }
        let start = self.reader.at();
        if self.reader.peek() == Some(b'{') {
            let found = field_in(&mut self.reader, name)?;
            return Ok(Some(Element { text: self.end_element(start)?, field: found }));
        }
        self.reader.skip()?;
        let text = self.end_element(start)?;
        Ok(Some(Element { text, field: Some(text) }))
    }

    fn end_element(&mut self, start: usize) -> Result<&'a [u8], ExprError> {
        let element = self.reader.since(start);
        if !self.reader.take(b',') {
            self.done = true;
            self.reader.need(b']', "`,` or `]`")?;
        }
        Ok(element)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::value::{Map, Value};
    use super::*;

    /// Values whose keys and places are few, so that random paths often lead somewhere.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::Int),
            "[a\\\\\" {}\\[\\],:]{0,12}".prop_map(|text| Value::text(&text)),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
                proptest::collection::vec(("[ab\"]", inner), 0..4).prop_map(|entries| {
                    let map: Map = entries.into_iter().map(|(k, v)| (k.into(), v)).collect();
                    Value::map(map)
                }),
            ]
        })
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            "[ab\"]".prop_map(|name| Step::Field(name.into())),
            (-1_i64..4).prop_map(Step::Index),
        ]
    }

    fn by_value(value: &Value, steps: &[Step]) -> Option<Value> {
        steps.iter().try_fold(value.clone(), |value, step| match (value, step) {
            (Value::Map(map), Step::Field(name)) => map.get(name).cloned(),
            (Value::List(items), Step::Index(place)) => {
                usize::try_from(*place).ok().and_then(|place| items.get(place).cloned())
            }
            _ => None,
        })
    }

    proptest! {
        #[test]
        fn picking_finds_what_reading_all_finds(
            value in value(),
            steps in proptest::collection::vec(step(), 0..4),
        ) {
            let mut text = Vec::new();
            value.write_json(&mut text);

            let picked = pick(&text, &steps, &mut Fuel::default()).expect("sound JSON");

            let found = match picked {
                Picked::Found(found) => Some(Value::from_json(found).expect("sound JSON")),
                Picked::Lost { .. } => None,
            };
            prop_assert_eq!(found, by_value(&value, &steps));
        }
    }

    #[test]
    fn a_key_given_twice_is_refused_on_the_way() {
        let text = br#"{"x":{"a":1,"\u0061":2},"y":{"a":1}}"#;
        let to = |name: &str| [Step::Field(name.into()), Step::Field("a".into())];

        assert!(pick(text, &to("x"), &mut Fuel::default()).is_err());
        assert_eq!(pick(text, &to("y"), &mut Fuel::default()), Ok(Picked::Found(b"1")));
    }
}
