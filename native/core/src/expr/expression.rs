//! One compiled expression.

use std::sync::Arc;

use bytes::Bytes;

use super::access;
use super::error::ExprError;
use super::fuel::Fuel;
use super::node::{Kind, Node};
use super::parse::parse;
use super::path::Origin;
use super::scan::closing_brace;
use super::scope::{References, Scope};
use super::value::Value;
use super::walk::{Walk, truth};
use super::write::check;

/// An expression, compiled once and evaluated any number of times, from any thread.
#[derive(Debug, Clone)]
pub struct Expression {
    source: Arc<str>,
    node: Arc<Node>,
    slot_count: usize,
    token_count: usize,
}

impl Expression {
    /// Compile `source`, which is not wrapped in `${}`.
    ///
    /// Refused as `Invalid`: larger than 8 KiB, nested deeper than 64, not the grammar, a name or a
    /// function that does not exist, a secret.
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        Self::compile_within(source, usize::MAX)
    }

    /// Compile `source` if the parser need not read more than `token_count_max` tokens.
    pub(super) fn compile_within(source: &str, token_count_max: usize) -> Result<Self, ExprError> {
        let parsed = parse(source, token_count_max)?;
        let node = Arc::new(parsed.node);
        let (slot_count, token_count) = (parsed.slot_count, parsed.token_count);
        Ok(Self { source: Arc::from(source), node, slot_count, token_count })
    }

    /// Compile `source` with or without `${}` around the whole of it: a condition may be either.
    pub fn compile_either(source: &str) -> Result<Self, ExprError> {
        let trimmed = source.trim();
        let Some(inner) = trimmed.strip_prefix("${") else { return Self::compile(source) };
        let end = closing_brace(trimmed, 2)?;
        if end + 1 != trimmed.len() {
            return Err(ExprError::invalid("a condition is one expression: `${...}`", end + 1));
        }
        let before = source.len() - source.trim_start().len() + 2;
        Self::compile(&inner[..end - 2]).map_err(|error| error.moved(before))
    }

    /// The text it was compiled from, without `${}`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// All that it looks at.
    pub fn references(&self) -> References {
        let mut references = References::default();
        self.node.each(&mut |node| match &node.kind {
            Kind::Path(path) => match &path.origin {
                Origin::Output(task) => references.add_output(task),
                Origin::Root(root) => references.add_root(*root),
            },
            Kind::Now => references.uses_now = true,
            Kind::Literal(_)
            | Kind::Local { .. }
            | Kind::Field(..)
            | Kind::Index(..)
            | Kind::Optional(_)
            | Kind::Has(_)
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Not(_)
            | Kind::Negate(_)
            | Kind::Logic { .. }
            | Kind::Choose(_)
            | Kind::Binary(..)
            | Kind::Call(..)
            | Kind::Coalesce(_)
            | Kind::Loop(_) => {}
        });
        references
    }

    /// Its value in `scope`: no larger than 8 MiB as JSON and no deeper than 64.
    pub fn evaluate(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Value, ExprError> {
        let value = Walk::new(scope, fuel, self.slot_count).value(&self.node)?;
        check(&value, fuel)?;
        Ok(value)
    }

    /// Its truth in `scope`; a value that is not true or false is refused.
    pub fn evaluate_bool(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<bool, ExprError> {
        truth(&self.evaluate(scope, fuel)?, "a condition")
    }

    /// The task whose whole output this is, if it is no more than that.
    pub(super) fn whole_output(&self) -> Option<&Arc<str>> {
        let Kind::Path(path) = &self.node.kind else { return None };
        let Origin::Output(task) = &path.origin else { return None };
        path.steps.is_empty().then_some(task)
    }

    /// Its value as the JSON text it is held in, where it is a path and the scope holds texts.
    pub(super) fn held_json(
        &self,
        scope: &dyn Scope,
        fuel: &mut Fuel,
    ) -> Result<Option<Bytes>, ExprError> {
        let Kind::Path(path) = &self.node.kind else { return Ok(None) };
        let text = access::path_json(scope, path, fuel)?;
        Ok(text.map(|text| text.slice_ref(text.trim_ascii())))
    }

    pub(super) const fn token_count(&self) -> usize {
        self.token_count
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::ExprCode;
    use super::super::scope::Root;
    use super::super::test_scope::TestScope;
    use super::*;

    fn scope() -> TestScope {
        TestScope::merging(&[
            r#"{"a":{"b":[10,20,{"c":"deep"}]},"low":1,"shared":"input"}"#,
            "[1,2]",
            r#"{"average_temperature":29.5,"shared":"output","nothing":null}"#,
            r#"{"threshold_high":28,"shared":"params"}"#,
        ])
        .with_output("collect", r#"{"rows":[{"v":1.5},{"v":2}],"id":7}"#)
        .with_output("step 2/x", "42")
        .with_root(Root::Item, r#"{"name":"bob"}"#)
        .with_root(Root::Index, "3")
        .with_root(Root::CurrentTask, r#""activate_cooling""#)
    }

    fn value(source: &str) -> Result<Value, ExprError> {
        let compiled = Expression::compile(source)?;
        let by_json = compiled.evaluate(&scope(), &mut Fuel::default());
        let values_only = TestScope { values_only: true, ..scope() };
        let by_value = compiled.evaluate(&values_only, &mut Fuel::default());
        assert_eq!(by_json, by_value, "{source}");
        by_json
    }

    fn json(source: &str) -> String {
        let mut out = Vec::new();
        value(source).unwrap_or_else(|error| panic!("{source}: {error}")).write_json(&mut out);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn names_paths_and_operators_give_their_values() {
        #[rustfmt::skip] // The columns carry the meaning.
        let cases = [
            ("$.average_temperature > $.threshold_high", "true"),
            ("$.shared",                                 "\"params\""),
            ("$.a.b[2].c",                               "\"deep\""),
            ("$['a'][\"b\"][1] + 1",                     "21"),
            ("$.a.b[1.0]",                               "20"),
            ("size($)",                                  "6"),
            ("$.nothing",                                "null"),
            ("'$.a' + r'\\$'",                           "\"$.a\\\\$\""),
            ("output.collect.rows[0].v",                 "1.5"),
            ("output[\"step 2/x\"] / 5",                 "8.4"),
            ("output.collect.rows.map(r, r.v + $.low)",  "[2.5,3]"),
            ("[3, 1, 2].map(_, _ * $.low)",              "[3,1,2]"),
            ("{'a': {'k': 1}}.a.map(input, input)",      "[\"k\"]"),
            ("item.name + '-' + string(index)",          "\"bob-3\""),
            ("current_task",                             "\"activate_cooling\""),
            ("now() < '2027'",                           "true"),
            ("7 / 2",                                    "3.5"),
            ("6 / 2",                                    "3"),
            ("1 + 1.5",                                  "2.5"),
            ("2 * 3.0",                                  "6.0"),
            ("7 % 4",                                    "3"),
            ("-9223372036854775808",                     "-9223372036854775808"),
            ("1 == 1.0 && 1 != '1'",                     "true"),
            ("{'b': 1, 'a': [null]}",                    "{\"b\":1,\"a\":[null]}"),
            ("$.gone.x == 1 || true",                    "true"),
            ("false && $.gone",                          "false"),
            ("has($.a.b)",                               "true"),
            ("has($.gone.deep)",                         "false"),
            ("has($.nothing)",                           "true"),
            ("has($.nothing.x)",                         "false"),
            ("has(output.gone)",                         "false"),
            ("$.?gone.?x",                               "null"),
            ("$.a.b[?9].orValue(5)",                     "5"),
            ("coalesce($.gone, $.nothing, $.low)",       "1"),
            ("output.`step 2/x`",                        "42"),
        ];
        for (source, wanted) in cases {
            assert_eq!(json(source), wanted, "{source}");
        }
    }

    #[test]
    fn functions_give_their_values() {
        #[rustfmt::skip] // The columns carry the meaning.
        let cases = [
            ("size('aü') + size([1]) + {'a': 1}.size()",        "4"),
            ("[int('7'), int(2.9), int(-2.9)]",                 "[7,2,-2]"),
            ("[double(1), float('2.5')]",                       "[1.0,2.5]"),
            ("[string(1.0), string('x'), string([1, 'a'])]",    "[\"1.0\",\"x\",\"[1,\\\"a\\\"]\"]"),
            ("bool('true') && !bool('false')",                  "true"),
            ("[1, 1.5, '', null, true, [], {}].map(x, type(x))", "[\"int\",\"float\",\"text\",\"null\",\"bool\",\"list\",\"map\"]"),
            ("[min(3, 1.5), max([1, 2.5]), min('b', 'a')]",     "[1.5,2.5,\"a\"]"),
            ("[abs(-3), abs(-2.5)]",                            "[3,2.5]"),
            ("[round(2.5), round(-2.5), round(7)]",             "[3,-3,7]"),
            ("[round(2.345, 1), round(2, 2)]",                  "[2.3,2.0]"),
            ("[floor(2.7), floor(-2.1), ceil(2.1)]",            "[2,-3,3]"),
            ("[sum([1, 2]), sum([0.1, 0.2, 0.3]), sum([])]",    "[3,0.6,0]"),
            ("'a,b'.split(',') + 'ab'.split('')",               "[\"a\",\"b\",\"a\",\"b\"]"),
            ("['a', 'b'].join('-') + ['c'].join()",             "\"a-bc\""),
            ("' aXbX '.trim().replace('X', '__')",              "\"a__b__\""),
            ("'Ab'.lowerAscii() + 'Ab'.upperAscii()",           "\"abAB\""),
            ("'abc'.contains('b') && 'abc'.endsWith('bc')",     "true"),
            ("[1, 2, 3].filter(x, x > 1).map(x, x * 2)",        "[4,6]"),
            ("[1, 2, 3].map(x, x > 1, x * 2)",                  "[4,6]"),
            ("[1, 2].all(x, x > 0) && [1, 2].exists(x, x == 2)", "true"),
            ("[0, 1].exists(x, 1 / x == 1)",                    "true"),
            ("[1, 1].exists_one(x, x == 1)",                    "false"),
            ("{'k': 1, 'l': 2}.filter(k, k != 'l')",            "[\"k\"]"),
        ];
        for (source, wanted) in cases {
            assert_eq!(json(source), wanted, "{source}");
        }
    }

    #[test]
    fn a_failure_says_what_was_found_and_what_to_do() {
        #[rustfmt::skip] // The columns carry the meaning.
        let cases = [
            ("$.avarage_temperature",  "`$.avarage_temperature` is not there; did you mean `average_temperature`?"),
            ("$.a.x",                  "`$.a.x` is not there; there is `b`"),
            ("$.a.b[3]",               "`$.a.b[3]` is not there; it has 3 elements"),
            ("$.a.b.c",                "`$.a.b` is list; it has no field `c`"),
            ("$.nothing.x",            "`$.nothing` is null; it has no field `x`"),
            ("output.gone.x",          "`output.gone` is not in view here; only tasks that come before this one are"),
            ("output[\"no such\"]",    "`output[\"no such\"]` is not in view here; only tasks that come before this one are"),
            ("$.a.map(k, k.z)",        "`k` is text; it has no field `z`"),
            ("event.x",                "`event` is not in view here"),
            ("1 < 'a'",                "int and text have no order"),
            ("$.nothing < 1",          "null and int have no order; test with `!= null` first"),
            ("1 + 'a'",                "`+` cannot take int and text; make it a text with string(x)"),
            ("$.nothing * 2",          "`*` cannot take null and int; give a default with coalesce(x, 0)"),
            ("1 / 0",                  "division by zero"),
            ("9223372036854775807 + 1", "the result is beyond 64 signed bits; make one side a float with float(x)"),
            ("1e308 * 10.0",           "the result is beyond the range of a float"),
            ("1 && true",              "`&&` takes true or false, here it is int"),
            ("'a' in 'abc'",           "`in` takes a list or a map; for a text write a.contains(b)"),
            ("int('x')",               "int found a text that is not a whole number"),
            ("float('inf')",           "float found a text that is not a number"),
            ("{1: 2}",                 "a key is a text, here it is int"),
            ("{'a': 1, 'a': 2}",       "the key `a` is given twice"),
            ("sum([1, '2'])",          "sum takes numbers; element 1 is text"),
            ("min([])",                "min and max need at least one element; test size() first"),
            ("1.map(x, x)",            "a loop takes a list or a map, here it is int"),
        ];
        for (source, wanted) in cases {
            let error = value(source).expect_err(source);
            assert_eq!(error.message, wanted, "{source}");
            assert_eq!(error.code, ExprCode::Failed, "{source}");
            assert!(error.at.is_some(), "{source}");
        }
    }

    #[test]
    fn a_bad_source_is_refused_where_it_is_bad() {
        #[rustfmt::skip] // The columns carry the meaning.
        let cases = [
            ("",                  0, "empty"),
            ("// nothing",        0, "empty"),
            ("1 +",               3, "not an expression"),
            ("'ü' + @",           7, "not an expression"),
            ("'ü' + foo",         7, "`foo` is not a name in view"),
            ("inptu.x",           0, "did you mean `input`?"),
            ("1 + siez([1])",     4, "there is no function `siez`; did you mean `size`?"),
            ("size(1, 2)",        0, "size takes 1 arguments, here it has 2"),
            ("contains('a', 'b')", 0, "write x.contains(...), not contains(x, ...)"),
            ("[1].sum()",         7, "write sum(x), not x.sum()"),
            ("output",            0, "`output` is followed by a task"),
            ("output[item]",      6, "is a text in quotes"),
            ("now",               0, "write `now()`"),
            ("1 + secret.KEY",   10, "a secret stands alone"),
            ("secret.KEY",        6, "a secret stands alone"),
            ("[1].map(1, 2)",     8, "the first argument of a loop is a plain name"),
            ("[1].map($, 2)",     8, "the first argument of a loop is a plain name"),
            ("[1].map(x)",        7, "a loop takes a name and an expression"),
            ("has(1)",            3, "has() tests a field"),
            ("b'abc'",            0, "bytes are not known here"),
            ("a.b{c: 1}",         3, "messages are not known here"),
            ("[?1]",              0, "`?` in a list"),
            ("18446744073709551615u", 0, "beyond 64 signed bits"),
            ("9223372036854775808", 0, "not an expression"),
            ("'abc",              0, "closing quote"),
            ("(1",                2, "a bracket is not closed"),
            ("$x",                0, "write `$.name`"),
            (".input",            1, "is not a name in view"),
        ];
        for (source, at, wanted) in cases {
            let error = Expression::compile(source).expect_err(source);
            assert!(error.message.contains(wanted), "{source}: {error}");
            assert_eq!((error.code, error.at), (ExprCode::Invalid, Some(at)), "{source}: {error}");
        }
    }

    #[test]
    fn references_are_complete() {
        let source = "output.b.x + output['a'].map(x, $.k + item.n)[0] + size(now()) + output.b.y";
        let references = Expression::compile(source).expect("sound").references();

        assert_eq!(references.outputs, ["a".into(), "b".into()]);
        assert_eq!(references.roots, [Root::Merged, Root::Item]);
        assert!(references.uses_merged && references.uses_now);
        assert_eq!(Expression::compile("$.a.b").expect("sound").references().roots, [Root::Merged]);
    }

    #[test]
    fn a_condition_is_true_or_false_with_or_without_braces() {
        let of = |source: &str| {
            Expression::compile_either(source)?.evaluate_bool(&scope(), &mut Fuel::default())
        };

        assert_eq!(of("$.low == 1"), Ok(true));
        assert_eq!(of(" ${ {'a': $.low}.a == 2 } "), Ok(false));
        assert!(of("$.low").expect_err("an int").message.contains("here it is int"));
        assert!(of("${true} x").is_err());
        assert!(of("${true").is_err());
    }

    #[test]
    fn an_expression_crosses_threads() {
        fn crosses<T: Send + Sync>() {}
        crosses::<Expression>();
        crosses::<super::super::Template>();
        crosses::<super::super::transform::Transform>();
    }
}
