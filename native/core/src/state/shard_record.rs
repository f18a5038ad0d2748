//! State ⇄ bytes: what a checkpoint holds, and what tells two states apart.
//!
//! The form is canonical: it does not show in which order slots of memory were used.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::directory::{Deployed, Directory, Key};
use super::rates::Rates;
use super::run::Run;
use super::run_record::RunRecord;
use super::shard_state::State;
use crate::codec::{DecodeError, Reader, Stored, record};
use crate::definition::Definition;
use crate::ids::{DefinitionHash, RunNumber};
use crate::limits::PAYLOAD_INLINE_SIZE_MAX;
use crate::payload::Payload;
use crate::seeded::{Bug, is_planted};
use crate::time::Millis;

/// The version of the form; another one is not read.
pub(super) const VERSION: u32 = 1;

/// Finds a definition by its hash.
pub type Definitions<'a> = &'a dyn Fn(&DefinitionHash) -> Option<Arc<Definition>>;

type Scoped = (Arc<str>, Arc<str>);

record! {
    /// A shard without its runs.
    struct ShardRecord {
        pub version: u32,
        pub position: u64,
        pub next_run: u64,
        pub definitions: Vec<DefinitionHash>,
        pub names: Vec<(Scoped, Vec<DeployedRecord>)>,
        pub ids: Vec<(Scoped, RunNumber)>,
        pub keys: Vec<(Scoped, KeyRecord)>,
        /// By task type: when it is free of debt, in microseconds.
        pub rates: Vec<(Arc<str>, u64)>,
        pub closing: Vec<RunNumber>,
        pub runs: Vec<RunNumber>,
        /// By concurrency key: when it is free of debt, in microseconds.
        pub key_rates: Option<Vec<(Arc<str>, u64)>>,
    }
}

record! {
    struct DeployedRecord {
        pub version: Option<Arc<str>>,
        pub definition: DefinitionHash,
        pub at: Millis,
    }
}

record! {
    struct KeyRecord {
        pub run: RunNumber,
        pub run_id: Arc<str>,
        pub request_hash: Bytes,
        pub expires_at: Option<Millis>,
    }
}

impl State {
    /// The shard without its runs.
    pub fn encode_shard(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let directory = &self.directory;
        let deployed = |d: &Deployed| DeployedRecord {
            version: d.version.clone(),
            definition: d.definition,
            at: d.at,
        };
        let key = |k: &Key| KeyRecord {
            run: k.run,
            run_id: k.run_id.clone(),
            request_hash: k.request_hash.clone(),
            expires_at: k.expires_at,
        };
        let names = directory.names.iter();
        let (rates, key_rates) = self.rates.record();
        let runs = self.runs.keys().filter(|run| !self.visiting.contains(run));
        let ids = directory.ids.iter().filter(|(.., run)| !self.is_visitor(*run));
        ShardRecord {
            version: VERSION,
            position: self.position,
            next_run: self.next_run,
            definitions: self.deployed_hashes().into_iter().collect(),
            names: names.map(|(n, all)| (n.clone(), all.iter().map(deployed).collect())).collect(),
            ids: ids.map(|(namespace, id, run)| ((namespace.clone(), id.clone()), run)).collect(),
            keys: directory
                .keys
                .iter()
                .filter(|_| !is_planted(Bug::KeysNotInCheckpoint))
                .map(|(name, each)| (name.clone(), key(each)))
                .collect(),
            rates,
            closing: self.closing.clone(),
            runs: runs.copied().collect(),
            key_rates: Some(key_rates),
        }
        .write(&mut out);
        out
    }

    /// One run, and the payloads of it that must be kept beside the log.
    pub fn encode_run(&self, number: RunNumber) -> Option<(Vec<u8>, Vec<Bytes>)> {
        let record = self.runs.get(&number)?.record();
        let mut out = Vec::new();
        record.write(&mut out);
        let large = record.payloads().filter(|p| p.size() > PAYLOAD_INLINE_SIZE_MAX);
        Some((out, large.map(Payload::json).collect()))
    }

