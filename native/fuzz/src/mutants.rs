//! Changed copies of inputs: the same ones for the same seed, on any machine.

const CHANGE_COUNT_MAX: usize = 4;

/// Gives changed copies of `seeds`, each made of one of them and, now and then, a piece of another.
#[derive(Debug)]
pub struct Mutants<'a> {
    seeds: &'a [Vec<u8>],
    number: u64,
}

impl<'a> Mutants<'a> {
    /// There must be a seed at least.
    pub fn of(seeds: &'a [Vec<u8>], seed: u64) -> Self {
        assert!(!seeds.is_empty(), "a mutant is a copy of something");
        Self { seeds, number: seed }
    }

    /// A number below `bound` (splitmix64).
    fn below(&mut self, bound: usize) -> usize {
        self.number = self.number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.number;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let place = self.below(bytes.len() + 1);
        let end = (place + 1 + self.below(16)).min(bytes.len());
        match self.below(6) {
            0 if place < bytes.len() => bytes[place] ^= 1 << self.below(8),
            1 if place < bytes.len() => bytes[place] = self.below(256) as u8,
            2 => drop(bytes.drain(place.min(end)..end)),
            3 => bytes.truncate(place),
            4 => {
                let again = bytes[place.min(end)..end].to_vec();
                bytes.splice(place..place, again);
            }
            _ => {
                let other = &self.seeds[self.below(self.seeds.len())];
                let from = self.below(other.len() + 1);
                let to = (from + self.below(32)).min(other.len());
                bytes.splice(place..place, other[from..to].iter().copied());
            }
        }
    }
}

impl Iterator for Mutants<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut bytes = self.seeds[self.below(self.seeds.len())].clone();
        for _ in 0..=self.below(CHANGE_COUNT_MAX) {
            self.change(&mut bytes);
        }
        Some(bytes)
    }
}
