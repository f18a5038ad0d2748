//! Telling a frame with one wrong byte from a torn one.
//!
//! A write that was cut short leaves whole sectors of something else; rot leaves the rest of the frame as it was.
//! The checksum is linear, so that the one word which, changed, would make it right can be solved for.

use super::format::{Frame, Sum, WalHeader, WordOrder};

/// A single damaged byte in a frame that was once whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flip {
    /// Whether the frame ended a transaction when it was whole, as far as that can be told.
    pub(super) is_commit: bool,
    /// What the next frame's checksum goes on from if it is the checksum of this one that is wrong.
    pub(super) computed: Sum,
}

/// Finds the one byte that is wrong in a frame which does not follow `seed`; `None` if more must be.
pub(super) fn find_flip(frame: Frame<'_>, seed: Sum, header: &WalHeader) -> Option<Flip> {
    let computed = frame.sum_after(seed, header.order);
    let stored = frame.sum();
    if computed == stored {
        return is_one_byte(be_pair(frame.salts()), be_pair(&header.salts))
            .then_some(Flip { is_commit: frame.is_commit(), computed });
    }
    if frame.salts() != header.salts {
        return None;
    }
    if is_one_byte(pair(computed), pair(stored)) {
        return Some(Flip { is_commit: frame.is_commit(), computed });
    }
    let difference = Sum {
        first: computed.first.wrapping_sub(stored.first),
        second: computed.second.wrapping_sub(stored.second),
    };
    find_word(frame, difference, header.order).map(|is_commit| Flip { is_commit, computed })
}

/// Walks the words from the last to the first. A change `d` of a word moves the checksum by `d` times a weight
/// that depends only on how many words follow. A change of high bits alone fits several words, of which the
/// one that makes the frame a commit counts. Answers whether it does.
fn find_word(frame: Frame<'_>, difference: Sum, order: WordOrder) -> Option<bool> {
    let mut weight = Sum { first: 0, second: 1 };
    let covered = frame.page().as_chunks::<4>().0.iter().enumerate().rev();
    let covered = covered.map(|(index, word)| (24 + index * 4, word));
    let header = frame.0[..8].as_chunks::<4>().0.iter().enumerate().rev();
    let header = header.map(|(index, word)| (index * 4, word));
    let mut found_commit = None;
    for (offset, word) in covered.chain(header) {
        if let Some(change) = solve(weight, difference) {
            let found = order.word(*word);
            let whole = found.wrapping_sub(change);
            if is_one_byte(u64::from(found), u64::from(whole)) {
                let is_commit = if offset == 4 { whole != 0 } else { frame.is_commit() };
                found_commit = Some(is_commit || found_commit == Some(true));
            }
        }
        // One word further from the end, the change passes through one more addition.
        weight = Sum { first: weight.second, second: weight.first.wrapping_add(weight.second) };
    }
    found_commit
}

/// The `change` with `change * weight == difference` in both halves. Neighbouring weights are never both even.
fn solve(weight: Sum, difference: Sum) -> Option<u32> {
    let change = if weight.first & 1 == 1 {
        difference.first.wrapping_mul(inverse(weight.first))
    } else {
        difference.second.wrapping_mul(inverse(weight.second))
    };
    let fits = change.wrapping_mul(weight.first) == difference.first
        && change.wrapping_mul(weight.second) == difference.second;
    fits.then_some(change)
}

/// The inverse of an odd number modulo 2^32, by Newton's steps: each doubles the bits that are right.
fn inverse(odd: u32) -> u32 {
    (0..5).fold(odd, |guess, _| guess.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(guess))))
}

fn is_one_byte(left: u64, right: u64) -> bool {
    let differing = (left ^ right).to_be_bytes();
    differing.iter().filter(|byte| **byte != 0).count() == 1
}

fn be_pair(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("salts are 8 bytes"))
}

fn pair(sum: Sum) -> u64 {
    u64::from(sum.first) << 32 | u64::from(sum.second)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE_SIZE: usize = 512;

    fn whole_frame(page: &[u8], header: &WalHeader) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 2, 0, 0, 0, 9];
        bytes.extend(header.salts);
        bytes.extend([0; 8]);
        bytes.extend(page);
        let sum = Frame(&bytes).sum_after(header.sum, header.order);
        bytes[16..20].copy_from_slice(&sum.first.to_be_bytes());
        bytes[20..24].copy_from_slice(&sum.second.to_be_bytes());
        bytes
    }

    fn header_of(order: WordOrder, seed: (u32, u32)) -> WalHeader {
        let sum = Sum { first: seed.0, second: seed.1 };
        WalHeader { order, page_size: PAGE_SIZE, salts: *b"pinchsal", sum }
    }

    proptest! {
        #[test]
        fn any_one_wrong_byte_is_found(
            page in proptest::collection::vec(any::<u8>(), PAGE_SIZE),
            at in 0..PAGE_SIZE + 24,
            wrong in 1..=255_u8,
            seed in any::<(u32, u32)>(),
            is_big in any::<bool>(),
        ) {
            let order = if is_big { WordOrder::Big } else { WordOrder::Little };
            let header = header_of(order, seed);
            let mut bytes = whole_frame(&page, &header);
            bytes[at] ^= wrong;

            let flip = find_flip(Frame(&bytes), header.sum, &header).expect("one byte is wrong");

            prop_assert!(flip.is_commit);
        }

        #[test]
        fn a_lost_sector_is_no_wrong_byte(
            page in proptest::collection::vec(any::<u8>(), PAGE_SIZE),
            seed in any::<(u32, u32)>(),
        ) {
            let header = header_of(WordOrder::Little, seed);
            let mut bytes = whole_frame(&page, &header);
            bytes[100..].fill(0);

            prop_assert_eq!(find_flip(Frame(&bytes), header.sum, &header), None);
        }
    }
}
