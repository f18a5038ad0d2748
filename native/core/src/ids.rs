//! Names of things inside one shard: small numbers that mean nothing outside it.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number!(
    /// The number of a run in its shard's log, from 1; its public name is its run id.
    RunNumber(u64)
);
number!(
    /// The index of a task in its definition.
    TaskIndex(u32)
);
number!(
    /// The index of an instance in its run: a task of scope 0, or an item of a map.
    InstanceIndex(u32)
);
number!(
    /// How often an instance has been handed out; a report must name the latest.
    Grant(u32)
);
number!(
    /// A worker's connection, from 1 in each epoch of its shard.
    SessionId(u32)
);
number!(
    /// The owner's generation of a shard; the store compares it on every append.
    Epoch(u32)
);

impl TaskIndex {
    /// The instance of this task in scope 0.
    pub fn instance(self) -> InstanceIndex {
        InstanceIndex(self.0)
    }

    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl InstanceIndex {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The fencing token of an attempt: grows with every hand-out of its task.
pub fn token(epoch: Epoch, grant: Grant) -> u64 {
    (u64::from(epoch.0) << 32) | u64::from(grant.0)
}

/// The content hash of a definition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DefinitionHash(pub [u8; 32]);

impl DefinitionHash {
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Reads the 64 hexadecimal digits that `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
    }
}

impl fmt::Display for DefinitionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        f.write_str(std::str::from_utf8(&text).expect("digits are ASCII"))
    }
}

impl fmt::Debug for DefinitionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The route of a run that is started under a key: the same key always leads to the same shard.
pub fn route_of_key(namespace: &str, key: &str) -> u16 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(namespace.as_bytes()).update(&[0]).update(key.as_bytes());
    let hash = hasher.finalize();
    u16::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1]])
}

/// The run id of a moment, some chance and a route, in hexadecimal.
pub fn generated_run_id(millis: u64, chance: u64, route: u16) -> String {
    format!("{millis:011x}{chance:016x}{route:04x}")
}

/// Whether a run id could be one that was generated: those that were chosen are remembered for as
/// long as their runs are kept, generated ones only while their runs are live.
pub fn looks_generated(run_id: &str) -> bool {
    run_id.len() == 31 && run_id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
