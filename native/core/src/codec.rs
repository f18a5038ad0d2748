//! The form of everything that is stored: `MessagePack` arrays, a tag and a version first where a
//! reader must choose, fields append-only.

use std::sync::Arc;

use bytes::Bytes;

use crate::ids::{DefinitionHash, Epoch, Grant, InstanceIndex, RunNumber, SessionId, TaskIndex};
use crate::time::Millis;

/// Why stored bytes could not be read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("expected {wanted} at byte {at}")]
    Unexpected { wanted: &'static str, at: usize },
    #[error("{what} {found} is not known to this version")]
    Unknown { what: &'static str, found: u64 },
    #[error("{count} fields at byte {at} where at most {known} are known to this version")]
    TooManyFields { count: u32, known: u32, at: usize },
}

/// Gives the bytes that are kept beside the log under a hash.
pub type Blobs<'a> = &'a dyn Fn(&[u8]) -> Option<Bytes>;

/// A place in stored bytes.
pub struct Reader<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
    blobs: Option<Blobs<'a>>,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader at {} of {}", self.at(), self.whole.len())
    }
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { whole: bytes, rest: bytes, blobs: None }
    }

    /// A reader that can also look up what is kept beside the log.
    pub fn with_blobs(bytes: &'a [u8], blobs: Blobs<'a>) -> Self {
        Self { whole: bytes, rest: bytes, blobs: Some(blobs) }
    }

    /// Whether an array comes next.
    pub fn is_array(&self) -> bool {
        matches!(self.rest.first(), Some(0x90..=0x9f | 0xdc | 0xdd))
    }

    /// The bytes that are kept beside the log under this hash.
    pub fn blob(&self, hash: &[u8]) -> Result<Bytes, DecodeError> {
        self.blobs.and_then(|blobs| blobs(hash)).ok_or_else(|| self.unexpected("a known blob"))
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn at(&self) -> usize {
        self.whole.len() - self.rest.len()
    }

    pub fn array(&mut self) -> Result<u32, DecodeError> {
        let at = self.at();
        rmp::decode::read_array_len(&mut self.rest)
            .map_err(|_| DecodeError::Unexpected { wanted: "an array", at })
    }

    fn unexpected(&self, wanted: &'static str) -> DecodeError {
        DecodeError::Unexpected { wanted, at: self.at() }
    }

    fn take(&mut self, size: usize, wanted: &'static str) -> Result<&'a [u8], DecodeError> {
        if size > self.rest.len() {
            return Err(self.unexpected(wanted));
        }
        let (taken, rest) = self.rest.split_at(size);
        self.rest = rest;
        Ok(taken)
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let at = self.at();
        let size = rmp::decode::read_bin_len(&mut self.rest)
            .map_err(|_| DecodeError::Unexpected { wanted: "bytes", at })?;
        self.take(size as usize, "bytes")
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let at = self.at();
        let size = rmp::decode::read_str_len(&mut self.rest)
            .map_err(|_| DecodeError::Unexpected { wanted: "text", at })?;
        let taken = self.take(size as usize, "text")?;
        std::str::from_utf8(taken).map_err(|_| DecodeError::Unexpected { wanted: "text", at })
    }

    fn nil(&mut self) -> bool {
        match self.rest.split_first() {
            Some((0xc0, rest)) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }
}

/// A value that can be stored.
pub trait Stored: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The value of a field that the writer's version did not have yet.
    fn absent(input: &Reader<'_>) -> Result<Self, DecodeError> {
        Err(input.unexpected("a further field"))
    }
}

pub fn write_array(out: &mut Vec<u8>, count: usize) {
    rmp::encode::write_array_len(out, count as u32).expect("writing to memory cannot fail");
}

pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    rmp::encode::write_str(out, text).expect("writing to memory cannot fail");
}

macro_rules! stored_uint {
    ($($kind:ty),*) => { $(
        impl Stored for $kind {
            fn write(&self, out: &mut Vec<u8>) {
                rmp::encode::write_uint(out, u64::from(*self))
                    .expect("writing to memory cannot fail");
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let at = input.at();
                rmp::decode::read_int(&mut input.rest)
                    .map_err(|_| DecodeError::Unexpected { wanted: stringify!($kind), at })
            }
        }
    )* };
}
stored_uint!(u8, u16, u32, u64);

macro_rules! stored_number {
    ($($kind:ident),*) => { $(
        impl Stored for $kind {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Stored::read(input).map($kind)
            }
        }
    )* };
}
stored_number!(RunNumber, TaskIndex, InstanceIndex, Grant, SessionId, Epoch, Millis);

