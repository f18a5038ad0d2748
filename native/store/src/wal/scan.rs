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

/// What the frames after a bad one prove, those that follow from their neighbour.
#[derive(Debug, Default)]
struct Later {
    has_commit: bool,
    synced_commit_max: u64,
    commit_min: Option<u64>,
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
        let follows = frame.salts() == self.header.salts
            && frame.page_number() != 0
            && self
                .seeds
                .iter()
                .any(|seed| frame.sum_after(*seed, self.header.order) == frame.sum());
        match (&self.bad, follows) {
            (None, true) => self.take_good(frame),
            (None, false) => return self.take_bad(frame),
            (Some(_), true) => self.take_later(frame),
            (Some(_), false) => {}
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

    fn take_later(&mut self, frame: Frame<'_>) {
        let later = &mut self.later;
        later.has_commit |= frame.is_commit();
        if let Some(head) = head_in(frame) {
            later.synced_commit_max = later.synced_commit_max.max(head.synced_commit);
            later.commit_min = Some(later.commit_min.map_or(head.commit, |at| at.min(head.commit)));
        }
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
        let Some(commit_min) = self.later.commit_min else { return sound };
        let checkpointed = checkpointed();
        let recovered = self.good_head.map_or(0, |head| head.commit).max(checkpointed);
        if self.later.synced_commit_max > recovered || commit_min <= checkpointed {
            return damage("frames that were synced after it are whole");
        }
        sound
    }
}

fn head_in(frame: Frame<'_>) -> Option<HeadRecord> {
    if frame.page_number() == HEAD_PAGE { HeadRecord::at_end_of(frame.page()) } else { None }
}
