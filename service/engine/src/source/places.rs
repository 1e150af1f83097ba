//! Where things are in pipeline files that were read lately: runs of them are about to start.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use trainyard_core::ids::CommitSha;
use trainyard_core::spec;

/// So many files are remembered; of others the file is read again.
const MOST: usize = 256;

type Lines = BTreeMap<String, u32>;

/// Lines of files by commit and folder, the newest last.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Mutex<VecDeque<(CommitSha, String, Lines)>>>);

impl Places {
    /// Remembers where things are in a file.
    pub(crate) fn put(&self, commit: &CommitSha, folder: &str, text: &str) {
        let lines = spec::lines(text);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_back((commit.clone(), folder.to_owned(), lines));
        if known.len() > MOST {
            known.pop_front();
        }
    }

    /// What is remembered.
    pub(crate) fn get(&self, commit: &CommitSha, folder: &str) -> Option<Lines> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().rev().find(|(at, of, _)| at == commit && of == folder);
        found.map(|(_, _, lines)| lines.clone())
    }
}
