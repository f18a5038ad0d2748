//! Definitions as a store keeps them.

use pyflow_core::definition::Definition;

pub fn target(data: &[u8]) {
    let Ok(definition) = Definition::from_stored(data) else { return };
    let document = definition.document();
    for task in definition.tasks() {
        assert_eq!(definition.find(definition.id(task)), Some(task), "an id finds its task");
    }
    assert!(document.is_object());
}
