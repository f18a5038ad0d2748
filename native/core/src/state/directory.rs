//! Names that outlive what they name: run ids, idempotency keys, deployed definitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::ids::{DefinitionHash, RunNumber};
use crate::time::Millis;

/// A definition under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    pub version: Option<Arc<str>>,
    pub definition: DefinitionHash,
    pub at: Millis,
}

/// What an idempotency key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub run: RunNumber,
    pub run_id: Arc<str>,
    pub request_hash: Bytes,
    /// Set when the run has ended; the key is free again from then on.
    pub expires_at: Option<Millis>,
}

type Scoped = (Arc<str>, Arc<str>);

#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) names: BTreeMap<Scoped, Vec<Deployed>>,
    pub(super) ids: RunIds,
    pub(super) keys: BTreeMap<Scoped, Key>,
    /// Keys by the time at which they become free, so that they can be dropped without a search.
    pub(super) expiring: BTreeMap<(Millis, RunNumber), Scoped>,
}

/// Runs by their ids, a map for each namespace: most runs share one, which need not stand in each
/// entry then.
#[derive(Debug, Default)]
pub(super) struct RunIds(BTreeMap<Arc<str>, BTreeMap<Arc<str>, RunNumber>>);

impl RunIds {
    pub(super) fn get(&self, namespace: &str, run_id: &str) -> Option<RunNumber> {
        self.0.get(namespace)?.get(run_id).copied()
    }

    pub(super) fn insert(&mut self, namespace: &Arc<str>, run_id: Arc<str>, run: RunNumber) {
        // Asked first, since a namespace is cloned for its first run only.
        match self.0.get_mut(namespace) {
            Some(ids) => drop(ids.insert(run_id, run)),
            None => drop(self.0.insert(namespace.clone(), BTreeMap::from([(run_id, run)]))),
        }
    }

    pub(super) fn remove(&mut self, namespace: &str, run_id: &str) {
        let Some(ids) = self.0.get_mut(namespace) else { return };
        ids.remove(run_id);
        if ids.is_empty() {
            self.0.remove(namespace);
        }
    }

    /// All, in the order of namespaces and ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, RunNumber)> {
        self.0
            .iter()
            .flat_map(|(namespace, ids)| ids.iter().map(move |(id, run)| (namespace, id, *run)))
    }
}

impl FromIterator<(Scoped, RunNumber)> for RunIds {
    fn from_iter<I: IntoIterator<Item = (Scoped, RunNumber)>>(entries: I) -> Self {
        let mut ids = Self::default();
        for ((namespace, run_id), run) in entries {
            ids.insert(&namespace, run_id, run);
        }
        ids
    }
}

fn scoped(namespace: &str, name: &str) -> Scoped {
    (Arc::from(namespace), Arc::from(name))
}

impl Directory {
    pub(super) fn deployed(&self, namespace: &str, name: &str) -> &[Deployed] {
        self.names.get(&scoped(namespace, name)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn all_deployed(
        &self,
        namespace: &str,
    ) -> impl Iterator<Item = (&Arc<str>, &[Deployed])> {
        let namespace: Arc<str> = Arc::from(namespace);
        self.names
            .iter()
            .filter(move |((space, _), _)| *space == namespace)
            .map(|((_, name), deployed)| (name, deployed.as_slice()))
    }

    pub(super) fn run_number(&self, namespace: &str, run_id: &str) -> Option<RunNumber> {
        self.ids.get(namespace, run_id)
    }

    pub(super) fn key(&self, namespace: &str, key: &str) -> Option<&Key> {
        self.keys.get(&scoped(namespace, key))
    }

    /// Sets when a run's key is free again, if it is still the key of that run.
    pub(super) fn key_expires(&mut self, name: Scoped, run: RunNumber, at: Option<Millis>) {
        let Some(entry) = self.keys.get_mut(&name).filter(|key| key.run == run) else { return };
        if let Some(before) = std::mem::replace(&mut entry.expires_at, at) {
            self.expiring.remove(&(before, run));
        }
        if let Some(at) = at {
            self.expiring.insert((at, run), name);
        }
    }

    /// Drops the keys that are free again at `now`.
    pub(super) fn drop_expired_keys(&mut self, now: Millis) {
        while let Some(entry) = self.expiring.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let (_, run) = *entry.key();
            let name = entry.remove();
            if self.keys.get(&name).is_some_and(|key| key.run == run) {
                self.keys.remove(&name);
            }
        }
    }
}
