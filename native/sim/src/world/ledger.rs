//! What clients have asked and what they were answered: kept outside of the process.

use std::collections::BTreeMap;

use bytes::Bytes;
use pyflow_core::command::{StartRun, Wanted};
use pyflow_core::definition::Priority;
use pyflow_engine::{Refusal, Value};

/// What was asked under a ticket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    Deploy {
        flow: usize,
    },
    Start {
        run_id: String,
        is_chosen: bool,
        key: Option<String>,
        flow: usize,
        flag: bool,
        extras: Extras,
    },
    StartMany {
        run_ids: Vec<String>,
    },
    Pause {
        run_id: String,
    },
    Resume {
        run_id: String,
    },
    Cancel {
        run_id: String,
    },
    Recover {
        run_id: String,
    },
    CancelTask {
        run_id: String,
        task_id: String,
    },
    RecoverTask {
        run_id: String,
        task_id: String,
    },
    /// The end of a run.
    Result {
        run_id: String,
    },
    /// The events of one run, or of all, after a place.
    Watch {
        run_id: Option<String>,
        after: u64,
    },
    Status {
        run_id: String,
    },
    Tasks {
        run_id: String,
    },
    History {
        run_id: String,
    },
    List,
    Doctor,
}

/// What a start may say beside the definition and the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    /// 0 high, 1 normal, 2 low.
    pub(crate) priority: Option<u8>,
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) metadata: Option<&'static str>,
    /// By the name of its definition, of which the latest is taken.
    pub(crate) by_name: Option<String>,
}

impl Extras {
    pub(super) fn added_to(self, start: StartRun) -> StartRun {
        let named = self.by_name.map(|name| Wanted::Name { name: name.into(), version: None });
        StartRun {
            priority: self.priority.map(Priority::from_code),
            deadline_ms: self.deadline_ms,
            metadata: self.metadata.map(|text| Bytes::from_static(text.as_bytes())),
            wanted: named.unwrap_or(start.wanted),
            ..start
        }
    }
}

/// One ask and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) ask: Ask,
    pub(crate) at: u64,
    pub(crate) answer: Option<Result<Value, Refusal>>,
    /// The process died before the answer: whether it was done is not known.
    pub(crate) is_lost: bool,
}

/// Every ask, by its ticket.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) asked: BTreeMap<u64, Asked>,
    last: u64,
}

impl Ledger {
    /// A ticket for an ask.
    pub(crate) fn note(&mut self, ask: Ask, at: u64) -> u64 {
        self.last += 1;
        self.asked.insert(self.last, Asked { ask, at, answer: None, is_lost: false });
        self.last
    }

    /// Those who wait hear nothing more: the process is gone.
    pub(crate) fn lose_all(&mut self) {
        for asked in self.asked.values_mut().filter(|asked| asked.answer.is_none()) {
            asked.is_lost = true;
        }
    }

    /// Asks that wait for their answer.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u64, &Asked)> {
        let open = self.asked.iter().filter(|(_, asked)| asked.answer.is_none() && !asked.is_lost);
        open.map(|(ticket, asked)| (*ticket, asked))
    }

    /// Asks that were granted.
    pub(crate) fn acknowledged(&self) -> impl Iterator<Item = (u64, &Asked, &Value)> {
        self.asked.iter().filter_map(|(ticket, asked)| match &asked.answer {
            Some(Ok(value)) => Some((*ticket, asked, value)),
            Some(Err(_)) | None => None,
        })
    }
}
