//! Filling in a template.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::error::ExprError;
use super::fuel::Fuel;
use super::json;
use super::scope::Scope;
use super::template::{Filling, Part, Template};
use super::value::Value;
use super::write::{RESULT_SIZE_MAX, escaped, plain, too_large};
use crate::limits::PAYLOAD_SIZE_MAX;

/// Where a rendered text waits for a secret.
///
/// Only these places are the definition's; the same letters anywhere else came with data and must
/// not be filled in, or whoever sends data could read secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPlace {
    pub name: Arc<str>,
    /// The bytes of `${secret.NAME}` in the output, inside a JSON string.
    pub range: Range<usize>,
}

impl Template {
    /// Append the JSON text to `out`. `${secret.NAME}` is left as it is written.
    ///
    /// A string that is exactly one path is copied as it was recorded, unread and unpaid, however
    /// large it is; all together may be 256 MiB. What is built is no larger than 8 MiB. After an
    /// error `out` holds what was written before it.
    pub fn render(
        &self,
        scope: &dyn Scope,
        fuel: &mut Fuel,
        out: &mut Vec<u8>,
    ) -> Result<(), ExprError> {
        self.render_marked(scope, fuel, out, &mut Vec::new())
    }

    /// [`Template::render`], noting where secrets are to be filled in.
    pub fn render_marked(
        &self,
        scope: &dyn Scope,
        fuel: &mut Fuel,
        out: &mut Vec<u8>,
        secrets: &mut Vec<SecretPlace>,
    ) -> Result<(), ExprError> {
        let start = out.len();
        let mut copied_size = 0;
        for part in self.parts.iter() {
            match part {
                Part::Fixed(text) => out.extend_from_slice(text),
                Part::Secret(name) => mark(name, out, secrets),
                Part::Output(_, filling) | Part::Value(filling) => {
                    match filling.held_json(scope, fuel)? {
                        Some(text) => {
                            if out.len() - start + text.len() > PAYLOAD_SIZE_MAX {
                                return Err(too_large(PAYLOAD_SIZE_MAX));
                            }
                            out.extend_from_slice(&text);
                            copied_size += text.len();
                        }
                        None => filling.value(scope, fuel)?.write_json(out),
                    }
                }
                Part::Inside(filling) => {
                    let value = filling.value(scope, fuel)?;
                    escaped(&plain(&value, fuel)?, out);
                }
            }
            if out.len() - start - copied_size > RESULT_SIZE_MAX {
                return Err(too_large(RESULT_SIZE_MAX));
            }
        }
        Ok(())
    }

    /// The template's value as the JSON text it is held in, where it is no more than a path.
    pub(super) fn held_json(
        &self,
        scope: &dyn Scope,
        fuel: &mut Fuel,
    ) -> Result<Option<Bytes>, ExprError> {
        match self.parts.as_ref() {
            [Part::Value(filling) | Part::Output(_, filling)] => filling.held_json(scope, fuel),
            _ => Ok(None),
        }
    }

    /// Render and read back: the template's value.
    pub fn evaluate(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Value, ExprError> {
        if let [Part::Value(filling) | Part::Output(_, filling)] = self.parts.as_ref() {
            return filling.value(scope, fuel);
        }
        let mut out = Vec::new();
        self.render(scope, fuel, &mut out)?;
        json::parse(&out, fuel)
    }
}

impl Filling {
    fn value(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Value, ExprError> {
        self.expression.evaluate(scope, fuel).map_err(|error| self.placed(error))
    }

    fn held_json(&self, scope: &dyn Scope, fuel: &mut Fuel) -> Result<Option<Bytes>, ExprError> {
        self.expression.held_json(scope, fuel).map_err(|error| self.placed(error))
    }

    fn placed(&self, error: ExprError) -> ExprError {
        let error = error.in_source(self.expression.source()).moved(self.at);
        if self.place.is_empty() { error } else { error.within(&self.place) }
    }
}

fn mark(name: &Arc<str>, out: &mut Vec<u8>, secrets: &mut Vec<SecretPlace>) {
    let start = out.len();
    out.extend_from_slice(format!("${{secret.{name}}}").as_bytes());
    secrets.push(SecretPlace { name: Arc::clone(name), range: start..out.len() });
}

#[cfg(test)]
mod tests {
    use super::super::scope::Root;
    use super::super::test_scope::TestScope;
    use super::*;