impl Stored for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(if *self { 0xc3 } else { 0xc2 });
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.take(1, "a boolean")? {
            [0xc3] => Ok(true),
            [0xc2] => Ok(false),
            _ => Err(input.unexpected("a boolean")),
        }
    }
}

impl Stored for Bytes {
    fn write(&self, out: &mut Vec<u8>) {
        rmp::encode::write_bin(out, self).expect("writing to memory cannot fail");
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        // A copy: a slice would keep the whole turn in memory for one small value.
        input.bytes().map(Bytes::copy_from_slice)
    }
}

impl Stored for Arc<str> {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(out, self);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.text().map(Arc::from)
    }
}

impl Stored for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(out, self);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.text().map(String::from)
    }
}

impl Stored for DefinitionHash {
    fn write(&self, out: &mut Vec<u8>) {
        rmp::encode::write_bin(out, &self.0).expect("writing to memory cannot fail");
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = input.bytes()?;
        bytes.try_into().map(Self).map_err(|_| input.unexpected("a hash of 32 bytes"))
    }
}

impl<T: Stored> Stored for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0xc0),
            Some(value) => value.write(out),
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if input.nil() { Ok(None) } else { T::read(input).map(Some) }
    }

    fn absent(_: &Reader<'_>) -> Result<Self, DecodeError> {
        Ok(None)
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        write_array(out, self.len());
        for item in self {
            item.write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = input.array()? as usize;
        // A lying length must not reserve memory: each item takes at least one byte.
        let mut items = Vec::with_capacity(count.min(input.rest.len()));
        for _ in 0..count {
            items.push(T::read(input)?);
        }
        Ok(items)
    }
}

impl<T: Stored> Stored for Box<T> {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        T::read(input).map(Self::new)
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        write_array(out, 2);
        self.0.write(out);
        self.1.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.array()? {
            2 => Ok((A::read(input)?, B::read(input)?)),
            _ => Err(input.unexpected("a pair")),
        }
    }
}

/// Declares a struct whose stored form is the array of its fields, in order.
///
/// A field may be added at the end when its type has a value for `absent`; none may ever be
/// removed, moved or given another meaning.
macro_rules! record {
    ($(#[$doc:meta])* $vis:vis struct $name:ident {
        $($(#[$field_doc:meta])* pub $field:ident: $kind:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $($(#[$field_doc])* pub $field: $kind,)*
        }

        impl $crate::codec::Stored for $name {
            fn write(&self, out: &mut Vec<u8>) {
                let fields: &[&str] = &[$(stringify!($field)),*];
                $crate::codec::write_array(out, fields.len());
                $($crate::codec::Stored::write(&self.$field, out);)*
            }

            #[allow(unused_assignments)] // The last field's countdown is not read.
            fn read(
                input: &mut $crate::codec::Reader<'_>,
            ) -> Result<Self, $crate::codec::DecodeError> {
                let fields: &[&str] = &[$(stringify!($field)),*];
                let at = input.at();
                let mut left = input.array()?;
                if left as usize > fields.len() {
                    let known = fields.len() as u32;
                    return Err($crate::codec::DecodeError::TooManyFields { count: left, known, at });
                }
                $(let $field = if left == 0 {
                    <$kind as $crate::codec::Stored>::absent(input)?
                } else {
                    left -= 1;
                    <$kind as $crate::codec::Stored>::read(input)?
                };)*
                Ok(Self { $($field,)* })
            }
        }
    };
}
pub(crate) use record;

#[cfg(test)]
mod tests {
    use super::*;

    record! {
        struct Older {
            pub number: u32,
        }
    }
    record! {
        struct Newer {
            pub number: u32,
            pub note: Option<String>,
        }
    }

    #[test]
    fn a_newer_reader_fills_in_what_an_older_writer_did_not_know() {
        let mut out = Vec::new();
        Older { number: 7 }.write(&mut out);

        let read = Newer::read(&mut Reader::new(&out)).expect("an older record can be read");

        assert_eq!(read, Newer { number: 7, note: None });
    }

    #[test]
    fn an_older_reader_refuses_what_it_does_not_know() {
        let mut out = Vec::new();
        Newer { number: 7, note: Some("x".into()) }.write(&mut out);

        let read = Older::read(&mut Reader::new(&out));

        assert_eq!(read, Err(DecodeError::TooManyFields { count: 2, known: 1, at: 0 }));
    }

    #[test]
    fn a_lying_length_is_refused_without_reserving_memory() {
        let lies = [0xdd, 0xff, 0xff, 0xff, 0xff];

        let read = Vec::<u64>::read(&mut Reader::new(&lies));

        assert!(read.is_err());
    }
}
