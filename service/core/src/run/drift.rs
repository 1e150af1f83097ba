//! What is found at a push target in place of what its ledger says.

use serde::{Deserialize, Serialize};

/// How a target differs from its ledger: what the ledger calls serving does not serve, or not provably.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Drift {
    /// Its folder is not there.
    Gone {
        /// Where it should be.
        place: String,
    },
    /// Its folder holds other bytes than the model's.
    Changed {
        /// The folder.
        place: String,
    },
    /// Where it should be is something that is not provably this instance's.
    NotOurs {
        /// What is there.
        place: String,
    },
    /// A server that answers with the highest version answers with another one.
    Outranked {
        /// The other one.
        place: String,
    },
    /// The server or receiver says so.
    Answers {
        /// What it says.
        said: String,
    },
}

impl Drift {
    /// What was found, without a word on what follows from it.
    pub fn sentence(&self) -> String {
        match self {
            Self::Gone { place } => format!("{place} is gone"),
            Self::Changed { place } => format!("{place} does not hold the model's bytes any more"),
            Self::NotOurs { place } => format!("{place} is not provably this instance's any more"),
            Self::Outranked { place } => format!("{place} has a higher number"),
            Self::Answers { said } => said.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_what_was_found() {
        let place = || "/models/flights/9".to_owned();
        let all = [
            Drift::Gone { place: place() },
            Drift::Changed { place: place() },
            Drift::NotOurs { place: place() },
            Drift::Outranked { place: place() },
            Drift::Answers {
                said: "http://hook/status says that version blue serves".to_owned(),
            },
        ];
        insta::assert_snapshot!(all.map(|drift| drift.sentence()).join("\n"), @"
        /models/flights/9 is gone
        /models/flights/9 does not hold the model's bytes any more
        /models/flights/9 is not provably this instance's any more
        /models/flights/9 has a higher number
        http://hook/status says that version blue serves
        ");
    }
}
