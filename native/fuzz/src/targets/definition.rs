//! Definitions in document form.

use pyflow_core::definition::{Definition, definition_of_document};

pub fn target(data: &[u8]) {
    match definition_of_document(data) {
        Ok((definition, stored)) => {
            let read = Definition::from_stored(&stored).expect("what was accepted is read back");
            assert_eq!(read.hash, definition.hash, "a definition keeps its hash");
            assert_eq!(read.document(), definition.document());
            assert!(definition.task_count() > 0, "a graph without tasks is refused");
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "a refusal names what is wrong");
            for problem in problems {
                assert!(!problem.message.is_empty(), "a problem says what it is: {problem:?}");
                assert!(problem.message.len() < 4096, "a problem is short: {problem:?}");
            }
        }
    }
}
