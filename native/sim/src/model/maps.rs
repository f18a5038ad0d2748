//! Maps: items open in their order, so many at once, and the last of them ends the map.

use bytes::Bytes;
use serde_json::Value;

use super::entry::{End, Entry, Phase};
use super::run::Run;

impl Run {
    /// A map knows its items.
    pub(super) fn expand(&mut self, map: usize, items: Vec<Value>, at: u64) {
        let count = items.len();
        self.items_of.insert(map, items);
        let first = self.entries.len();
        if self.is_blurred {
            // Which of them open is not foretold: they are watched.
            self.entries[map].phase = Phase::Mapped;
        } else if count == 0 {
            self.entries[map].ends(End::Completed(Some(Bytes::from_static(b"[]"))));
        } else {
            self.entries[map].phase = Phase::Mapped;
        }
        self.maps.insert(map, (first, count));
        self.entries.extend(std::iter::repeat_with(Entry::new).take(count));
        self.go_on_with_maps(at);
    }

    /// Opens the items whose turn it is and ends the maps of which all items have ended; tells
    /// whether anything has changed.
    pub(super) fn go_on_with_maps(&mut self, at: u64) -> bool {
        if self.is_blurred {
            return false;
        }
        let maps: Vec<usize> = self.maps.keys().copied().collect();
        let mut changed = false;
        for map in maps {
            if self.entries[map].phase == Phase::Mapped {
                changed |= self.open_items(map, at);
                changed |= self.end_map(map);
            }
        }
        changed
    }

    fn open_items(&mut self, map: usize, at: u64) -> bool {
        let most = self.flow.tasks[map].options.concurrency.unwrap_or(u32::MAX) as usize;
        let is_open = |entry: &&Entry| entry.end().is_none() && entry.phase != Phase::Waiting;
        let open = self.items(map).filter(is_open).count();
        let (first, count) = self.maps[&map];
        let items = self.entries[first..first + count].iter_mut();
        let waiting = items.filter(|entry| entry.phase == Phase::Waiting);
        let opened = waiting.take(most.saturating_sub(open)).map(|entry| entry.opens(at)).count();
        opened > 0
    }

    fn end_map(&mut self, map: usize) -> bool {
        if !self.items(map).all(|item| item.end().is_some()) {
            return false;
        }
        let has_failed = self.items(map).any(|item| !matches!(item.end(), Some(End::Completed(_))));
        let end =
            if has_failed { End::Failed } else { End::Completed(Some(self.joined_items(map))) };
        if has_failed {
            // It fails with the first of its items that has not completed.
            let bad = |item: &&Entry| !matches!(item.end(), Some(End::Completed(_)));
            let error = self.items(map).find(bad).and_then(|item| item.error.clone());
            self.failure_count += 1;
            (self.entries[map].error, self.entries[map].failed_as) = (error, self.failure_count);
        }
        self.entries[map].ends(end);
        true
    }

    fn joined_items(&self, map: usize) -> Bytes {
        let texts: Vec<String> = self
            .items(map)
            .map(|item| {
                item.output().map_or("null".into(), |o| String::from_utf8_lossy(o).into_owned())
            })
            .collect();
        format!("[{}]", texts.join(",")).into()
    }
}
