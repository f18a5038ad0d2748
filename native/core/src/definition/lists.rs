//! Arguments that are lists of whole outputs.
//!
//! Most templates are such, and a large graph has one for each task: a number an output stands for
//! each, where a template with its expressions takes hundreds of bytes.

use std::ops::Range;

use crate::expr::{Template, list_of_outputs};
use crate::ids::TaskIndex;

/// The lists of a definition, one after the other.
#[derive(Debug, Default)]
pub(super) struct Lists {
    outputs: Vec<TaskIndex>,
}

impl Lists {
    pub(super) fn outputs(&self, range: &Range<u32>) -> &[TaskIndex] {
        &self.outputs[range.start as usize..range.end as usize]
    }

    /// Takes a template over, where the ids of its outputs say all that its source says and none
    /// stands in it twice. `named` are the tasks that it reads, in the order of their `ids`.
    pub(super) fn take<T: AsRef<str>>(
        &mut self,
        template: &Template,
        source: &str,
        ids: &[T],
        named: &[TaskIndex],
    ) -> Option<Range<u32>> {
        let listed = template.whole_outputs()?;
        let is_whole = listed.len() == named.len() && ids.len() == named.len();
        if !is_whole || list_of_outputs(listed.iter().copied()) != source.as_bytes() {
            return None;
        }
        let begin = u32::try_from(self.outputs.len()).ok()?;
        let end = u32::try_from(self.outputs.len() + listed.len()).ok()?;
        self.outputs.extend(listed.into_iter().map(|id| {
            let place = ids.binary_search_by(|known| known.as_ref().cmp(id));
            named[place.expect("what a template reads is among its references")]
        }));
        Some(begin..end)
    }

    /// All that there are, without the room that they grew in.
    pub(super) fn finished(mut self) -> Self {
        self.outputs.shrink_to_fit();
        self
    }
}
