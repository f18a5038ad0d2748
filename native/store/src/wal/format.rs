//! The format of a `-wal` file, as SQLite documents it: a header of 32 bytes, then frames of 24 bytes and a page.

pub(super) const HEADER_SIZE: usize = 32;
pub(super) const FRAME_HEADER_SIZE: usize = 24;

/// The length in bytes of a `-wal` file that holds so many frames.
pub(crate) fn length_of(frames: u32, page_size: u32) -> u64 {
    let frame_size = FRAME_HEADER_SIZE as u64 + u64::from(page_size);
    if frames == 0 { 0 } else { HEADER_SIZE as u64 + u64::from(frames) * frame_size }
}

const MAGIC: u32 = 0x377f_0682;
const FORMAT_VERSION: u32 = 3_007_000;

/// The running checksum. Each frame's goes on from the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) first: u32,
    pub(super) second: u32,
}

impl Sum {
    pub(super) const ZERO: Self = Self { first: 0, second: 0 };

    /// The checksum after these bytes, whose count is a multiple of 8.
    pub(super) fn over(self, bytes: &[u8], order: WordOrder) -> Self {
        let pairs = bytes.as_chunks::<8>().0;
        pairs.iter().fold(self, |sum, pair| {
            let (words, _) = pair.as_chunks::<4>();
            let first = sum.first.wrapping_add(order.word(words[0])).wrapping_add(sum.second);
            let second = sum.second.wrapping_add(order.word(words[1])).wrapping_add(first);
            Self { first, second }
        })
    }
}

/// The byte order of the machine that began the file, in which its checksums read words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordOrder {
    Little,
    Big,
}

impl WordOrder {
    pub(super) const fn word(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// The header of a `-wal` file whose checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WalHeader {
    pub(super) order: WordOrder,
    pub(super) page_size: usize,
    pub(super) salts: [u8; 8],
    pub(super) sum: Sum,
}

impl WalHeader {
    pub(super) fn parse(bytes: &[u8; HEADER_SIZE]) -> Option<Self> {
        let magic = be_word(bytes, 0);
        let order = if magic & 1 == 1 { WordOrder::Big } else { WordOrder::Little };
        let page_size = be_word(bytes, 8) as usize;
        let sum = Sum { first: be_word(bytes, 24), second: be_word(bytes, 28) };
        let right = magic & !1 == MAGIC
            && be_word(bytes, 4) == FORMAT_VERSION
            && (512..=65_536).contains(&page_size)
            && page_size.is_power_of_two()
            && Sum::ZERO.over(&bytes[..24], order) == sum;
        let salts = bytes[16..24].try_into().expect("the range holds 8 bytes");
        right.then_some(Self { order, page_size, salts, sum })
    }

    pub(super) const fn frame_size(&self) -> usize {
        FRAME_HEADER_SIZE + self.page_size
    }
}

/// One frame, header and page, as it lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a>(pub(super) &'a [u8]);

impl<'a> Frame<'a> {
    pub(super) fn page_number(self) -> u32 {
        be_word(self.0, 0)
    }

    /// Whether the frame ends a transaction.
    pub(super) fn is_commit(self) -> bool {
        be_word(self.0, 4) != 0
    }

    pub(super) fn salts(self) -> &'a [u8] {
        &self.0[8..16]
    }

    pub(super) fn sum(self) -> Sum {
        Sum { first: be_word(self.0, 16), second: be_word(self.0, 20) }
    }

    pub(super) fn page(self) -> &'a [u8] {
        &self.0[FRAME_HEADER_SIZE..]
    }

    /// The checksum that the frame should carry after one that carries `seed`.
    pub(super) fn sum_after(self, seed: Sum, order: WordOrder) -> Sum {
        seed.over(&self.0[..8], order).over(self.page(), order)
    }
}

fn be_word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("the range holds 4 bytes"))
}
