//! The doors, by name.

mod columns;
mod definition;
mod event;
mod expression;
mod feed;
mod graph;
mod scope;
mod snapshot;
mod stored_definition;
mod template;
mod transform;

pub use columns::target as columns;
pub use definition::target as definition;
pub use event::target as event;
pub use expression::target as expression;
pub use graph::target as graph;
pub use snapshot::target as snapshot;
pub use stored_definition::target as stored_definition;
pub use template::target as template;
pub use transform::target as transform;

/// One reader and the bytes it is tried on.
pub type Target = fn(&[u8]);

/// Every target with its name, which is also that of its corpus and of its program.
pub const TARGETS: [(&str, Target); 9] = [
    ("columns", columns),
    ("definition", definition),
    ("event", event),
    ("expression", expression),
    ("graph", graph),
    ("snapshot", snapshot),
    ("stored_definition", stored_definition),
    ("template", template),
    ("transform", transform),
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}
