//! A JSON text whose strings hold `${...}`, compiled into what is fixed and what is filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::ExprError;
use super::expression::Expression;
use super::path::Member;
use super::reader::{Reader, twice};
use super::scan::closing_brace;
use super::scope::References;
use super::value::DEPTH_MAX;
use super::write::{escaped, quoted};

/// How much source the parser may be given for one template, in tokens: about 40 ms of work. Paths
/// and whole numbers need no parser, and what is said twice is parsed once.
const TOKEN_COUNT_MAX: usize = 8 * 1024;

/// A part of the rendered text, in order.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// JSON text as it is.
    Fixed(Box<[u8]>),
    /// The output of a task, copied as it was recorded.
    Output(Arc<str>, Filling),
    /// A string that is one expression: its value with its kind.
    Value(Filling),
    /// An expression inside a longer string: its value as text.
    Inside(Filling),
    /// `${secret.NAME}`, left for the worker.
    Secret(Arc<str>),
}

/// How a list of whole outputs is written.
pub fn list_of_outputs<'a>(tasks: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut out = vec![b'['];
    for task in tasks {
        if out.len() > 1 {
            out.push(b',');
        }
        quoted(&format!("${{output{}}}", Member(task)), &mut out);
    }
    out.push(b']');
    out
}

/// An expression and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Filling {
    pub(super) expression: Expression,
    /// Where its string is in the JSON, as its author would write it.
    pub(super) place: Arc<str>,
    /// Where it begins in that string.
    pub(super) at: usize,
}

/// A compiled template.
#[derive(Debug, Clone)]
pub struct Template {
    pub(super) parts: Arc<[Part]>,
}

impl Template {
    /// Compile JSON text. Strings (not keys) may hold `${expression}` and `${secret.NAME}`; a
    /// literal `${` is written `$${`. Numbers are kept as they are written.
    ///
    /// Refused as `Invalid`: text that is not JSON, a key given twice, depth over 64, a bad
    /// expression; the error has its place in the JSON.
    pub fn compile(json: &[u8]) -> Result<Self, ExprError> {
        let mut compiler = Compiler::default();
        compiler.whole(json).map_err(ExprError::made_invalid)?;
        compiler.end_fixed();
        Ok(Self { parts: compiler.parts.into() })
    }

