//! Which repository a delivery is about: GitHub's number says it, the name only what it was called when it was sent.

use crate::ids::RepoName;

/// GitHub's longest name of a repository, in bytes.
const LONGEST: usize = 100;

/// What is known of a repository that a delivery names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// It is called so.
    Known,
    /// Nothing is known of it, nor of the name.
    New,
    /// It was called otherwise, or another one was called so: only GitHub says who is called what today.
    Doubtful,
}

/// Of a repository that a delivery calls `name`: `known` is what it was called last, `holder` the repository that was
/// last called so.
pub fn identity(id: i64, name: &RepoName, known: Option<&RepoName>, holder: Option<i64>) -> Identity {
    match (known, holder) {
        (Some(known), _) if known == name => Identity::Known,
        (None, None) => Identity::New,
        (None, Some(holder)) if holder == id => Identity::Known,
        _ => Identity::Doubtful,
    }
}

/// What the runs of a repository go by that is gone, when another has its name. GitHub gives no name with this end
/// twice.
pub fn parked(name: &RepoName, id: i64) -> RepoName {
    let end = format!(".gone-{id}");
    let kept = name.name().len().min(LONGEST - end.len());
    let parked = format!("{}/{}{end}", name.owner(), &name.name()[..kept]);
    RepoName::parse(&parked).unwrap_or_else(|_| name.clone())
}

/// What a delivery told of a repository's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameNews {
    /// It has another name than it had.
    Renamed {
        /// What it was called.
        old: RepoName,
        /// What it is called.
        new: RepoName,
    },
    /// It is called as is known.
    Same(RepoName),
    /// It is gone.
    Gone(RepoName),
}

impl NameNews {
    /// For the delivery.
    pub fn sentence(&self) -> String {
        match self {
            Self::Renamed { old, new } => {
                format!("{old} is called {new} now: its pipelines, schedules, waits and runs go by that name")
            }
            Self::Same(name) => format!("{name} is known by that name"),
            Self::Gone(name) => format!("{name} is gone from GitHub: none of its pipelines starts by itself any more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repo(name: &str) -> RepoName {
        RepoName::parse(name).unwrap()
    }

    #[test]
    fn a_number_and_its_name_are_believed_as_long_as_they_agree() {
        let (tiny, small) = (repo("acme/tiny"), repo("acme/small"));
        for (known, holder, expected) in [
            (None, None, Identity::New),
            (Some(&tiny), Some(7), Identity::Known),
            (Some(&small), None, Identity::Doubtful),
            (Some(&small), Some(8), Identity::Doubtful),
            (None, Some(8), Identity::Doubtful),
        ] {
            assert_eq!(identity(7, &tiny, known, holder), expected, "{known:?} {holder:?}");
        }
    }

    #[test]
    fn a_parked_name_is_a_name_and_says_whose() {
        assert_eq!(parked(&repo("acme/tiny"), 7), repo("acme/tiny.gone-7"));
        let long = repo(&format!("acme/{}", "x".repeat(100)));
        let parked = parked(&long, i64::MAX);
        assert!(parked.name().len() == 100 && parked.name().ends_with(&format!(".gone-{}", i64::MAX)));
    }

    #[test]
    fn every_news_has_its_sentence() {
        let all = [
            NameNews::Renamed {
                old: repo("acme/tiny"),
                new: repo("acme/small"),
            },
            NameNews::Same(repo("acme/tiny")),
            NameNews::Gone(repo("acme/tiny")),
        ];
        insta::assert_snapshot!(all.map(|news| news.sentence()).join("\n"), @r"
        acme/tiny is called acme/small now: its pipelines, schedules, waits and runs go by that name
        acme/tiny is known by that name
        acme/tiny is gone from GitHub: none of its pipelines starts by itself any more
        ");
    }
}