    fn scope() -> TestScope {
        TestScope::merging(&[r#"{"text":"a \"quoted\"\nline","n":22.0,"none":null}"#])
            .with_output(
                "analyze",
                r#"{ "average_temperature" : 25.733333333333334, "big": 18446744073709551615 }"#,
            )
            .with_output("name", r#""bob""#)
            .with_root(Root::CurrentTask, r#""activate_cooling""#)
            .with_root(Root::Item, r#"{"k":[1,2]}"#)
    }

    fn render(template: &str) -> Result<String, ExprError> {
        let mut out = Vec::new();
        Template::compile(template.as_bytes())?.render(&scope(), &mut Fuel::default(), &mut out)?;
        Ok(String::from_utf8(out).expect("JSON is UTF-8"))
    }

    #[test]
    fn strings_are_filled_in() {
        #[rustfmt::skip] // The columns carry the meaning.
        let cases = [
            (r#""${$.n}""#,                       "22.0"),
            (r#""${ item.k }""#,                  "[1,2]"),
            (r#""is ${$.n}""#,                    r#""is 22.0""#),
            (r#""${output.analyze.average_temperature} °C, ${current_task}""#,
                                                  r#""25.733333333333334 °C, activate_cooling""#),
            (r#""<${$.text}>""#,                  r#""<a \"quoted\"\nline>""#),
            (r#""<${item.k}${$.none}>""#,         r#""<[1,2]null>""#),
            (r#""${{'a': '}'}['a']}""#,           r#""}""#),
            (r#""$${a} $$${b} $ $$ ${1}$""#,      r#""${a} $${b} $ $$ 1$""#),
            (r#""${\"x\" + 'y'}""#,               r#""xy""#),
            (r#""\u0024{1 + 1}""#,                "2"),
            (r#"{"at":"${now()}"}"#,              r#"{"at":"2026-11-21T10:00:00.000Z"}"#),
            (r#"{"${k}":"v"}"#,                   r#"{"${k}":"v"}"#),
            (r#" { "a" : [ 1 , 1.50 , 1e5 , {} ] , "b" : [ ] , "c" : 123456789012345678901234567890 } "#,
                r#"{"a":[1,1.50,1e5,{}],"b":[],"c":123456789012345678901234567890}"#),
        ];
        for (template, wanted) in cases {
            assert_eq!(render(template).as_deref(), Ok(wanted), "{template}");
        }
    }

    #[test]
    fn what_a_path_leads_to_is_copied_unread() {
        let recorded =
            r#"{ "average_temperature" : 25.733333333333334, "big": 18446744073709551615 }"#;

        assert_eq!(render(r#"["${output.analyze}"]"#), Ok(format!("[{recorded}]")));
        assert_eq!(render(r#""${output['name']}""#).as_deref(), Ok(r#""bob""#));
        let template = Template::compile(br#""${output.analyze}""#).expect("sound");
        assert_eq!(template.whole_output(), Some("analyze"));
        let mut out = Vec::new();
        let nothing = &mut Fuel::new(0, 0);
        template.render(&scope(), nothing, &mut out).expect("copying costs nothing");
        assert_eq!(render(r#""${output.analyze.big}""#).as_deref(), Ok("18446744073709551615"));
    }

    #[test]
    fn a_list_of_any_length_is_referred_to_for_nothing() {
        let list = format!("[{}0]", "1234567,".repeat(2_000_000));
        let scope = TestScope::merging(&[&format!(r#"{{"items":{list}}}"#)])
            .with_output("made", &format!(r#"{{"deep":{{"items":{list}}}}}"#));
        for source in ["$.items", "output.made.deep.items"] {
            let template = Template::compile(format!("\"${{{source}}}\"").as_bytes());
            let mut out = Vec::new();

            let rendered = template.expect("sound").render(&scope, &mut Fuel::new(0, 0), &mut out);

            assert_eq!(rendered, Ok(()), "{source}");
            assert!(out == list.as_bytes(), "{source}");
        }
    }

    #[test]
    fn copies_are_bounded_together() {
        let large = format!("\"{}\"", "x".repeat(PAYLOAD_SIZE_MAX / 4));
        let scope = TestScope::default().with_output("t", &large);
        let template =
            Template::compile(br#"["${output.t}","${output.t}","${output.t}","${output.t}"]"#);
        let mut out = Vec::new();

        let error = template.expect("sound").render(&scope, &mut Fuel::default(), &mut out);

        assert_eq!(error.expect_err("too large").code, super::super::ExprCode::CostExceeded);
    }

    #[test]
    fn one_field_is_read_past_what_cannot_be_kept() {
        let average = r#""${output.analyze.average_temperature + 0.0}""#;

        assert_eq!(render(average).as_deref(), Ok("25.733333333333334"));
        let error = render(r#""${output.analyze.big + 0}""#).expect_err("64 signed bits");
        assert!(error.message.contains("beyond 64 signed bits"), "{error}");
    }

    #[test]
    fn secrets_are_left_and_marked_and_data_cannot_fake_them() {
        let scope = TestScope::merging(&[r#"{"evil":"${secret.KEY}"}"#]);
        let json = br#"{"a":"Bearer ${secret.KEY}","b":"${ secret.K-2 }","c":"${$.evil}","d":"$${secret.KEY}"}"#;
        let template = Template::compile(json).expect("sound");
        let (mut out, mut secrets) = (Vec::new(), Vec::new());

        template
            .render_marked(&scope, &mut Fuel::default(), &mut out, &mut secrets)
            .expect("rendered");

        let text = String::from_utf8(out).expect("JSON is UTF-8");
        let wanted = r#"{"a":"Bearer ${secret.KEY}","b":"${secret.K-2}","c":"${secret.KEY}","d":"${secret.KEY}"}"#;
        assert_eq!(text, wanted);
        let marked: Vec<_> = secrets.iter().map(|place| &text[place.range.clone()]).collect();
        assert_eq!(marked, ["${secret.KEY}", "${secret.K-2}"]);
        assert_eq!(template.references().secrets, ["K-2".into(), "KEY".into()]);
        assert!(!template.is_constant());
    }

    #[test]
    fn a_template_is_refused_with_its_place() {
        #[rustfmt::skip] // The columns carry the meaning.
        let cases = [
            (r#"{"data":{"rows":[1,"${foo}"]}}"#, "data.rows[1]: `foo` is not a name in view"),
            (r#"{"a b":"${1 +}"}"#,               "[\"a b\"]: not an expression"),
            (r#""${HOME""#,                       "`${` without its `}`; a literal `${` is written `$${`"),
            (r#""a ${'}""#,                       "closing quote"),
            (r#""a ${ b""#,                       "`${` without its `}`"),
            (r#""${}""#,                          "empty"),
            (r#"{"a":1,"a":2}"#,                  "given twice"),
            ("[1,]",                              "not JSON"),
            (r#""${1 + secret.K}""#,              "a secret stands alone"),
        ];
        for (template, wanted) in cases {
            let error = Template::compile(template.as_bytes()).expect_err(template);
            assert!(error.to_string().contains(wanted), "{template}: {error}");
            assert_eq!(error.code, super::super::ExprCode::Invalid);
        }
        let error = render(r#"{"data":{"x":"t ${$.gone}"}}"#).expect_err("nothing there");
        assert!(error.message.starts_with("data.x: `$.gone` is not there"), "{error}");
        assert!(error.message.ends_with("in `${$.gone}`"), "{error}");
    }

    #[test]
    fn a_template_without_expressions_is_constant() {
        let constant = Template::compile(br#"{"a":["$${x}",1]}"#).expect("sound");

        assert!(constant.is_constant());
        assert!(!Template::compile(br#"["${1}"]"#).expect("sound").is_constant());
        let value = constant.evaluate(&scope(), &mut Fuel::default()).expect("a value");
        assert_eq!(value, Value::from_json(br#"{"a":["${x}",1]}"#).expect("JSON"));
    }
}