    /// Whether it renders to the same text always.
    pub fn is_constant(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Fixed(_)))
    }

    /// All that its expressions look at, and the secrets it names.
    pub fn references(&self) -> References {
        let mut references = References::default();
        // A text may name thousands, which are put in order once.
        let mut outputs = Vec::new();
        for part in self.parts.iter() {
            match part {
                Part::Fixed(_) => {}
                Part::Secret(name) => references.add_secret(name),
                Part::Output(_, filling) | Part::Value(filling) | Part::Inside(filling) => {
                    let mut own = filling.expression.references();
                    outputs.append(&mut own.outputs);
                    references.extend(own);
                }
            }
        }
        outputs.sort_unstable();
        outputs.dedup();
        references.outputs = outputs;
        references
    }

    /// Whether it renders to an object, as far as can be told before.
    pub(super) fn is_object(&self) -> bool {
        matches!(self.parts.first(), Some(Part::Fixed(text)) if text.first() == Some(&b'{'))
    }

    /// Its outputs in order, if nothing else is filled in. It is the list of them where its source is
    /// what [`list_of_outputs`] writes.
    pub fn whole_outputs(&self) -> Option<Vec<&str>> {
        let mut outputs = Vec::with_capacity(self.parts.len() / 2);
        for part in self.parts.iter() {
            match part {
                Part::Fixed(_) => {}
                Part::Output(task, _) => outputs.push(&**task),
                Part::Value(_) | Part::Inside(_) | Part::Secret(_) => return None,
            }
        }
        Some(outputs)
    }

    /// The task whose whole output this is, if it is no more than that.
    pub fn whole_output(&self) -> Option<&str> {
        match self.parts.as_ref() {
            [Part::Output(task, _)] => Some(task),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Compiler {
    parts: Vec<Part>,
    fixed: Vec<u8>,
    /// Where we are, as its author would write it: `.data.rows[0]`.
    place: String,
    token_count: usize,
    /// What was compiled, by its source: a text may say the same thing many times.
    known: BTreeMap<String, Expression>,
}

impl Compiler {
    fn whole(&mut self, json: &[u8]) -> Result<(), ExprError> {
        let mut reader = Reader::new(json);
        reader.space();
        self.value(&mut reader, 0)?;
        reader.end()
    }

    fn value(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<(), ExprError> {
        match reader.peek() {
            Some(b'"') => {
                let text = reader.quoted()?.unescape()?;
                self.string(&text).map_err(|error| error.in_text(&text).in_part(&self.place))
            }
            Some(b'-' | b'0'..=b'9') => {
                // As it is written: a constant may be larger than expressions can work with.
                let text = reader.number()?.0;
                self.fixed.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Some(b'[' | b'{') if depth == DEPTH_MAX => {
                Err(ExprError::failed(format!("the JSON lies deeper than {DEPTH_MAX}")))
            }
            Some(b'[') => self.list(reader, depth + 1),
            Some(b'{') => self.map(reader, depth + 1),
            _ => {
                reader.word()?.write_json(&mut self.fixed);
                Ok(())
            }
        }
    }

    fn list(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<(), ExprError> {
        self.fixed.push(b'[');
        reader.take(b'[');
        if !reader.take(b']') {
            for index in 0_usize.. {
                self.inside(&format!("[{index}]"), |own| own.value(reader, depth))?;
                if !reader.take(b',') {
                    break;
                }
                self.fixed.push(b',');
            }
            reader.need(b']', "`,` or `]`")?;
        }
        self.fixed.push(b']');
        Ok(())
    }

    fn map(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<(), ExprError> {
        let mut keys = BTreeSet::new();
        self.fixed.push(b'{');
        reader.take(b'{');
        if !reader.take(b'}') {
            loop {
                let at = reader.at();
                let key = reader.quoted()?.unescape()?.into_owned();
                reader.need(b':', "`:`")?;
                quoted(&key, &mut self.fixed);
                self.fixed.push(b':');
                self.inside(&Member(&key).to_string(), |own| own.value(reader, depth))?;
                if let Some(key) = keys.replace(key) {
                    return Err(twice(&key, at));
                }
                if !reader.take(b',') {
                    break;
                }
                self.fixed.push(b',');
            }
            reader.need(b'}', "`,` or `}`")?;
        }
        self.fixed.push(b'}');
        Ok(())
    }

    fn inside(
        &mut self,
        step: &str,
        work: impl FnOnce(&mut Self) -> Result<(), ExprError>,
    ) -> Result<(), ExprError> {
        let size = self.place.len();
        self.place.push_str(step);
        let result = work(self);
        self.place.truncate(size);
        result
    }

    fn string(&mut self, text: &str) -> Result<(), ExprError> {
        if text.starts_with("${") && closing_brace(text, 2)? + 1 == text.len() {
            return self.single(&text[2..text.len() - 1]);
        }
        self.fixed.push(b'"');
        self.pieces(text)?;
        self.fixed.push(b'"');
        Ok(())
    }

    /// A string that is exactly one expression.
    fn single(&mut self, source: &str) -> Result<(), ExprError> {
        if let Some(name) = secret(source) {
            self.fixed.push(b'"');
            self.part(Part::Secret(Arc::from(name)));
            self.fixed.push(b'"');
            return Ok(());
        }
        let filling = self.filling(source, 2)?;
        let part = match filling.expression.whole_output() {
            Some(task) => Part::Output(Arc::clone(task), filling),
            None => Part::Value(filling),
        };
        self.part(part);
        Ok(())
    }

    fn pieces(&mut self, text: &str) -> Result<(), ExprError> {
        let mut at = 0;
        while let Some(found) = text[at..].find('$') {
            let dollar = at + found;
            escaped(&text[at..dollar], &mut self.fixed);
            let rest = &text[dollar..];
            at = if rest.starts_with("$${") {
                self.fixed.extend_from_slice(b"${");
                dollar + 3
            } else if rest.starts_with("${") {
                let end = closing_brace(text, dollar + 2)?;
                self.piece(&text[dollar + 2..end], dollar + 2)?;
                end + 1
            } else {
                self.fixed.push(b'$');
                dollar + 1
            };
        }
        escaped(&text[at..], &mut self.fixed);
        Ok(())
    }

    fn piece(&mut self, source: &str, at: usize) -> Result<(), ExprError> {
        let part = match secret(source) {
            Some(name) => Part::Secret(Arc::from(name)),
            None => Part::Inside(self.filling(source, at)?),
        };
        self.part(part);
        Ok(())
    }

    fn filling(&mut self, source: &str, at: usize) -> Result<Filling, ExprError> {
        let expression = match self.known.get(source) {
            Some(known) => known.clone(),
            None => self.expression(source).map_err(|error| error.in_source(source).moved(at))?,
        };
        Ok(Filling { expression, place: self.place(), at })
    }

    fn expression(&mut self, source: &str) -> Result<Expression, ExprError> {
        let tokens_left = TOKEN_COUNT_MAX - self.token_count;
        let expression = Expression::compile_within(source, tokens_left)?;
        self.token_count += expression.token_count();
        self.known.insert(source.to_owned(), expression.clone());
        Ok(expression)
    }

    fn part(&mut self, part: Part) {
        self.end_fixed();
        self.parts.push(part);
    }

    fn end_fixed(&mut self) {
        if !self.fixed.is_empty() {
            self.parts.push(Part::Fixed(std::mem::take(&mut self.fixed).into()));
        }
    }

    fn place(&self) -> Arc<str> {
        Arc::from(self.place.trim_start_matches('.'))
    }
}

/// The name in `secret.NAME`, if that is the whole of `source`.
fn secret(source: &str) -> Option<&str> {
    let name = source.trim().strip_prefix("secret.")?;
    let is_name = |byte: u8| byte == b'_' || byte == b'-' || byte.is_ascii_alphanumeric();
    (!name.is_empty() && name.bytes().all(is_name)).then_some(name)
}
