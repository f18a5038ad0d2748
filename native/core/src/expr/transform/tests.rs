//! What each operation gives and refuses.

use super::super::error::ExprCode;
use super::super::test_scope::TestScope;
use super::*;

const READINGS: &str = r#"{"reading_type":"temperature","readings":[
    {"device_id":"temp_1","value":22.5,"unit":"celsius"},
    {"device_id":"temp_2","value":31,"unit":"celsius"},
    {"device_id":"temp_3","value":29.5,"unit":"celsius"}]}"#;

fn scope() -> TestScope {
    TestScope::merging(&["{}", READINGS]).with_output("collect", READINGS)
}

fn apply(parameters: &str, scope: &TestScope) -> Result<String, ExprError> {
    let transform = Transform::compile(parameters.as_bytes())?;
    let out = transform.apply(scope, &mut Fuel::default())?;
    Ok(String::from_utf8(out).expect("JSON is UTF-8"))
}

fn refusal(parameters: &str, scope: &TestScope) -> String {
    apply(parameters, scope).expect_err(parameters).message
}

#[test]
fn an_average_passes_its_thresholds_on() {
    let parameters = r#"{"operation":"average","threshold_high":28.0,"threshold_low":22.0}"#;
    let wanted =
        r#"{"average_temperature":27.666666666666668,"threshold_high":28.0,"threshold_low":22.0}"#;

    assert_eq!(apply(parameters, &scope()).as_deref(), Ok(wanted));
    let by_values = TestScope { values_only: true, ..scope() };
    assert_eq!(apply(parameters, &by_values).as_deref(), Ok(wanted));
}

