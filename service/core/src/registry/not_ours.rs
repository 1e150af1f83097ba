//! Why a push target is left as it is: something there is not provably this instance's.

/// Something in the way that this instance does not touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOurs {
    /// No version can be numbered above it.
    NoNumber {
        /// What is there.
        place: String,
    },
    /// A server would answer with it.
    Outranks {
        /// What is there.
        place: String,
        /// Instead of this version.
        version: String,
    },
    /// A server would answer with it, whatever number ours had.
    AlwaysFirst {
        /// What is there.
        place: String,
        /// Instead of this version.
        version: String,
    },
    /// It is where a version of ours belongs.
    Taken {
        /// What is there.
        place: String,
        /// The version.
        version: String,
    },
    /// A configuration that would have to be replaced.
    Config {
        /// The file.
        place: String,
    },
    /// The server has a model of this name that is not from its repository folder.
    Elsewhere {
        /// The model.
        model: String,
        /// The server.
        url: String,
        /// The folder.
        folder: String,
    },
    /// A webhook's receiver serves something that the ledger does not know.
    AnotherServes {
        /// Who says so.
        url: String,
        /// What it serves.
        version: String,
        /// What the ledger says.
        ledger: String,
    },
}

impl NotOurs {
    /// What is there and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoNumber { place } => format!(
                "{place} has the highest number that model servers count to, so that no version can come after it: move it away by hand, or give the target a model name of its own"
            ),
            Self::Outranks { place, version } => format!(
                "{place} was not written by this instance and would answer instead of version {version}: it is left alone; move it away by hand if it may go, or promote the version again, under a number above it"
            ),
            Self::AlwaysFirst { place, version } => format!(
                "{place} was not written by this instance, and whatever number version {version} had, the model server would answer with it: it is left alone; move it away by hand if it may go, or give the target a model name of its own"
            ),
            Self::Taken { place, version } => format!(
                "{place} is not provably this instance's version {version} and is left alone: move it away by hand if it may go, or promote the version again, under a number above it"
            ),
            Self::Config { place } => format!(
                "{place} was not written by this instance and is not the one that the model brings: make them the same, or move it away by hand"
            ),
            Self::Elsewhere { model, url, folder } => format!(
                "the model server at {url} serves a model '{model}' already, and {folder} is empty: correct the target's repository if it is another folder, or give the target a model name of its own"
            ),
            Self::AnotherServes { url, version, ledger } => format!(
                "{url} says that version {version} serves, which this instance never pushed: it is left alone; promote version {ledger} again if it is to serve"
            ),
        }
    }
}

/// What is in a target's folder and not provably ours, for a person; `None` if there is nothing.
pub fn left_alone(places: &[String]) -> Option<String> {
    const SHOWN: usize = 5;
    let shown = places.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>();
    let more = match places.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (are, stay, them) = match places.len() {
        0 => return None,
        1 => ("is", "stays", "it"),
        _ => ("are", "stay", "them"),
    };
    Some(format!(
        "{}{more} {are} not provably this instance's and {stay}: a push goes above {them}; remove by hand what nobody needs any more",
        shown.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_what_is_there_and_what_to_do() {
        let place = || "/models/flights/9".to_owned();
        let version = || "000007".to_owned();
        let all = [
            NotOurs::NoNumber { place: place() },
            NotOurs::Outranks {
                place: place(),
                version: version(),
            },
            NotOurs::AlwaysFirst {
                place: place(),
                version: version(),
            },
            NotOurs::Taken {
                place: place(),
                version: version(),
            },
            NotOurs::Config { place: place() },
            NotOurs::Elsewhere {
                model: "flights".to_owned(),
                url: "http://server".to_owned(),
                folder: "/models/flights".to_owned(),
            },
            NotOurs::AnotherServes {
                url: "http://hook/status".to_owned(),
                version: "blue".to_owned(),
                ledger: version(),
            },
        ];
        insta::assert_snapshot!(all.map(|reason| reason.sentence()).join("\n"), @r"
        /models/flights/9 has the highest number that model servers count to, so that no version can come after it: move it away by hand, or give the target a model name of its own
        /models/flights/9 was not written by this instance and would answer instead of version 000007: it is left alone; move it away by hand if it may go, or promote the version again, under a number above it
        /models/flights/9 was not written by this instance, and whatever number version 000007 had, the model server would answer with it: it is left alone; move it away by hand if it may go, or give the target a model name of its own
        /models/flights/9 is not provably this instance's version 000007 and is left alone: move it away by hand if it may go, or promote the version again, under a number above it
        /models/flights/9 was not written by this instance and is not the one that the model brings: make them the same, or move it away by hand
        the model server at http://server serves a model 'flights' already, and /models/flights is empty: correct the target's repository if it is another folder, or give the target a model name of its own
        http://hook/status says that version blue serves, which this instance never pushed: it is left alone; promote version 000007 again if it is to serve
        ");
    }
}
