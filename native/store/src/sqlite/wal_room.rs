//! Keeps room ahead in the write-ahead log: zeros where the next frames go.
//!
//! Syncing what is written over old bytes costs two thirds of syncing a file that grows, whose new length and blocks
//! become durable as well (`examples/submit_speed.rs`). Zeros are no frame to SQLite and to our own scan.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::paths::beside;
use super::wal_length::INLINE_FRAMES;
use crate::wal::length_of;

/// About 256 KiB: one sync in thirty pays for the growth, and a store that does little stays small.
const STRIDE_FRAMES: u32 = 64;
/// Room for fewer frames than these asks for more: most turns take two.
const LEFT_FRAMES_MIN: u32 = 16;

/// Makes the write-ahead log longer before its frames need it, up to where it starts over.
#[derive(Debug)]
pub(super) struct WalRoom {
    path: PathBuf,
    /// The file that SQLite writes, wherever it is moved.
    file: Option<File>,
    /// It is as long as this at least. The greatest number where no room is to be made any more.
    size: u64,
    page_size: u32,
}

impl WalRoom {
    pub(super) fn new(store: &Path, page_size: u32) -> Self {
        Self { path: beside(store, "-wal"), file: None, size: 0, page_size }
    }

    /// To be called after each commit, with the frames that it left: only between commits nobody else writes there.
    pub(super) fn after_commit(&mut self, frames: u32) {
        let wanted = length_of(frames + LEFT_FRAMES_MIN, self.page_size);
        if frames < INLINE_FRAMES && wanted > self.size {
            // Without room commits are slower; one that finds the disk full says so.
            self.size = self.grow(wanted).unwrap_or(u64::MAX);
        }
    }

    /// Makes the file so long, or longer. Answers how long it is.
    fn grow(&mut self, wanted: u64) -> io::Result<u64> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(File::options().write(true).open(&self.path)?),
        };
        let size = file.metadata()?.len();
        if size >= wanted {
            return Ok(size);
        }
        let zeros = vec![0; length_of(STRIDE_FRAMES, self.page_size) as usize];
        file.write_all_at(&zeros, size)?;
        Ok(size + zeros.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PAGE_SIZE: u32 = 4096;

    /// The length of the file after a commit that left so many frames, of which SQLite wrote so many itself.
    fn after_commits(frames: &[(u32, u32)]) -> Vec<u64> {
        let dir = tempfile::tempdir().expect("a directory");
        let store = dir.path().join("flow.db");
        let wal = beside(&store, "-wal");
        fs::write(&wal, b"").expect("written");
        let mut room = WalRoom::new(&store, PAGE_SIZE);
        let size = || fs::metadata(&wal).expect("it is there").len();
        let mut sizes = Vec::new();
        for (frames, written) in frames {
            let file = File::options().write(true).open(&wal).expect("it is there");
            let end = length_of(*written, PAGE_SIZE);
            file.set_len(end.max(size())).expect("written");
            room.after_commit(*frames);
            sizes.push(size());
        }
        sizes
    }

    #[test]
    fn there_is_room_before_it_is_needed_and_only_then_more() {
        let sizes = after_commits(&[(2, 2), (40, 2), (62, 2)]);

        assert!(sizes[0] >= length_of(64, PAGE_SIZE), "{sizes:?}");
        assert_eq!(sizes[0], sizes[1]);
        assert!(sizes[2] >= length_of(100, PAGE_SIZE), "{sizes:?}");
    }

    #[test]
    fn a_file_that_is_long_enough_or_starts_over_does_not_grow() {
        let long = length_of(500, PAGE_SIZE);

        assert_eq!(after_commits(&[(400, 500), (2, 2)]), [long, long]);
        assert_eq!(
            after_commits(&[(INLINE_FRAMES, INLINE_FRAMES)]),
            [length_of(INLINE_FRAMES, PAGE_SIZE)]
        );
    }
}
