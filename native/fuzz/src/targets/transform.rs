//! The parameters of a `data_transformation`.

use pyflow_core::expr::Value;
use pyflow_core::expr::transform::Transform;

use super::scope::{Seen, fuel};

pub fn target(data: &[u8]) {
    let Ok(transform) = Transform::compile(data) else { return };
    let output = transform.apply(&Seen, &mut fuel());
    assert_eq!(output, transform.apply(&Seen, &mut fuel()), "an operation has one output");
    if let Ok(json) = output {
        assert!(Value::from_json(&json).is_ok(), "{}", String::from_utf8_lossy(&json));
    }
}
