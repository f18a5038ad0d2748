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

/// `root.name["any name"][0]`, which most expressions are, without the parser; None is no verdict.
fn plain_path(source: &str) -> Option<Path> {
    let source = source.trim();
    let end = source.find(['.', '[']).unwrap_or(source.len());
    let (first, mut rest) = source.split_at(end);
    let origin = match first {
        "$" => Origin::Root(Root::Merged),
        "output" => {
            let Step::Field(task) = plain_step(&mut rest)? else { return None };
            Origin::Output(task)
        }
        name => Origin::Root(Root::from_name(name)?),
    };
    let mut steps = Vec::new();
    while !rest.is_empty() {
        steps.push(plain_step(&mut rest)?);
    }
    (steps.len() < NESTING_MAX).then_some(Path { origin, steps, slot: 0 })
}

/// Takes `.name`, `["any name"]` or `[0]` from the front of `rest`.
fn plain_step(rest: &mut &str) -> Option<Step> {
    let (step, left) = if let Some(inner) = rest.strip_prefix('.') {
        let end = inner.find(['.', '[']).unwrap_or(inner.len());
        (Step::Field(Arc::from(plain_word(&inner[..end])?)), &inner[end..])
    } else {
        let inner = rest.strip_prefix('[')?;
        if let quote @ ('"' | '\'') = inner.chars().next()? {
            let (text, left) = plain_text(&inner[1..], quote)?;
            (Step::Field(text), left.strip_prefix(']')?)
        } else {
            let end = inner.find(']')?;
            (Step::Index(plain_number(&inner[..end])?), &inner[end + 1..])
        }
    };
    *rest = left;
    Some(step)
}

/// The text up to its closing quote, and what follows it. Of escapes those of quotes and of the
/// backslash are known here.
fn plain_text(rest: &str, quote: char) -> Option<(Arc<str>, &str)> {
    if rest.starts_with(quote) {
        return None; // Empty, or the first of three quotes.
    }
    let mut text = String::new();
    let mut letters = rest.char_indices();
    loop {
        match letters.next()? {
            (_, '\n' | '\r') => return None,
            (_, '\\') => match letters.next()?.1 {
                letter @ ('\\' | '"' | '\'') => text.push(letter),
                _ => return None,
            },
            (end, letter) if letter == quote => return Some((text.into(), &rest[end + 1..])),
            (_, letter) => text.push(letter),
        }
    }
}

/// A whole number of a few digits, without the parser.
fn plain_number(source: &str) -> Option<i64> {
    let digits = source.trim();
    let is_plain =
        (1..18).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| digits.parse().ok()).flatten()
}

fn plain_word(word: &str) -> Option<&str> {
    let starts_well = word.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    let is_plain = word.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    (starts_well && is_plain && !KEPT_WORDS.contains(&word)).then_some(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_the_parser(source: &str) -> Option<Path> {
        let survey = survey(source).ok()?;
        let (tree, places) = cel_tree(source, &survey).ok()?;
        let (node, _) = lower(&tree, &places, &survey.dollars).ok()?;
        if let Kind::Path(path) = node.kind { Some(path) } else { None }
    }

    /// Pieces of paths, and pieces that are nearly so.
    fn path() -> impl Strategy<Value = String> {
        let root = prop_oneof!["\\$", "input", "item", "output", "foo", "secret"];
        let step = prop_oneof![
            "\\.[a-c_]{1,3}",
            "\\.(in|null|x y|1a|`a`|)",
            "\\[(0|7|007|-1|1\\.5| 2 |)\\]",
            r#"\["([a-cä \.\[\]$']|\\["'\\n]|\n){0,4}"\]"#,
            "\\['([a-c\" {}]|''){0,3}'\\]",
            "[ \\[\\]\"'?]",
        ];
        (root, proptest::collection::vec(step, 0..4))
            .prop_map(|(root, steps)| root + &steps.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_without_the_parser_is_what_the_parser_reads(source in path()) {
            if let Some(plain) = plain_path(&source) {
                prop_assert_eq!(Some(plain), by_the_parser(&source), "{}", source);
            }
        }
    }

    #[test]
    fn common_paths_need_no_parser() {
        for source in [
            "$",
            "$.a",
            "input.list[0].name",
            "output.t",
            r#"output["task 1-ü.x"].rows[12]"#,
            "output['t']['k']",
            r#"output["a\"b"]"#,
            " item ",
            "params[\"a.b\"]",
            "1",
            " 42 ",
        ] {
            let parsed = parse(source, 0).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(parsed.token_count, 0, "{source}");
        }
        assert!(parse("output", 9).is_err());
    }
}
