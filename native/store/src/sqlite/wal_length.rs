//! Keeps the write-ahead log short: checkpoints on another thread, and on the writer's only when that falls behind.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::connect::connect_checkpointer;
use super::health::Health;
use super::place::Place;
use super::trouble::Wanted;
use crate::AtWork;

/// About 2 MiB of pages: the background checkpoint begins.
const BACKGROUND_FRAMES: u32 = 500;
/// About 4 MiB: the writer does the rest itself, so that the file starts over. Syncing what is written over old
/// frames costs two thirds of syncing a file that grows (`examples/submit_speed.rs`).
pub(super) const INLINE_FRAMES: u32 = 1_000;

/// Counts the frames in the write-ahead log, and moves them into the main file before there are many.
#[derive(Debug)]
pub(super) struct WalLength {
    /// The count at which the next checkpoint is asked for, in the background and in line.
    background_at: u32,
    inline_at: u32,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    work: Arc<Work>,
}

impl WalLength {
    /// Begins to count; the thread starts when there is work for it.
    pub(super) fn watch(
        conn: &mut Connection,
        path: &Path,
        health: &Arc<Health>,
        place: &Arc<Place>,
    ) -> Result<Self, rusqlite::Error> {
        let counter = Arc::clone(place);
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            counter.note_frames(pages.unsigned_abs());
            Ok(())
        }))?;
        Ok(Self {
            background_at: BACKGROUND_FRAMES,
            inline_at: INLINE_FRAMES,
            wake: None,
            thread: None,
            work: Arc::new(Work {
                path: path.into(),
                health: Arc::clone(health),
                place: Arc::clone(place),
            }),
        })
    }

    /// To be called after each commit, with the writer's connection.
    pub(super) fn after_commit(&mut self, conn: &Connection) {
        let frames = self.work.place.wal_frames();
        if frames < BACKGROUND_FRAMES {
            self.background_at = BACKGROUND_FRAMES;
            self.inline_at = INLINE_FRAMES;
        } else if frames >= self.inline_at {
            // A long reader can hold the file open; then the next try is as far away again.
            self.inline_at = frames.saturating_add(INLINE_FRAMES);
            self.work.checkpoint(conn);
        } else if frames >= self.background_at {
            self.background_at = frames.saturating_add(BACKGROUND_FRAMES);
            self.ask();
        }
    }

    fn ask(&mut self) {
        if self.wake.is_none() {
            let (wake, asked) = sync_channel(1);
            let work = Arc::clone(&self.work);
            let thread = thread::Builder::new()
                .name("pyflow-checkpoint".to_owned())
                .spawn(move || work.run(&asked));
            // Without a thread the writer checkpoints in line.
            self.thread = thread.ok();
            self.wake = Some(wake);
        }
        if let Some(wake) = &self.wake {
            // Full means that one is asked for already.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for WalLength {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // Its connection must be gone before the writer's, which closes the file.
            let _ = thread.join();
        }
    }
}

#[derive(Debug)]
struct Work {
    path: Box<Path>,
    health: Arc<Health>,
    place: Arc<Place>,
}

impl Work {
    fn run(&self, asked: &Receiver<()>) {
        if self.place.check().is_err() {
            return; // A connection made now would be to other files; the writer says so.
        }
        let opening = AtWork::begin_beside();
        let Ok(conn) = connect_checkpointer(&self.path) else { return };
        drop(opening);
        while asked.recv().is_ok() {
            let _work = AtWork::begin_beside();
            self.checkpoint(&conn);
        }
        let _closing = AtWork::begin_beside();
        drop(conn);
    }

    /// Moves what it can into the main file, waiting for nobody.
    fn checkpoint(&self, conn: &Connection) {
        if self.place.check().is_err() {
            return; // What a file that was cut short reads as is not to be moved; the writer says so.
        }
        let outcome = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        let Err(error) = outcome else { return };
        let wanted = Wanted { operation: "checkpointing the store", path: &self.path };
        let fault = wanted.fault(error.into());
        // SQLite would try the same pages again and be told that all is well, as after any failed sync. A full disk
        // or a lock only delays it; the write-ahead log keeps everything until then.
        self.health.note(&fault);
    }
}
