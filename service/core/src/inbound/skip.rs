//! Commits that ask for no run.
//!
//! <https://docs.github.com/en/actions/managing-workflow-runs/skipping-workflow-runs>

/// What a message has in it where nothing is to run for it.
const WORDS: [&str; 5] = ["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"];
/// The same as the last trailer of a message.
const TRAILERS: [&str; 2] = ["skip-checks: true", "skip-checks:true"];

/// The word by which the message of a head commit asks for no run of pushes and pull requests; `None` where it does not.
pub fn skip_word(message: &str) -> Option<&'static str> {
    let lower = message.to_lowercase();
    let word = WORDS.into_iter().find(|word| lower.contains(word));
    word.or_else(|| trailer(&lower))
}

/// GitHub wants two line breaks before the trailer, and the trailer last, or with other trailers.
fn trailer(message: &str) -> Option<&'static str> {
    let (_, last) = message.trim_end().rsplit_once("\n\n")?;
    let lines: Vec<&str> = last.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let trailers = lines.iter().all(|line| line.contains(':'));
    let says = |wanted: &str| lines.contains(&wanted);
    TRAILERS.into_iter().find(|wanted| trailers && says(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_asks_for_no_run_in_five_forms_and_by_a_trailer() {
        let asks = [
            "[skip ci] typo",
            "typo [ci skip]",
            "typo\n\nfix it [no ci] now",
            "[skip actions]",
            "docs [actions skip]",
            "[SKIP CI] docs",
            "typo\n\n\nskip-checks: true",
            "typo\n\nsome words\n\nskip-checks:true\nSigned-off-by: Ada <ada@example.org>\n",
        ];
        for message in asks {
            assert!(skip_word(message).is_some(), "{message:?}");
        }
        let runs = [
            "",
            "skip ci",
            "[skip-ci]",
            "[skip  ci]",
            "(skip ci)",
            "skip [ci]",
            "skip-checks: true",
            "typo\nskip-checks: true",
            "typo\n\nskip-checks: true or not\nas you like",
            "typo\n\nskip-checks: false",
        ];
        for message in runs {
            assert_eq!(skip_word(message), None, "{message:?}");
        }
    }
}
