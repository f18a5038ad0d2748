//! Texts end to end: a million of them take one piece of memory, and no more than they are long.

use std::ops::{Index, Range};

use bytes::Bytes;

use crate::codec::{DecodeError, Reader, Stored, write_array};

/// A list of texts, stored as a list of strings is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    all: String,
    /// Where each ends in `all`; it starts where the one before ends.
    ends: Vec<usize>,
}

impl Texts {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn push(&mut self, text: &str) {
        self.all.push_str(text);
        self.ends.push(self.all.len());
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| &self[index])
    }

    /// The same texts, each of which can be handed out without a copy.
    pub(super) fn shared(mut self) -> SharedTexts {
        self.all.shrink_to_fit();
        self.ends.shrink_to_fit();
        SharedTexts { all: self.all.into(), ends: self.ends }
    }
}

impl Index<usize> for Texts {
    type Output = str;

    fn index(&self, index: usize) -> &str {
        &self.all[range_of(&self.ends, index)]
    }
}

impl<T: AsRef<str>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(listed: I) -> Self {
        let mut texts = Self::default();
        listed.into_iter().for_each(|text| texts.push(text.as_ref()));
        texts
    }
}

impl Stored for Texts {
    fn write(&self, out: &mut Vec<u8>) {
        write_array(out, self.len());
        self.iter().for_each(|text| crate::codec::write_text(out, text));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = input.array()?;
        let mut texts = Self::default();
        for _ in 0..count {
            texts.push(input.text()?);
        }
        Ok(texts)
    }
}

/// Texts that nothing is added to any more.
#[derive(Debug)]
pub(super) struct SharedTexts {
    all: Bytes,
    ends: Vec<usize>,
}

impl SharedTexts {
    pub(super) fn get(&self, index: usize) -> Bytes {
        self.all.slice(range_of(&self.ends, index))
    }
}

fn range_of(ends: &[usize], index: usize) -> Range<usize> {
    let start = if index == 0 { 0 } else { ends[index - 1] };
    start..ends[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: [&str; 4] = ["", "1", "\"ü\"", ""];

    #[test]
    fn they_are_stored_as_a_list_of_strings_is() {
        let texts: Texts = LISTED.iter().collect();
        let (mut stored, mut listed) = (Vec::new(), Vec::new());

        texts.write(&mut stored);
        LISTED.map(String::from).to_vec().write(&mut listed);

        assert_eq!(stored, listed);
        assert_eq!(Texts::read(&mut Reader::new(&stored)), Ok(texts));
    }

    #[test]
    fn each_is_given_as_it_was_put_in() {
        let texts: Texts = LISTED.iter().collect();

        assert_eq!(texts.iter().collect::<Vec<_>>(), LISTED);
        let shared = texts.shared();
        assert_eq!([0, 1, 2, 3].map(|index| shared.get(index)), LISTED.map(Bytes::from));
    }
}
