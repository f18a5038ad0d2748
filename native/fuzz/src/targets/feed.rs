//! Numbers out of the bytes that a target is given.

/// What is left of them. After the last byte it gives zeros.
#[derive(Debug)]
pub(super) struct Feed<'a>(&'a [u8]);

impl<'a> Feed<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Mostly a small number, now and then one of any size: what an index may be, and may not be.
    pub(super) fn index(&mut self) -> u32 {
        match self.byte() {
            0xff => u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()]),
            small => u32::from(small),
        }
    }

    /// At most `count_max` indices, as many as the next byte says.
    pub(super) fn indices(&mut self, count_max: u8) -> Vec<u32> {
        let count = self.byte().min(count_max);
        (0..count).map(|_| self.index()).collect()
    }
}
