//! Reading JSON text into values, with every place where data could be lost refused.

use std::sync::Arc;

use super::error::ExprError;
use super::fuel::Fuel;
use super::reader::{Quoted, Reader, twice};
use super::value::{DEPTH_MAX, ENTRY_SIZE, MAP_SIZE, Map, VALUE_SIZE, Value, text_size};

/// Read one whole JSON text.
pub(super) fn parse(text: &[u8], fuel: &mut Fuel) -> Result<Value, ExprError> {
    let mut reader = Reader::new(text);
    let mut builder = Builder { fuel, keys: RecentKeys::default() };
    builder.fuel.scan(text.len())?;
    reader.space();
    let value = builder.value(&mut reader, 0)?;
    reader.end()?;
    Ok(value)
}

/// Makes values and pays for them.
struct Builder<'f> {
    fuel: &'f mut Fuel,
    keys: RecentKeys,
}

impl Builder<'_> {
    fn value(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<Value, ExprError> {
        match reader.peek() {
            Some(b'"') => {
                let quoted = reader.quoted()?;
                self.fuel.build(text_size(quoted.inner.len()))?;
                Ok(Value::Text(Arc::from(quoted.unescape()?)))
            }
            Some(b'-' | b'0'..=b'9') => number(reader),
            Some(b'[' | b'{') if depth == DEPTH_MAX => {
                Err(ExprError::failed(format!("the JSON lies deeper than {DEPTH_MAX}"))
                    .placed(reader.at()))
            }
            Some(b'[') => self.list(reader, depth + 1),
            Some(b'{') => self.map(reader, depth + 1),
            _ => reader.word(),
        }
    }

    fn list(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<Value, ExprError> {
        let mut items = Vec::new();
        reader.take(b'[');
        if !reader.take(b']') {
            loop {
                self.fuel.build(VALUE_SIZE)?;
                items.push(self.value(reader, depth)?);
                if !reader.take(b',') {
                    break;
                }
            }
            reader.need(b']', "`,` or `]`")?;
        }
        Ok(Value::List(Arc::new(items)))
    }

    fn map(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<Value, ExprError> {
        let mut map = Map::default();
        self.fuel.build(MAP_SIZE)?;
        reader.take(b'{');
        if !reader.take(b'}') {
            loop {
                let key = reader.quoted()?;
                reader.need(b':', "`:`")?;
                self.fuel.build(ENTRY_SIZE)?;
                let name = self.key(&key)?;
                let value = self.value(reader, depth)?;
                if map.insert(Arc::clone(&name), value).is_some() {
                    return Err(twice(&name, key.at));
                }
                if !reader.take(b',') {
                    break;
                }
            }
            reader.need(b'}', "`,` or `}`")?;
        }
        Ok(Value::Map(Arc::new(map)))
    }

    fn key(&mut self, key: &Quoted<'_>) -> Result<Arc<str>, ExprError> {
        if let Some(known) = self.keys.find(key) {
            return Ok(known);
        }
        self.fuel.build(text_size(key.inner.len()))?;
        let name: Arc<str> = Arc::from(key.unescape()?);
        self.keys.remember(&name);
        Ok(name)
    }
}

fn number(reader: &mut Reader<'_>) -> Result<Value, ExprError> {
    let at = reader.at();
    let (text, is_float) = reader.number()?;
    if is_float {
        let float: f64 = text.parse().expect("the grammar of JSON floats is within Rust's");
        if float.is_finite() { Ok(Value::Float(float)) } else { Err(out_of_range(text, at)) }
    } else {
        text.parse().map(Value::Int).map_err(|_| {
            let hint = "send it as text or as a float";
            let what = format!("the whole number {} is beyond 64 signed bits", shortened(text));
            ExprError::failed(format!("{what}; {hint}")).placed(at)
        })
    }
}

fn out_of_range(text: &str, at: usize) -> ExprError {
    let message = format!("the number {} is beyond the range of a float", shortened(text));
    ExprError::failed(message).placed(at)
}

fn shortened(digits: &str) -> String {
    if digits.len() <= 24 { digits.to_owned() } else { format!("{}...", &digits[..24]) }
}

/// The keys seen last, so that a list of like objects shares them.
#[derive(Default)]
struct RecentKeys([Option<Arc<str>>; 16]);

impl RecentKeys {
    fn slot(key: &[u8]) -> usize {
        let first = key.first().copied().unwrap_or_default();
        (key.len() ^ usize::from(first)) & 15
    }

    fn find(&self, key: &Quoted<'_>) -> Option<Arc<str>> {
        let known = self.0[Self::slot(key.inner)].as_ref()?;
        (!key.escaped && known.as_bytes() == key.inner).then(|| Arc::clone(known))
    }

    fn remember(&mut self, name: &Arc<str>) {
        self.0[Self::slot(name.as_bytes())] = Some(Arc::clone(name));
    }
}
