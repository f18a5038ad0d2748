//! What a search begins with: the corpus in this crate, and what is written by this version.

use std::path::{Path, PathBuf};

use crate::played;

/// The folder of the inputs that are kept for a target.
pub fn corpus_of(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// Everything to begin with for a target, in an order that does not change.
pub fn seeds(target: &str) -> std::io::Result<Vec<Vec<u8>>> {
    let mut seeds = kept(&corpus_of(target))?;
    match target {
        "stored_definition" => seeds.extend(played::stored_definitions()),
        "event" => seeds.extend(played::played().turns),
        "snapshot" => {
            let played = played::played();
            seeds.extend(played.shards.iter().map(|bytes| [&[0], bytes.as_slice()].concat()));
            seeds.extend(played.runs.iter().map(|bytes| [&[1], bytes.as_slice()].concat()));
        }
        "columns" | "definition" | "expression" | "graph" | "template" | "transform" => {}
        unknown => panic!("there is no target {unknown}"),
    }
    seeds.sort();
    seeds.dedup();
    Ok(seeds)
}

fn kept(folder: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    entries.map(|entry| std::fs::read(entry?.path())).collect()
}
