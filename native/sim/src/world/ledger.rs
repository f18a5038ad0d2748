//! What clients have asked and what they were answered: kept outside of the process.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use pyflow_core::command::{StartRun, Wanted};
use pyflow_core::consistency::Consistency;
use pyflow_core::definition::Priority;
use pyflow_engine::{Refusal, Token, Value};

use crate::model::Run;

/// The words that mean the run which was created last.
pub(crate) const LATEST: &str = "@last";

/// The metadata that runs are listed by.
pub(crate) const OF_A_CLIENT: &str = "{\"of\":\"a client\"}";

/// What was asked under a ticket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    Deploy {
        flow: usize,
    },
    Start(Start),
    /// All of them, or none.
    StartMany(Vec<Start>),
    Pause {
        run_id: String,
    },
    Resume {
        run_id: String,
    },
    Cancel {
        run_id: String,
        reason: String,
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
        limit: usize,
    },
    /// Perhaps as it is after a write.
    Status {
        run_id: String,
        after: Option<Token>,
    },
    /// The tasks and items of a run: all, or those of a name or in a state.
    Tasks {
        run_id: String,
        task_id: Option<String>,
        state: Option<&'static str>,
        limit: usize,
    },
    /// So many events of a run behind the one of this number.
    History {
        run_id: String,
        after: usize,
        limit: usize,
    },
    /// Lines of a run's log behind the one of this number.
    Logs {
        run_id: String,
        task_id: Option<String>,
        after: u64,
        limit: usize,
    },
    TaskResult {
        run_id: String,
        task_id: String,
    },
    /// What keeps the tasks of a run from running.
    Explain {
        run_id: String,
    },
    /// All runs.
    List,
    /// A page of some of them.
    Filter(Listing),
    /// Forget what ended before that.
    Prune {
        before_ms: u64,
    },
    /// The runs that the beginning of an id may mean, or the latest.
    Find {
        text: String,
    },
    /// What is deployed.
    Definitions,
    /// The definition of a name, of a version or the one that was deployed last.
    Definition {
        name: String,
        version: Option<String>,
    },
    Doctor,
}

/// A run that is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) run_id: String,
    pub(crate) is_chosen: bool,
    pub(crate) key: Option<String>,
    pub(crate) flow: usize,
    pub(crate) flag: bool,
    pub(crate) extras: Extras,
}

/// Which runs are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) status: Option<&'static str>,
    pub(crate) name: Option<String>,
    pub(crate) created_by: Option<&'static str>,
    /// Those that have this metadata: [`OF_A_CLIENT`].
    pub(crate) of_client: bool,
    pub(crate) limit: usize,
    pub(crate) cursor: Option<u64>,
}

impl Ask {
    /// The runs that are to be started.
    pub(crate) fn starts(&self) -> &[Start] {
        match self {
            Self::Start(start) => std::slice::from_ref(start),
            Self::StartMany(starts) => starts,
            _ => &[],
        }
    }

    /// The run that is to be controlled.
    pub(super) fn controlled(&self) -> Option<&str> {
        match self {
            Self::Pause { run_id }
            | Self::Resume { run_id }
            | Self::Cancel { run_id, .. }
            | Self::Recover { run_id }
            | Self::CancelTask { run_id, .. }
            | Self::RecoverTask { run_id, .. } => Some(run_id),
            _ => None,
        }
    }
}

/// What a start may say beside the definition and the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    /// 0 high, 1 normal, 2 low.
    pub(crate) priority: Option<u8>,
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) metadata: Option<&'static str>,
    pub(crate) created_by: Option<&'static str>,
    pub(crate) consistency: Option<Consistency>,
    /// By the name of its definition, of which the latest is taken, or the one of this version.
    pub(crate) by_name: Option<String>,
    pub(crate) of_version: Option<String>,
    /// Whether it leaves the flag out of its input.
    pub(crate) lacks_flag: bool,
}

impl Extras {
    /// How sure its writes are: a start may ask for more than its definition, never for less.
    pub(crate) fn consistency_of(&self, own: Option<Consistency>) -> Consistency {
        own.into_iter().chain(self.consistency).min().unwrap_or(Consistency::Strong)
    }

    /// The flag that its input gives.
    pub(crate) fn given(&self, flag: bool) -> Option<bool> {
        Some(flag).filter(|_| !self.lacks_flag)
    }

    pub(super) fn added_to(self, start: StartRun) -> StartRun {
        let version = self.of_version.map(Into::into);
        let named = self.by_name.map(|name| Wanted::Name { name: name.into(), version });
        StartRun {
            priority: self.priority.map(Priority::from_code),
            deadline_ms: self.deadline_ms,
            metadata: self.metadata.map(|text| Bytes::from_static(text.as_bytes())),
            created_by: self.created_by.map(Into::into),
            consistency: self.consistency,
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
    /// The run that it is about, as that was then, where something was asked of it.
    pub(crate) before: Option<Rc<Run>>,
    /// Definitions that had been deployed by then.
    pub(crate) deployed_count: usize,
    /// Troubles that had befallen the disk by then.
    pub(crate) trouble_count: u64,
    /// The latest place in the log that was known by then.
    pub(crate) position: u64,
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
    pub(crate) fn note(&mut self, asked: Asked) -> u64 {
        self.last += 1;
        self.asked.insert(self.last, asked);
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
