//! The checksums of what is stored. Turns form a chain: each one's checksum covers the one before.

/// A turn's row, apart from its events, as the checksum sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TurnFields {
    pub(crate) position: u64,
    pub(crate) epoch: u32,
    pub(crate) prev_crc: u32,
    pub(crate) runs_crc: u32,
}

/// The checksum of a turn. It covers the previous turn's checksum, so that a missing turn breaks the chain.
pub(crate) fn turn_crc(fields: TurnFields, events: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&fields.prev_crc.to_le_bytes());
    hasher.update(&fields.position.to_le_bytes());
    hasher.update(&fields.epoch.to_le_bytes());
    hasher.update(&fields.runs_crc.to_le_bytes());
    hasher.update(events);
    hasher.finalize()
}

/// The checksum of the small `runs` column alone: a scan for one run's turns must trust it without loading events.
pub(crate) fn runs_crc(position: u64, runs: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&position.to_le_bytes());
    hasher.update(runs);
    hasher.finalize()
}

/// The checksum of a row made of a key of numbers and some bytes.
pub(crate) fn keyed_crc(key: &[u64], bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in key {
        hasher.update(&part.to_le_bytes());
    }
    hasher.update(bytes);
    hasher.finalize()
}

/// The checksum of a metadata row; the key's length is part of it, so that key and value cannot trade bytes.
pub(crate) fn meta_crc(key: &str, value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key.as_bytes());
    hasher.update(value);
    hasher.finalize()
}

/// Run numbers as the `runs` column holds them: little-endian, 8 bytes each.
pub(crate) fn runs_to_bytes(runs: &[u64]) -> Vec<u8> {
    runs.iter().flat_map(|run| run.to_le_bytes()).collect()
}

/// The run numbers in a `runs` column whose checksum has been found right.
pub(crate) fn runs_from_bytes(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect()
}

/// Whether a `runs` column names this run.
pub(crate) fn runs_hold(bytes: &[u8], run: u64) -> bool {
    bytes.as_chunks::<8>().0.contains(&run.to_le_bytes())
}
