//! Reading a transformation's parameters: some have a meaning, the others are passed through.

use super::super::error::ExprError;
use super::super::expression::Expression;
use super::super::fuel::Fuel;
use super::super::path::Member;
use super::super::pick::entries;
use super::super::scope::{References, Scope};
use super::super::template::Template;
use super::super::value::Value;
use super::super::write::quoted;
use crate::names::{closest, shown};

/// The parameters not yet taken.
#[derive(Debug)]
pub(super) struct Parameters<'a> {
    rest: Vec<(String, &'a [u8])>,
}

impl<'a> Parameters<'a> {
    pub(super) fn read(text: &'a [u8]) -> Result<Self, ExprError> {
        let rest = entries(text)?
            .ok_or_else(|| ExprError::failed("the parameters of a transformation are an object"))?;
        Ok(Self { rest })
    }

    /// The name in `operation`.
    pub(super) fn operation(&mut self, known: &[&str]) -> Result<String, ExprError> {
        let names = known.join(", ");
        let Some(name) = self.text("operation")? else {
            return Err(ExprError::failed(format!("`operation` is missing; it is one of {names}")));
        };
        if known.contains(&name.as_str()) {
            return Ok(name);
        }
        let near = closest(&name, known.iter().copied());
        let hint = near.map_or_else(
            || format!("known are {names}"),
            |near| format!("did you mean `{near}`? Known are {names}"),
        );
        let message = format!("there is no operation `{}`; {hint}", shown(&name));
        Err(ExprError::failed(message).in_part(".operation"))
    }

    fn take(&mut self, name: &str) -> Option<&'a [u8]> {
        let place = self.rest.iter().position(|(known, _)| known == name)?;
        Some(self.rest.remove(place).1)
    }

    /// A parameter that is a plain text.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, ExprError> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let value = Value::from_json(text).map_err(|error| in_parameter(name, error))?;
        let Value::Text(text) = value else {
            let kind = value.kind();
            let error = ExprError::failed(format!("`{name}` is a text, here it is {kind}"));
            return Err(in_parameter(name, error));
        };
        Ok(Some(text.as_ref().to_owned()))
    }

    /// A parameter that may hold expressions.
    pub(super) fn template(&mut self, name: &str) -> Result<Option<Template>, ExprError> {
        let compiled = self.take(name).map(Template::compile).transpose();
        compiled.map_err(|error| in_parameter(name, error))
    }

    pub(super) fn needed_template(&mut self, name: &str) -> Result<Template, ExprError> {
        self.template(name)?.ok_or_else(|| missing(name))
    }

    /// A parameter that is a condition, with or without `${}`.
    pub(super) fn condition(&mut self, name: &str) -> Result<Expression, ExprError> {
        let source = self.text(name)?.ok_or_else(|| missing(name))?;
        Expression::compile_either(&source)
            .map_err(|error| in_parameter(name, error.in_text(&source)))
    }

    /// Refuse what is left: these operations pass nothing through.
    pub(super) fn end(&self) -> Result<(), ExprError> {
        match self.rest.first() {
            None => Ok(()),
            Some((name, _)) => {
                let message = format!(
                    "`{}` is no parameter of this operation; its output is what it makes",
                    shown(name)
                );
                Err(in_parameter(name, ExprError::failed(message)))
            }
        }
    }

    /// What is left, to be passed through.
    pub(super) fn passed(self) -> Result<Passed, ExprError> {
        let mut text = vec![b'{'];
        for (index, (name, value)) in self.rest.iter().enumerate() {
            text.extend_from_slice(if index == 0 { b"" } else { b"," });
            quoted(name, &mut text);
            text.push(b':');
            text.extend_from_slice(value);
        }
        text.push(b'}');
        let names = self.rest.into_iter().map(|(name, _)| name).collect();
        Ok(Passed { names, template: Template::compile(&text)? })
    }
}

fn in_parameter(name: &str, error: ExprError) -> ExprError {
    error.in_part(&Member(name).to_string())
}

fn missing(name: &str) -> ExprError {
    ExprError::failed(format!("`{name}` is missing"))
}

/// The parameters that go into the output as they are, so that a decision can see them.
#[derive(Debug, Clone)]
pub(super) struct Passed {
    names: Vec<String>,
    template: Template,
}

impl Passed {
    pub(super) fn references(&self) -> References {
        self.template.references()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// The output: `results` first, then what is passed through.
    pub(super) fn output(
        &self,
        results: &[(&str, Value)],
        scope: &dyn Scope,
        fuel: &mut Fuel,
    ) -> Result<Vec<u8>, ExprError> {
        let mut out = vec![b'{'];
        for (index, (name, value)) in results.iter().enumerate() {
            if self.has(name) {
                let hint = "rename the parameter, or give `name`";
                let message =
                    format!("a parameter and the result are both called `{name}`; {hint}");
                return Err(ExprError::failed(message));
            }
            out.extend_from_slice(if index == 0 { b"" } else { b"," });
            quoted(name, &mut out);
            out.push(b':');
            value.write_json(&mut out);
        }
        if self.names.is_empty() {
            out.push(b'}');
            return Ok(out);
        }
        let start = out.len();
        self.template.render(scope, fuel, &mut out)?;
        // The rendered object begins with its brace, where the comma belongs.
        out[start] = b',';
        Ok(out)
    }
}