    /// The definitions and runs that an encoded shard names.
    pub fn read_shard_names(
        bytes: &[u8],
    ) -> Result<(Vec<DefinitionHash>, Vec<RunNumber>), DecodeError> {
        let record = read_shard(bytes)?;
        Ok((record.definitions, record.runs))
    }

    /// Reads a shard; its runs are added by `decode_run`.
    pub fn decode_shard(bytes: &[u8], definitions: Definitions<'_>) -> Result<Self, DecodeError> {
        let record = read_shard(bytes)?;
        let mut state = Self {
            position: record.position,
            next_run: record.next_run,
            rates: Rates::from_record(record.rates, record.key_rates.unwrap_or_default()),
            closing: record.closing,
            ..Self::default()
        };
        for hash in record.definitions {
            let unknown = DecodeError::Unexpected { wanted: "a known definition", at: 0 };
            state.learn(definitions(&hash).ok_or(unknown)?);
        }
        state.directory = directory_of(record.names, record.ids, record.keys);
        Ok(state)
    }

    /// The definition that an encoded run follows, which must be known before the run is read.
    pub fn read_run_definition(bytes: &[u8]) -> Result<DefinitionHash, DecodeError> {
        RunRecord::read_definition(&mut Reader::new(bytes))
    }

    /// Reads one run into the state.
    pub fn decode_run(&mut self, input: &mut Reader<'_>) -> Result<RunNumber, DecodeError> {
        let record = RunRecord::read(input)?;
        let unknown = DecodeError::Unexpected { wanted: "a known definition", at: 0 };
        let definition = self.definitions.get(&record.definition).ok_or(unknown)?.clone();
        let run = Run::from_record(record, definition)?;
        let number = run.number;
        self.runs.insert(number, Box::new(run));
        Ok(number)
    }

    /// A hash of everything in the state: equal for states that are equal.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.encode_shard());
        for number in self.runs.keys().filter(|run| !self.visiting.contains(run)) {
            let (bytes, _) = self.encode_run(*number).expect("its number was found just now");
            hasher.update(&bytes);
        }
        *hasher.finalize().as_bytes()
    }

    /// What is deployed under any name. Others may be known by chance: one that was refused.
    fn deployed_hashes(&self) -> BTreeSet<DefinitionHash> {
        self.directory.names.values().flatten().map(|deployed| deployed.definition).collect()
    }

    /// Whether a run is here only to be looked at, so that its id was not known without it.
    fn is_visitor(&self, number: RunNumber) -> bool {
        self.visiting.contains(&number) && self.runs.get(&number).is_some_and(|run| !run.chosen)
    }
}

fn read_shard(bytes: &[u8]) -> Result<ShardRecord, DecodeError> {
    let record = ShardRecord::read(&mut Reader::new(bytes))?;
    match record.version {
        VERSION => Ok(record),
        other => Err(DecodeError::Unknown { what: "checkpoint version", found: u64::from(other) }),
    }
}

fn directory_of(
    names: Vec<(Scoped, Vec<DeployedRecord>)>,
    ids: Vec<(Scoped, RunNumber)>,
    keys: Vec<(Scoped, KeyRecord)>,
) -> Directory {
    let deployed =
        |d: DeployedRecord| Deployed { version: d.version, definition: d.definition, at: d.at };
    let mut directory = Directory {
        names: names
            .into_iter()
            .map(|(name, all)| (name, all.into_iter().map(deployed).collect()))
            .collect(),
        ids: ids.into_iter().collect(),
        ..Directory::default()
    };
    for (name, key) in keys {
        let key = Key {
            run: key.run,
            run_id: key.run_id,
            request_hash: key.request_hash,
            expires_at: key.expires_at,
        };
        if let Some(at) = key.expires_at {
            directory.expiring.insert((at, key.run), name.clone());
        }
        directory.keys.insert(name, key);
    }
    directory
}
