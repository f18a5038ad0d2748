//! The items of a map: a contiguous range of instances, numbered when the map was expanded.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::ids::InstanceIndex;

/// A map that knows its items.
#[derive(Clone, Debug, PartialEq)]
pub struct MapState {
    /// The instance of the first item; the others follow.
    pub base: InstanceIndex,
    /// The JSON array of items, empty once the map has ended well.
    pub(super) items: Bytes,
    /// Where each item stands in `items`.
    pub(super) spans: Vec<(u32, u32)>,
    pub count: u32,
    /// How many items, from the first, have had their turn to open.
    pub opened: u32,
    pub settled: u32,
    /// Items that are open and have not ended.
    pub(super) open: u32,
    /// Items that are to be opened once more, before those that were never opened.
    pub(super) again: BTreeSet<u32>,
}

impl MapState {
    pub(super) fn new(base: InstanceIndex, items: Bytes) -> Self {
        let spans = spans_of(&items).expect("decide checked that the items are a list");
        let count = spans.len() as u32;
        Self { items, spans, count, opened: 0, settled: 0, ..Self::ended(base, count) }
    }

    /// A map whose items are no longer needed.
    pub(super) fn ended(base: InstanceIndex, count: u32) -> Self {
        Self {
            base,
            items: Bytes::new(),
            spans: Vec::new(),
            count,
            opened: count,
            settled: count,
            open: 0,
            again: BTreeSet::new(),
        }
    }

    /// Takes the next item whose turn it is, if any is left.
    pub(super) fn next_item(&mut self) -> Option<InstanceIndex> {
        let index = self.again.pop_first().or_else(|| {
            let next = self.opened;
            (next < self.count).then(|| {
                self.opened += 1;
                next
            })
        })?;
        Some(self.instance(index))
    }

    /// The item with this index, as JSON.
    pub fn item(&self, index: u32) -> Bytes {
        let (start, end) = self.spans[index as usize];
        self.items.slice(start as usize..end as usize)
    }

    pub fn instance(&self, index: u32) -> InstanceIndex {
        InstanceIndex(self.base.0 + index)
    }
}

/// How many items a JSON text has, if it is a list.
pub fn item_count(json: &[u8]) -> Option<usize> {
    spans_of(json).map(|spans| spans.len())
}

fn spans_of(json: &[u8]) -> Option<Vec<(u32, u32)>> {
    let items: Vec<&RawValue> = serde_json::from_slice(json).ok()?;
    let start_of = json.as_ptr() as usize;
    let span = |item: &RawValue| {
        let start = item.get().as_ptr() as usize - start_of;
        (start as u32, (start + item.get().len()) as u32)
    };
    Some(items.into_iter().map(span).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_cut_out_of_the_list_as_they_stand() {
        let map =
            MapState::new(InstanceIndex(5), Bytes::from_static(b"[1, {\"a\": [2]}, \"x,y\"]"));

        let items: Vec<Bytes> = (0..map.count).map(|index| map.item(index)).collect();

        assert_eq!(items, [&b"1"[..], b"{\"a\": [2]}", b"\"x,y\""]);
        assert_eq!(map.instance(2), InstanceIndex(7));
    }

    #[test]
    fn what_is_no_list_has_no_items() {
        assert_eq!(item_count(b"{}"), None);
        assert_eq!(item_count(b"[]"), Some(0));
    }
}
