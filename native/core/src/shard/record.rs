//! Recording an event and applying it are one step; what it moved is followed up at once.

use super::turn::Shard;
use crate::codec::Stored;
use crate::event::Event;
use crate::limits::PAYLOAD_INLINE_SIZE_MAX;
use crate::payload::Payload;

/// Bytes that a turn of a few events takes.
const TURN_SIZE_USUAL: usize = 256;

impl Shard {
    /// Makes an event part of the turn and of the state.
    pub(super) fn record(&mut self, event: Event) {
        if self.turn.events.is_empty() {
            self.turn.position = self.state.position() + 1;
            self.state.begin_turn_with(self.turn.position, &event);
            self.turn.encoded.reserve(TURN_SIZE_USUAL);
        }
        event.write(&mut self.turn.encoded);
        self.keep_large_payload(&event);
        if let Some(run) = event.run() {
            self.turn.touch(run.0);
        }
        self.before(&event);
        self.state.apply(&event);
        self.turn.synced |= self.must_be_synced(&event);
        self.react(&event);
        self.turn.events.push(event);
    }

    fn must_be_synced(&self, event: &Event) -> bool {
        if let Event::TaskSaid(_) = event {
            return false; // Nobody waits for it: the next turn that is synced keeps it too.
        }
        let run = event.run().and_then(|number| self.state.run(number));
        run.is_none_or(|run| run.consistency().is_synced())
    }

    fn keep_large_payload(&mut self, event: &Event) {
        let Some(payload) = event.payload().filter(|p| p.size() > PAYLOAD_INLINE_SIZE_MAX) else {
            return;
        };
        self.turn.blobs.push((payload.hash(), payload.json()));
        self.turn.named.extend(event.run().map(|run| (run.0, payload.hash())));
    }
}

impl Event {
    /// The user's value that it carries, if any.
    pub fn payload(&self) -> Option<&Payload> {
        match self {
            Self::RunCreated(e) => Some(&e.input),
            Self::RunCompleted(e) => Some(&e.result),
            Self::TaskCompleted(e) => Some(&e.output),
            Self::MapExpanded(e) => Some(&e.items),
            Self::DefinitionDeployed(_)
            | Self::RunsForgotten(_)
            | Self::RunStarted(_)
            | Self::RunPaused(_)
            | Self::RunResumed(_)
            | Self::RunCancelRequested(_)
            | Self::RunDeadlineExceeded(_)
            | Self::RunFailed(_)
            | Self::RunCancelled(_)
            | Self::RunReopened(_)
            | Self::TaskLeased(_)
            | Self::TaskFailed(_)
            | Self::TaskRetrying(_)
            | Self::TaskSkipped(_)
            | Self::TaskCancelled(_)
            | Self::TaskQuarantined(_)
            | Self::TaskRecovered(_)
            | Self::LeaseEnded(_)
            | Self::TaskCancelRequested(_)
            | Self::DecisionTaken(_)
            | Self::GatewayPassed(_)
            | Self::TimerStarted(_)
            | Self::TimerFired(_)
            | Self::BackoffEnded(_)
            | Self::TaskSaid(_) => None,
        }
    }
}
