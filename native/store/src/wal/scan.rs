//! The verdict over a `-wal` file: whole, torn at its end, or damaged.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::format::{Frame, HEADER_SIZE, Sum, WalHeader};
use super::mend::{Flip, find_flip};
use crate::sqlite::{HEAD_PAGE, HeadRecord};

/// What was found wrong, and where. Frames count from 1; frame 0 is the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WalDamage {
    pub(crate) frame: u64,
    pub(crate) offset: u64,
    pub(crate) reason: &'static str,
}

/// What a `-wal` file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WalState {
    /// No file, or nothing in it.
    Empty,
    /// This many frames are good; what follows, if anything, was never acknowledged.
    Sound { frames: u64, commits: u64 },
    /// Something that was once durable cannot be read.
    Damaged(WalDamage),
}

/// Reads a `-wal` file to its end.
///
/// `checkpointed` gives the number of the last commit that the main file holds; asked for only after a bad frame.
pub(crate) fn scan(path: &Path, checkpointed: impl FnOnce() -> u64) -> io::Result<WalState> {
    let mut file = match File::open(path) {
        Ok(file) => BufReader::with_capacity(1 << 18, file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(WalState::Empty),
        Err(error) => return Err(error),
    };
    let mut header = [0; HEADER_SIZE];
    if !fill(&mut file, &mut header)? {
        return Ok(WalState::Empty);
    }
    let Some(header) = WalHeader::parse(&header) else {
        return without_header(&header, file);
    };
    let mut frames = Frames::new(header);
    let mut bytes = vec![0; header.frame_size()];
    while fill(&mut file, &mut bytes)? {
        frames.take(Frame(&bytes));
    }
    Ok(frames.verdict(checkpointed))
}

/// SQLite syncs a header before it writes frames behind it, so that frames without one are damage.
fn without_header(header: &[u8], mut file: impl Read) -> io::Result<WalState> {
    let mut behind = Vec::new();
    file.read_to_end(&mut behind)?;
    let is_blank = header.iter().chain(&behind).all(|byte| *byte == 0);
    Ok(if is_blank || behind.is_empty() {
        WalState::Empty
    } else {
        WalState::Damaged(WalDamage { frame: 0, offset: 0, reason: "its header is not one" })
    })
}

/// Whether the buffer could be filled; a shorter rest of the file is a torn write.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The first bad frame.
#[derive(Debug)]
struct Bad {
    frame: u64,
    flip: Option<Flip>,
}

/// What the frames after a bad one prove.
#[derive(Debug, Default)]
struct Later {
    /// Whether a transaction ends in a frame that follows from its neighbour.
    has_commit: bool,
    synced_commit_max: u64,
    /// The first head in a frame that follows from its neighbour.
    commit_min: Option<u64>,
}

impl Later {
    /// A head says the truth about what was synced before it, even in a frame that was torn.
    fn take(&mut self, frame: Frame<'_>, follows: bool) {
        let head = head_in(frame);
        self.synced_commit_max =
            head.map_or(0, |head| head.synced_commit).max(self.synced_commit_max);
        if follows {
            self.has_commit |= frame.is_commit();
            let commit = head.map(|head| head.commit);
            self.commit_min = self.commit_min.into_iter().chain(commit).min();
        }
    }
}

/// The state of a walk over frames.
#[derive(Debug)]
struct Frames {
    header: WalHeader,
    /// What the next frame follows from; after one wrong byte it may be either of two.
    seeds: [Sum; 2],
    count: u64,
    commits: u64,
    /// The head as the transaction that is being read leaves it.
    open_head: Option<HeadRecord>,
    /// The head as the last complete transaction left it.
    good_head: Option<HeadRecord>,
    bad: Option<Bad>,
    later: Later,
}

impl Frames {
    fn new(header: WalHeader) -> Self {
        Self {
            header,
            seeds: [header.sum; 2],
            count: 0,
            commits: 0,
            open_head: None,
            good_head: None,
            bad: None,
            later: Later::default(),
        }
    }

    fn take(&mut self, frame: Frame<'_>) {
        let is_current = frame.salts() == self.header.salts && frame.page_number() != 0;
        let follows = is_current
            && self
                .seeds
                .iter()
                .any(|seed| frame.sum_after(*seed, self.header.order) == frame.sum());
        match (&self.bad, follows) {
            (None, true) => self.take_good(frame),
            (None, false) => return self.take_bad(frame),
            (Some(_), _) if is_current => self.later.take(frame, follows),
            (Some(_), _) => {}
        }
        self.seeds = [frame.sum(); 2];
    }

    fn take_good(&mut self, frame: Frame<'_>) {
        self.count += 1;
        if let Some(head) = head_in(frame) {
            self.open_head = Some(head);
        }
        if frame.is_commit() {
            self.commits += 1;
            self.good_head = self.open_head;
        }
    }

    fn take_bad(&mut self, frame: Frame<'_>) {
        let flip = find_flip(frame, self.seeds[0], &self.header);
        self.seeds = [frame.sum(), flip.map_or(frame.sum(), |flip| flip.computed)];
        self.bad = Some(Bad { frame: self.count + 1, flip });
    }

    fn verdict(self, checkpointed: impl FnOnce() -> u64) -> WalState {
        let sound = WalState::Sound { frames: self.count, commits: self.commits };
        let Some(bad) = &self.bad else {
            return if self.count == 0 { WalState::Empty } else { sound };
        };
        let damage = |reason| {
            let offset = HEADER_SIZE as u64 + (bad.frame - 1) * self.header.frame_size() as u64;
            WalState::Damaged(WalDamage { frame: bad.frame, offset, reason })
        };
        if let Some(flip) = bad.flip
            && (flip.is_commit || self.later.has_commit)
        {
            return damage("one byte of a frame is not what was written");
        }
        // Left-overs of a transaction that failed have the current salts too, but claim nothing past the head.
        let later = &self.later;
        if later.synced_commit_max == 0 && later.commit_min.is_none() {
            return sound;
        }
        let checkpointed = checkpointed();
        let recovered = self.good_head.map_or(0, |head| head.commit).max(checkpointed);
        if later.synced_commit_max > recovered
            || later.commit_min.is_some_and(|commit| commit <= checkpointed)
        {
            return damage("frames that were synced after it are whole");
        }
        sound
    }
}

fn head_in(frame: Frame<'_>) -> Option<HeadRecord> {
    if frame.page_number() == HEAD_PAGE { HeadRecord::at_end_of(frame.page()) } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::format::WordOrder;
    use super::*;

    const PAGE_SIZE: usize = 512;

    /// A `-wal` file of transactions of two frames each: the head's page, then another.
    fn wal_of(commits: &[(u64, u64)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [0x377f_0683, 3_007_000, PAGE_SIZE as u32, 0, 11, 22] {
            bytes.extend(u32::to_be_bytes(word));
        }
        let sum = Sum::ZERO.over(&bytes, WordOrder::Big);
        bytes.extend(sum.first.to_be_bytes().into_iter().chain(sum.second.to_be_bytes()));
        let mut seed = sum;
        for (commit, synced_commit) in commits {
            let head = HeadRecord {
                commit: *commit,
                synced_commit: *synced_commit,
                ..HeadRecord::default()
            };
            let mut page = [0; PAGE_SIZE];
            head.put_at_end_of(&mut page);
            seed = push_frame(&mut bytes, seed, (HEAD_PAGE, 0), &page);
            seed = push_frame(&mut bytes, seed, (3, 9), &[*commit as u8; PAGE_SIZE]);
        }
        bytes
    }

    fn push_frame(bytes: &mut Vec<u8>, seed: Sum, (number, size): (u32, u32), page: &[u8]) -> Sum {
        let mut frame: Vec<u8> =
            number.to_be_bytes().into_iter().chain(size.to_be_bytes()).collect();
        frame.extend([0, 0, 0, 11, 0, 0, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0]);
        frame.extend(page);
        let sum = Frame(&frame).sum_after(seed, WordOrder::Big);
        frame[16..20].copy_from_slice(&sum.first.to_be_bytes());
        frame[20..24].copy_from_slice(&sum.second.to_be_bytes());
        bytes.extend(frame);
        sum
    }

    /// Loses a frame, counted from 1, as a power cut does that has kept later ones.
    fn lose(bytes: &mut [u8], frame: usize) {
        let at = HEADER_SIZE + (frame - 1) * (24 + PAGE_SIZE);
        bytes[at..at + 24 + PAGE_SIZE].fill(0);
    }

    fn verdict(bytes: &[u8], checkpointed: u64) -> WalState {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        scan(file.path(), || checkpointed).expect("readable")
    }

    fn damaged_frame(state: &WalState) -> Option<u64> {
        match state {
            WalState::Damaged(damage) => Some(damage.frame),
            WalState::Empty | WalState::Sound { .. } => None,
        }
    }

    #[test]
    fn a_whole_log_is_sound_whatever_follows_it() {
        let mut bytes = wal_of(&[(5, 4), (6, 5)]);
        let sound = WalState::Sound { frames: 4, commits: 2 };

        assert_eq!(verdict(&bytes, 4), sound);
        bytes.extend([0; 2_000]);
        assert_eq!(verdict(&bytes, 4), sound);
    }

    #[test]
    fn a_lost_frame_before_a_synced_commit_is_damage() {
        // Commit 7 was written when 6 had been synced.
        let whole = wal_of(&[(5, 4), (6, 5), (7, 6)]);
        for frame in 1..=4 {
            let mut bytes = whole.clone();
            lose(&mut bytes, frame);

            assert_eq!(damaged_frame(&verdict(&bytes, 4)), Some(frame as u64));
        }
    }

    #[test]
    fn a_lost_frame_of_the_last_commit_is_a_torn_tail() {
        for frame in [5, 6] {
            let mut bytes = wal_of(&[(5, 4), (6, 5), (7, 6)]);
            lose(&mut bytes, frame);

            assert_eq!(damaged_frame(&verdict(&bytes, 4)), None);
        }
    }

    #[test]
    fn lost_frames_of_commits_that_were_never_synced_are_a_torn_tail() {
        // Eventual turns: 6, 7 and 8 were written when only 5 had been synced.
        for frame in 3..=8 {
            let mut bytes = wal_of(&[(5, 4), (6, 5), (7, 5), (8, 5)]);
            lose(&mut bytes, frame);

            assert_eq!(damaged_frame(&verdict(&bytes, 4)), None, "frame {frame}");
        }
    }

    #[test]
    fn a_frame_that_the_main_file_has_outgrown_must_be_whole() {
        // The head of commit 6 is in the main file: a checkpoint had synced the log before.
        let mut bytes = wal_of(&[(5, 0), (6, 0)]);
        lose(&mut bytes, 1);

        assert_eq!(damaged_frame(&verdict(&bytes, 4)), None);
        assert_eq!(damaged_frame(&verdict(&bytes, 6)), Some(1));
    }

    #[test]
    fn one_wrong_byte_in_the_last_commit_is_damage_all_the_same() {
        let whole = wal_of(&[(5, 4), (6, 5)]);
        for at in HEADER_SIZE..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;

            assert!(damaged_frame(&verdict(&bytes, 4)).is_some(), "byte {at}");
        }
    }

    #[test]
    fn frames_behind_a_bad_header_are_damage() {
        let whole = wal_of(&[(5, 4)]);
        for at in 0..HEADER_SIZE {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;

            assert_eq!(damaged_frame(&verdict(&bytes, 4)), Some(0), "byte {at}");
        }
        assert_eq!(verdict(&whole[..HEADER_SIZE], 4), WalState::Empty);
        assert_eq!(verdict(&[0; 5_000], 4), WalState::Empty);
    }
}
