//! Sources and data made to hurt: each gets a typed answer, and what it may cost is bounded.

use proptest::prelude::*;

use super::error::{ExprCode, ExprError};
use super::expression::Expression;
use super::fuel::Fuel;
use super::template::Template;
use super::test_scope::TestScope;
use super::transform::Transform;
use super::value::Value;

const SIZE: usize = 64 * 1024;

fn evaluate(source: &str) -> Result<Value, ExprError> {
    let scope = TestScope::merging(&[r#"{"text":"abcdefghij","list":[1,2,3,4,5,6,7,8,9,10]}"#]);
    Expression::compile(source)?.evaluate(&scope, &mut Fuel::default())
}

#[test]
fn long_and_deep_sources_are_refused() {
    let repeated = [
        "(", "[", "{", "f(", "a[", "!", "-", "1+", "a?", "a?b:", "${", "'", "\"\"\"", "$.", "a.",
        "é", "&&", "//", "`",
    ];
    for piece in repeated {
        for size in [200, 4 * 1024, SIZE] {
            let source = piece.repeat(size / piece.len());
            let error = Expression::compile(&source).expect_err(piece);
            assert_eq!(error.code, ExprCode::Invalid, "{piece}");
            let template = serde_json::to_vec(&format!("${{{source}")).expect("JSON");
            assert!(Template::compile(&template).is_err(), "{piece}");
        }
    }
}

#[test]
fn doubling_is_paid_for() {
    let doubled = |inner: &str, step: &dyn Fn(&str) -> String, times: usize| {
        (0..times).fold(inner.to_owned(), |source, _| step(&source))
    };
    let sources = [
        // Loops within loops.
        doubled("1", &|inner| format!("$.list.map(x, {inner})"), 12),
        doubled("[1]", &|inner| format!("$.list.filter(x, size({inner}) > 0)"), 12),
        doubled("true", &|inner| format!("$.list.all(x, {inner})"), 12),
        // Texts that grow by their own length.
        doubled(
            "$.text",
            &|inner| format!("[{inner}].map(t, t + t + t + t + t + t + t + t)[0]"),
            12,
        ),
        doubled("$.text", &|inner| format!("{inner}.replace('a', 'aaaaaaaaaaaaaaaaaaaa')"), 20),
        doubled(
            "$.list",
            &|inner| format!("[{inner}].map(t, t + t + t + t + t + t + t + t)[0]"),
            12,
        ),
        // One value held many times: small in memory, endless as JSON.
        doubled("$.list", &|inner| format!("[{inner}].map(t, [t, t, t, t, t, t, t, t])[0]"), 12),
        doubled(
            "$.list",
            &|inner| format!("string([{inner}].map(t, [t, t, t, t, t, t, t, t]))"),
            12,
        ),
        "$.list.map(a, $.list.map(b, $.list.map(c, $.list.map(d, $.list.map(e, string($.list))))))"
            .to_owned(),
    ];
    for source in sources {
        let error = evaluate(&source).expect_err(&source);
        assert_eq!(error.code, ExprCode::CostExceeded, "{source}: {error}");
    }
}

#[test]
fn cost_is_not_looked_past() {
    let dear = "$.list.map(a, $.list.map(b, $.list.map(c, $.list.map(d, $.list.map(e, [1].map(f, a)))))) == []";
    for source in [
        format!("true || {dear} || {dear}"),
        format!("coalesce({dear}, 1)"),
        format!("({dear}) || true"),
    ] {
        let short_cut = source.starts_with("true");
        let code = evaluate(&source).err().map(|error| error.code);
        assert_eq!(code, if short_cut { None } else { Some(ExprCode::CostExceeded) }, "{source}");
    }
}

#[test]
fn large_data_is_paid_for() {
    let large = format!(r#"{{"a":[{}1],"b":7}}"#, "1,".repeat(3_000_000));
    let scope = TestScope::merging(&[&large]);
    let of = |source: &str| {
        Expression::compile(source).expect("sound").evaluate(&scope, &mut Fuel::default())
    };

    assert_eq!(of("$.b"), Ok(Value::Int(7)));
    assert_eq!(of("$.a").expect_err("too large").code, ExprCode::CostExceeded);
    let template = Template::compile(br#""${$.b}${$.b}${$.b}${$.b}${$.b}""#).expect("sound");
    let mut fuel = Fuel::default().looking(20_000_000);
    let error = template.render(&scope, &mut fuel, &mut Vec::new());
    assert_eq!(error.expect_err("read five times").code, ExprCode::CostExceeded);
}

#[test]
fn what_is_copied_again_and_again_is_bounded() {
    let large = format!(r#""{}""#, "x".repeat(5 * 1024 * 1024));
    let scope = TestScope::default().with_output("t", &large);
    let outputs = |count: usize| format!("[{}]", vec![r#""${output.t}""#; count].join(","));
    let render = |count: usize| {
        let template = Template::compile(outputs(count).as_bytes()).expect("sound");
        template.render(&scope, &mut Fuel::default(), &mut Vec::new())
    };

    assert_eq!(render(50), Ok(()), "an argument may be as large as a payload");
    assert_eq!(render(60).expect_err("larger than any payload").code, ExprCode::CostExceeded);
    for parameters in [
        format!(r#"{{"operation":"select","fields":{{"x":{}}}}}"#, outputs(2)),
        format!(r#"{{"operation":"count","items":[1],"x":{}}}"#, outputs(2)),
        format!(r#"{{"operation":"merge","sources":{}}}"#, outputs(2)),
    ] {
        let error = Transform::compile(parameters.as_bytes())
            .expect("sound")
            .apply(&scope, &mut Fuel::default())
            .expect_err("it is more than the core goes on with");
        assert_eq!(error.code, ExprCode::CostExceeded, "{error}");
    }
}

#[test]
fn broken_data_fails_and_no_more() {
    for text in [
        "{",
        "{\"a\":",
        "{\"a\":[1,",
        "{\"a\" 1}",
        "nul",
        "{\"a\":1,\"a\":2}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"\\",
        "\"",
        "{\"a\":1}}",
    ] {
        let scope = TestScope::default().with_output("t", text);
        for source in ["output.t.a", "output.t.a[0].b", "output.t"] {
            let result =
                Expression::compile(source).expect("sound").evaluate(&scope, &mut Fuel::default());
            assert!(result.is_err() || text == "{\"a\":1}}", "{text} {source}");
        }
    }
}

/// Letters that mean something, so that random sources come near to being good ones.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[-+*/%!?:.,()\\[\\]{}$'\"`\\\\<>=&| ]",
        "(a|in|has|map|null|true|input|output|secret|now\\(\\)|\\$\\.a|'x'|1|1\\.5|0x|1u|b'|r\"|//|\\.\\?|é|\u{0})",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_source_gets_a_typed_answer(source in soup()) {
        let _ = evaluate(&source);
        let template = serde_json::to_vec(&format!("x ${{{source}}} y")).expect("JSON");
        let _ = Template::compile(&template);
    }

    #[test]
    fn any_text_gets_a_typed_answer(source in any::<String>()) {
        if let Err(error) = Expression::compile(&source) {
            prop_assert!(error.at.is_some_and(|at| at <= source.len()), "{:?}", error);
        }
        let _ = Template::compile(source.as_bytes());
    }

    #[test]
    fn a_literal_text_survives_a_template(text in any::<String>()) {
        let json = serde_json::to_string(&text.replace("${", "$${")).expect("JSON");
        let mut out = Vec::new();
        let template = Template::compile(json.as_bytes()).expect("nothing to evaluate");
        template.render(&TestScope::default(), &mut Fuel::default(), &mut out).expect("constant");

        prop_assert_eq!(serde_json::from_slice::<String>(&out).expect("JSON"), text);
    }
}
