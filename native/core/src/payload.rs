//! A user's value, as the bytes that its writer made: JSON, never looked into on the way.

use bytes::Bytes;

use crate::codec::{DecodeError, Reader, Stored, write_array};
use crate::limits::{NESTING_MAX, PAYLOAD_INLINE_SIZE_MAX};

/// The JSON text of no value.
pub const NULL: &[u8] = b"null";

/// A user's value. Empty bytes stand for JSON's `null`, which takes no memory then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload(Bytes);

impl Payload {
    pub fn new(bytes: Bytes) -> Self {
        if bytes.as_ref() == NULL { Self::default() } else { Self(bytes) }
    }

    /// The value as JSON text.
    pub fn json(&self) -> Bytes {
        if self.0.is_empty() { Bytes::from_static(NULL) } else { self.0.clone() }
    }

    pub fn is_null(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that it takes.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

impl Payload {
    /// The content hash under which a large value is kept beside the log.
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.0).as_bytes()
    }
}

/// How deep JSON text is nested.
pub fn nesting(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Whether JSON text is nested as deep as this. Short text, as most is, is not looked at: each level
/// takes an opening and a closing.
pub fn nests_to(json: &[u8], depth: usize) -> bool {
    json.len() >= 2 * depth && nesting(json) >= depth
}

/// Whether JSON text is nested deeper than values may be.
pub fn is_too_deep(json: &[u8]) -> bool {
    nests_to(json, NESTING_MAX + 1)
}

/// What is told of a value that is too deep.
pub fn too_deep(what: &str, json: &[u8]) -> String {
    format!("{what} is nested {} deep; at most {NESTING_MAX} is allowed", nesting(json))
}

/// A small value is written as it is, a large one as its hash: its bytes are kept beside the log.
impl Stored for Payload {
    fn write(&self, out: &mut Vec<u8>) {
        if self.size() <= PAYLOAD_INLINE_SIZE_MAX {
            self.0.write(out);
        } else {
            write_array(out, 1);
            Bytes::copy_from_slice(&self.hash()).write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if !input.is_array() {
            return Bytes::read(input).map(Self);
        }
        input.array()?;
        let hash = Bytes::read(input)?;
        input.blob(&hash).map(Self)
    }
}
