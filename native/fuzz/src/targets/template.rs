//! Parameters: JSON with expressions in its strings.

use pyflow_core::expr::Template;

use super::scope::{Seen, fuel};

pub fn target(data: &[u8]) {
    let Ok(template) = Template::compile(data) else { return };
    let mut json = Vec::new();
    let rendered = template.render(&Seen, &mut fuel(), &mut json);
    let mut again = Vec::new();
    assert_eq!(rendered, template.render(&Seen, &mut fuel(), &mut again));
    assert_eq!(json, again, "a template renders to one text");
    if rendered.is_err() {
        return;
    }
    // A constant may be larger than an expression can work with, so another reader judges.
    let is_json = serde_json::from_slice::<&serde_json::value::RawValue>(&json).is_ok();
    assert!(is_json, "{}", String::from_utf8_lossy(&json));
}
