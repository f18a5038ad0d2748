//! Checkpoints: the state of a shard, and of a run; the first byte says which. Their checksums keep
//! watch over what they say; a reader answers for their form alone.

use std::sync::Arc;

use bytes::Bytes;
use pyflow_core::codec::Reader;
use pyflow_core::definition::Definition;
use pyflow_core::ids::DefinitionHash;
use pyflow_core::state::State;

use crate::played;

pub fn target(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    if kind.is_multiple_of(2) { shard(data) } else { run(data) }
}

/// Whatever it is called, it is one of those that were played, so that reading goes on behind names.
fn known(hash: &DefinitionHash) -> Option<Arc<Definition>> {
    let all = played::definitions();
    all.iter().find(|definition| definition.hash == *hash).or(all.first()).cloned()
}

fn shard(data: &[u8]) {
    let named = State::read_shard_names(data);
    let Ok(state) = State::decode_shard(data, &known) else { return };
    assert!(named.is_ok(), "what is read whole names its runs");
    let written = state.encode_shard();
    let again = State::decode_shard(&written, &known).expect("what was written is read back");
    assert_eq!(again.encode_shard(), written, "a shard has one form");
}

fn run(data: &[u8]) {
    let blobs = |_: &[u8]| Some(Bytes::from_static(b"{\"kept\":\"beside the log\"}"));
    let mut state = State::default();
    for definition in played::definitions() {
        state.learn(definition.clone());
    }
    let Ok(number) = state.decode_run(&mut Reader::with_blobs(data, &blobs)) else { return };
    let (written, _) = state.encode_run(number).expect("it was read just now");
    let again = state.decode_run(&mut Reader::with_blobs(&written, &blobs));
    assert_eq!(again, Ok(number), "what was written is read back");
    let (twice, _) = state.encode_run(number).expect("it was read just now");
    assert_eq!(written, twice, "a run has one form");
}
