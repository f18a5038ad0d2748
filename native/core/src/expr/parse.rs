//! From source text to the `cel` crate's tree, with all that could hurt it kept from the parser.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cel::common::ast::{IdedExpr, SourceInfo};

use super::error::ExprError;
use super::lower::lower;
use super::node::{Kind, Node};
use super::path::{Origin, Path, Step};
use super::scan::{NESTING_MAX, SOURCE_SIZE_MAX, Survey, survey};
use super::scope::Root;
use super::value::Value;

/// A compiled source: its tree, and how many paths it has.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) node: Node,
    pub(super) slot_count: usize,
    /// What the parser had to read; 0 where it was not needed.
    pub(super) token_count: usize,
}

/// Compile `source`.
pub(super) fn parse(source: &str, token_count_max: usize) -> Result<Parsed, ExprError> {
    if source.len() <= SOURCE_SIZE_MAX
        && let Some(path) = plain_path(source)
    {
        let at = source.len() - source.trim_start().len();
        let node = Node { at, kind: Kind::Path(path) };
        return Ok(Parsed { node, slot_count: 1, token_count: 0 });
    }
    if let Some(number) = plain_number(source) {
        let at = source.len() - source.trim_start().len();
        let node = Node { at, kind: Kind::Literal(Value::Int(number)) };
        return Ok(Parsed { node, slot_count: 0, token_count: 0 });
    }
    let survey = survey(source)?;
    if survey.token_count == 0 {
        return Err(ExprError::invalid("the expression is empty", 0));
    }
    if survey.token_count > token_count_max {
        let message = "there is more expression text here than one template may hold";
        return Err(ExprError::invalid(message, 0));
    }
    let (tree, places) = cel_tree(source, &survey)?;
    let (node, slot_count) = lower(&tree, &places, &survey.dollars)?;
    Ok(Parsed { node, slot_count, token_count: survey.token_count })
}

fn cel_tree(source: &str, survey: &Survey) -> Result<(IdedExpr, SourceInfo), ExprError> {
    // `$` is no name in CEL. A name of the same length takes its place, so that every offset stays
    // true; `lower` knows it again by where it stands.
    let mut text = source.to_owned();
    for at in &survey.dollars {
        text.replace_range(*at..=*at, "_");
    }
    // An environment without macros leaves `list.map(x, ...)` as it is written.
    let parser =
        cel::Env::default().parser().enable_optional_syntax(true).enable_ident_escape_syntax(true);
    let outcome = catch_unwind(AssertUnwindSafe(|| parser.parse_with_source_info(&text)));
    match outcome {
        Ok(Ok(parsed)) => Ok(parsed),
        Ok(Err(errors)) => Err(first_error(source, &errors)),
        Err(_) => Err(ExprError::invalid("the expression cannot be parsed", 0)),
    }
}

fn first_error(source: &str, errors: &cel::ParseErrors) -> ExprError {
    let Some(first) = errors.errors.first() else {
        return ExprError::invalid("the expression cannot be parsed", 0);
    };
    let said = first.msg.lines().next().unwrap_or_default();
    let said = said.strip_prefix("Syntax error: ").unwrap_or(said);
    let shown: String =
        said.split(" expecting ").next().unwrap_or(said).chars().take(120).collect();
    ExprError::invalid(format!("not an expression: {shown}"), offset(source, first.pos))
}

/// The byte offset of a line and a column, both from 1 and the column in characters.
fn offset(source: &str, (line, column): (isize, isize)) -> usize {
    let before = usize::try_from(line - 1).unwrap_or_default();
    let start: usize = source.split_inclusive('\n').take(before).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    let letters = usize::try_from(column - 1).unwrap_or_default();
    start + rest.char_indices().nth(letters).map_or(rest.len(), |(at, _)| at)
}

/// Words that CEL keeps for itself.
const KEPT_WORDS: [&str; 4] = ["in", "true", "false", "null"];

/// `root.name.name`, which most expressions are, without the parser; None is no verdict.
fn plain_path(source: &str) -> Option<Path> {
    let source = source.trim();
    let mut words = source.split('.');
    let first = words.next()?;
    let origin = match first {
        "$" => Origin::Root(Root::Merged),
        "output" => Origin::Output(Arc::from(plain_word(words.next()?)?)),
        name => Origin::Root(Root::from_name(name)?),
    };
    let steps = words
        .map(|word| plain_word(word).map(|name| Step::Field(Arc::from(name))))
        .collect::<Option<Vec<_>>>()?;
    (steps.len() < NESTING_MAX).then_some(Path { origin, steps, slot: 0 })
}

/// A whole number of a few digits, without the parser.
fn plain_number(source: &str) -> Option<i64> {
    let digits = source.trim();
    let is_plain = digits.len() < 18 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| digits.parse().ok()).flatten()
}

fn plain_word(word: &str) -> Option<&str> {
    let starts_well = word.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    let is_plain = word.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    (starts_well && is_plain && !KEPT_WORDS.contains(&word)).then_some(word)
}
