//! Expressions, as a user writes them.

use pyflow_core::expr::{Expression, Value};

use super::scope::{Seen, fuel};

pub fn target(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let expression = match Expression::compile_either(source) {
        Ok(expression) => expression,
        Err(error) => {
            assert!(error.at.is_none_or(|at| at <= source.len()), "the fault lies in the text");
            assert!(!error.to_string().is_empty(), "a refusal says why");
            return;
        }
    };
    let again = Expression::compile(expression.source()).expect("its own source compiles");
    assert_eq!(again.references(), expression.references());

    let value = expression.evaluate(&Seen, &mut fuel());
    assert_eq!(value, again.evaluate(&Seen, &mut fuel()), "the same scope gives the same value");
    if let Ok(value) = value {
        let mut json = Vec::new();
        value.write_json(&mut json);
        let read = Value::from_json(&json).expect("a value is written as JSON");
        let mut written = Vec::new();
        read.write_json(&mut written);
        assert_eq!(json, written, "what was written is written the same way again");
    }
}
