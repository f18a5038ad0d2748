//! Events, as the log keeps them.

use bytes::Bytes;
use pyflow_core::codec::{Reader, Stored};
use pyflow_core::event::Event;

pub fn target(data: &[u8]) {
    let blobs = |_: &[u8]| Some(Bytes::from_static(b"{\"kept\":\"beside the log\"}"));
    let mut reader = Reader::with_blobs(data, &blobs);
    while !reader.is_empty() {
        let before = reader.at();
        let Ok(event) = Event::read(&mut reader) else { return };
        assert!(reader.at() > before, "reading goes on");
        let mut written = Vec::new();
        event.write(&mut written);
        let again = Event::read(&mut Reader::with_blobs(&written, &blobs));
        let mut twice = Vec::new();
        again.expect("what was written is read back").write(&mut twice);
        assert_eq!(written, twice, "an event has one form");
        assert!(!event.kind().is_empty());
    }
}