#[test]
fn each_measure_has_its_number() {
    #[rustfmt::skip] // The columns carry the meaning.
    let cases = [
        (r#"{"operation":"min"}"#,                                  r#"{"min_temperature":22.5}"#),
        (r#"{"operation":"max"}"#,                                  r#"{"max_temperature":31}"#),
        (r#"{"operation":"sum"}"#,                                  r#"{"sum_temperature":83.0}"#),
        (r#"{"operation":"count"}"#,                                r#"{"count":3}"#),
        (r#"{"operation":"sum","name":"heat"}"#,                    r#"{"sum_heat":83.0}"#),
        (r#"{"operation":"sum","items":[1,2,3],"name":"n"}"#,       r#"{"sum_n":6}"#),
        (r#"{"operation":"average","items":[1,2],"name":"n"}"#,     r#"{"average_n":1.5}"#),
        (r#"{"operation":"max","items":"${output.collect.readings.map(r, r.value)}"}"#,
                                                                    r#"{"max_temperature":31}"#),
        (r#"{"operation":"min","items":[{"w":4},{"w":2}],"field":"w","unit":"${'k' + 'g'}"}"#,
                                                                    r#"{"min_temperature":2,"unit":"kg"}"#),
    ];
    for (parameters, wanted) in cases {
        assert_eq!(apply(parameters, &scope()).as_deref(), Ok(wanted), "{parameters}");
    }
}

#[test]
fn without_a_type_the_measure_stands_alone() {
    let bare = TestScope::merging(&[r#"{"readings":[1,2]}"#]);

    assert_eq!(apply(r#"{"operation":"max"}"#, &bare).as_deref(), Ok(r#"{"max":2}"#));
}

#[test]
fn a_reading_without_a_number_is_named() {
    for (reading, found) in [
        (r#"{"device_id":"t9","value":"n/a"}"#, "reading 1 of `t9`: `value` is text"),
        (r#"{"device_id":"t9","value":true}"#, "reading 1 of `t9`: `value` is bool"),
        (r#"{"device_id":"t9","value":null}"#, "reading 1 of `t9`: `value` is null"),
        (r#"{"device_id":"t9"}"#, "reading 1 of `t9`: `value` is not there"),
        ("false", "reading 1: `value` is bool"),
    ] {
        let text = format!(r#"{{"readings":[{{"value":1}},{reading}]}}"#);
        for values_only in [false, true] {
            let scope = TestScope { values_only, ..TestScope::merging(&[&text]) };
            let message = refusal(r#"{"operation":"average"}"#, &scope);
            assert!(message.starts_with(found), "{message}");
            assert!(message.contains("`filter`"), "{message}");
        }
    }
}

#[test]
fn nothing_to_measure_is_refused_but_counted() {
    let empty = TestScope::merging(&[r#"{"readings":[]}"#]);

    for operation in ["average", "min", "max"] {
        let message = refusal(&format!(r#"{{"operation":"{operation}"}}"#), &empty);
        assert!(message.contains("no readings at all"), "{message}");
    }
    assert_eq!(apply(r#"{"operation":"count"}"#, &empty).as_deref(), Ok(r#"{"count":0}"#));
    assert_eq!(apply(r#"{"operation":"sum"}"#, &empty).as_deref(), Ok(r#"{"sum":0}"#));
}

#[test]
fn no_readings_in_view_says_what_is() {
    let scope = TestScope::merging(&[r#"{"reading":[]}"#]);
    let message = refusal(r#"{"operation":"average"}"#, &scope);

    assert!(message.contains("`$.readings` is not there; did you mean `reading`?"), "{message}");
    assert!(message.contains("`items`"), "{message}");
}

#[test]
fn a_filter_keeps_readings_that_the_next_operation_understands() {
    let parameters = r#"{"operation":"filter","where":"item.value > 25 && index < 2"}"#;

    let wanted = r#"{"readings":[{"device_id":"temp_2","value":31,"unit":"celsius"}],"reading_type":"temperature"}"#;
    assert_eq!(apply(parameters, &scope()).as_deref(), Ok(wanted));

    let parameters =
        r#"{"operation":"filter","items":[1,2,3],"where":"${item != 2}","name":"odd"}"#;
    assert_eq!(apply(parameters, &scope()).as_deref(), Ok(r#"{"odd":[1,3]}"#));
}

#[test]
fn a_map_makes_something_of_each() {
    let parameters =
        r#"{"operation":"map","items":[1,2],"to":{"n":"${item * 10}","t":"${index}: ${item}"}}"#;
    let wanted = r#"{"items":[{"n":10,"t":"0: 1"},{"n":20,"t":"1: 2"}]}"#;

    assert_eq!(apply(parameters, &scope()).as_deref(), Ok(wanted));
}

#[test]
fn select_and_merge_make_objects() {
    let parameters =
        r#"{"operation":"select","fields":{"first":"${$.readings[0].value}","k":"v"}}"#;
    assert_eq!(apply(parameters, &scope()).as_deref(), Ok(r#"{"first":22.5,"k":"v"}"#));

    let scope = TestScope::default()
        .with_output("a", r#"{"x":1,"y":{"z":1}}"#)
        .with_output("b", "null")
        .with_output("c", r#"{"y":2}"#);
    let wanted = Ok(r#"{"x":1,"y":2}"#);
    assert_eq!(apply(r#"{"operation":"merge"}"#, &scope).as_deref(), wanted);
    let parameters = r#"{"operation":"merge","sources":["${output.a}","${output.c}"]}"#;
    assert_eq!(apply(parameters, &scope).as_deref(), wanted);
    let message = refusal(r#"{"operation":"merge","sources":[1]}"#, &scope);
    assert_eq!(message, "sources[0] is an object, here it is int");
}

#[test]
fn bad_parameters_are_refused_early() {
    for (parameters, wanted) in [
        ("[]", "are an object"),
        ("{}", "`operation` is missing"),
        (r#"{"operation":"averag"}"#, "did you mean `average`?"),
        (r#"{"operation":7}"#, "is a text"),
        (r#"{"operation":"filter"}"#, "`where` is missing"),
        (r#"{"operation":"filter","where":"item ="}"#, "where: "),
        (r#"{"operation":"map"}"#, "`to` is missing"),
        (r#"{"operation":"select","fields":{},"more":1}"#, "`more` is no parameter"),
        (r#"{"operation":"select","fields":[]}"#, "`fields` is an object"),
    ] {
        let error = Transform::compile(parameters.as_bytes()).expect_err(parameters);
        assert_eq!(error.code, ExprCode::Invalid);
        assert!(error.to_string().contains(wanted), "{parameters}: {error}");
    }
}

#[test]
fn a_bad_parameter_is_shown_where_it_is() {
    let place = |parameters: &str| {
        let error = Transform::compile(parameters.as_bytes()).expect_err(parameters);
        (error.place, error.column)
    };

    assert_eq!(place(r#"{"operation":"avg"}"#), (".operation".into(), None));
    assert_eq!(place(r#"{"operation":"filter","where":"'é' + itm"}"#), (".where".into(), Some(6)));
    assert_eq!(
        place(r#"{"operation":"map","to":{"a b":["ää ${1 + nou()}"]}}"#),
        (".to[\"a b\"][0]".into(), Some(9))
    );
}

#[test]
fn a_result_does_not_hide_a_parameter() {
    let parameters = r#"{"operation":"count","count":1}"#;

    assert!(refusal(parameters, &scope()).contains("both called `count`"));
}

#[test]
fn the_schema_is_json_and_knows_each_operation() {
    let schema: serde_json::Value = serde_json::from_str(PARAMETERS_SCHEMA).expect("JSON");

    let text = schema.to_string();
    for operation in OPERATIONS {
        assert!(text.contains(&format!("\"{operation}\"")), "{operation}");
    }
}

#[test]
fn references_tell_what_must_be_kept() {
    let of =
        |parameters: &str| Transform::compile(parameters.as_bytes()).expect("sound").references();

    assert!(of(r#"{"operation":"average"}"#).uses_merged);
    assert!(of(r#"{"operation":"merge"}"#).uses_direct_outputs);
    let named = of(r#"{"operation":"merge","sources":["${output.b}","${output.a}"]}"#);
    assert_eq!(named.outputs, ["a".into(), "b".into()]);
    assert!(!named.uses_direct_outputs && !named.uses_merged);
}
