//! Our walker against the `cel` crate's evaluator, on the part of the language where both agree.

use proptest::prelude::*;

use super::expression::Expression;
use super::fuel::Fuel;
use super::test_scope::TestScope;
use super::value::Value;

/// What both sides see as `input`: JSON, which is CEL too.
const INPUT: &str = r#"{"n":3,"big":9007199254740993,"f":2.5,"t":"abc","e":"","yes":true,"no":false,
    "none":null,"list":[1,2,3,4],"texts":["a","b","abc"],"map":{"k":1,"v":"x"}}"#;

fn ours(source: &str) -> Option<Value> {
    let scope = TestScope::default().with_root(super::scope::Root::Input, INPUT);
    Expression::compile(source).ok()?.evaluate(&scope, &mut Fuel::default()).ok()
}

fn theirs(source: &str) -> Option<Value> {
    let (env, mut context) = (cel::Env::stdlib(), cel::Context::default());
    let input = env.compile(INPUT).expect("JSON is CEL").execute(&context);
    context.add_variable_from_value("input", input.expect("it is made of literals"));
    let program = env.compile(source).ok()?;
    from_cel(&program.execute(&context).ok()?)
}

fn from_cel(value: &cel::Value) -> Option<Value> {
    Some(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(flag) => Value::Bool(*flag),
        cel::Value::Int(int) => Value::Int(*int),
        cel::Value::Float(float) => Value::Float(*float),
        cel::Value::String(text) => Value::text(text),
        cel::Value::List(items) => {
            Value::list(items.iter().map(from_cel).collect::<Option<Vec<_>>>()?)
        }
        // The others are kinds that JSON does not have, or maps, whose order `cel` does not keep.
        cel::Value::Map(_)
        | cel::Value::Function(..)
        | cel::Value::UInt(_)
        | cel::Value::Bytes(_)
        | cel::Value::Opaque(_)
        | cel::Value::Struct(_) => return None,
    })
}

/// Whole-number expressions; division is left out, where the two languages differ on purpose.
fn int() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (-20_i64..20).prop_map(|int| if int < 0 { format!("({int})") } else { int.to_string() }),
        Just("input.n".to_owned()),
        Just("input.big".to_owned()),
        Just("input.map.k".to_owned()),
        Just("input.list[2]".to_owned()),
        Just("size(input.t)".to_owned()),
        Just("9223372036854775807".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), "[-+*]", inner.clone())
                .prop_map(|(l, op, r)| format!("({l} {op} {r})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(l, m, r)| format!("{l} - {m} * {r}")),
            inner.clone().prop_map(|inner| format!("-({inner})")),
            (truth(), inner.clone(), inner).prop_map(|(t, l, r)| format!("({t} ? {l} : {r})")),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "'[a-c]{0,3}'",
        Just("input.t".to_owned()),
        Just("input.map.v".to_owned()),
        Just("(input.t + 'ü')".to_owned()),
        Just("input.texts[1]".to_owned()),
    ]
}

fn truth() -> impl Strategy<Value = String> {
    let order = || "(<|<=|>|>=|==|!=)".prop_map(|operator: String| operator);
    prop_oneof![
        Just("input.yes".to_owned()),
        Just("!input.no".to_owned()),
        Just("has(input.f)".to_owned()),
        Just("has(input.absent)".to_owned()),
        Just("input.absent".to_owned()),
        Just("'k' in input.map".to_owned()),
        Just("input.none == null".to_owned()),
        (0_i64..9, order()).prop_map(|(int, op)| format!("input.n {op} {int}")),
        (0_i64..9, order()).prop_map(|(int, op)| format!("input.f {op} {int}")),
        (text(), order(), text()).prop_map(|(l, op, r)| format!("{l} {op} {r}")),
        (text(), text()).prop_map(|(l, r)| format!("{l}.startsWith({r})")),
        (text(), text()).prop_map(|(l, r)| format!("{l}.contains({r})")),
        (0_i64..9).prop_map(|int| format!("{int} in input.list")),
    ]
}

fn logic() -> impl Strategy<Value = String> {
    truth().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), "(&&|\\|\\|)", inner.clone())
                .prop_map(|(l, op, r)| format!("({l} {op} {r})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(l, m, r)| format!("{l} && {m} || {r}")),
            inner.clone().prop_map(|inner| format!("!({inner})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(t, l, r)| format!("({t} ? {l} : {r})")),
        ]
    })
}

fn looped() -> impl Strategy<Value = String> {
    let step = || (int(), "[-+*]").prop_map(|(int, op)| format!("x {op} ({int})"));
    let test = || (int(), "(<|>|==)").prop_map(|(int, op)| format!("x {op} ({int})"));
    prop_oneof![
        step().prop_map(|step| format!("input.list.map(x, {step})")),
        (test(), step()).prop_map(|(test, step)| format!("input.list.map(x, {test}, {step})")),
        test().prop_map(|test| format!("input.list.filter(x, {test})")),
        test()
            .prop_map(|test| format!("input.list.all(x, {test} || input.list.exists(y, y == x))")),
        test().prop_map(|test| format!("input.list.exists(x, {test} && 10 / (x - 2) > 0)")),
        test().prop_map(|test| format!("input.list.exists_one(x, {test})")),
        (test(), step()).prop_map(|(test, step)| {
            format!("input.list.filter(x, {test}).map(x, [x, {step}, size(input.texts)])")
        }),
    ]
}

fn agree(source: &str) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours(source), theirs(source), "{}", source);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whole_numbers_come_out_as_in_cel(source in int()) {
        agree(&source)?;
    }

    #[test]
    fn truths_come_out_as_in_cel(source in logic()) {
        agree(&source)?;
    }

    #[test]
    fn loops_come_out_as_in_cel(source in looped()) {
        agree(&source)?;
    }

    #[test]
    fn texts_come_out_as_in_cel(left in text(), right in text()) {
        agree(&format!("{left} + {right}"))?;
        agree(&format!("size({left} + {right})"))?;
    }
}

#[test]
fn precedence_is_as_in_cel() {
    for source in [
        "10 - 2 - 3",
        "2 + 3 * 4 - 1",
        "10 % 4 * 3",
        "1 < 2 == true",
        "true || false && false",
        "false ? 1 : true ? 2 : 3",
        "-input.n + 1",
        "!input.no && input.yes",
        "input.list[1] + input.list[0] * 2",
        "'a' + 'b' == 'ab'",
        "1 in [1, 2] && !(3 in [1, 2])",
        "input.f * 2.0 - 1.5",
        "input.list + [5]",
        "1 == 1.0",
        "input.n < 3.5",
        "[1, 2] == [1, 2]",
        "null == null",
        "'1' == 1",
    ] {
        let value = ours(source);
        assert!(value.is_some(), "{source}");
        assert_eq!(value, theirs(source), "{source}");
    }
}
