//! Names that come from outside, checked before they become arguments of git or paths.

use super::error::GitError;
use trainyard_core::ids::CommitSha;

/// A full commit hash and nothing else.
pub(super) fn full_sha(sha: &CommitSha) -> Result<&str, GitError> {
    let text = sha.as_str();
    let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if hex && matches!(text.len(), 40 | 64) {
        return Ok(text);
    }
    Err(GitError::BadName {
        name: printable(text),
        expected: "a full commit hash of 40 or 64 hex digits",
    })
}

/// The rules of `git check-ref-format`, and no name that looks like an option.
pub(super) fn ref_name(name: &str) -> Result<&str, GitError> {
    let bad_char = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    let bad = name.is_empty()
        || name.len() > 250
        || name.starts_with('-')
        || name.ends_with('.')
        || name.contains("..")
        || name.contains("@{")
        || name == "@"
        || name.chars().any(bad_char)
        || name.split('/').any(bad_part);
    if bad {
        Err(GitError::BadName {
            name: printable(name),
            expected: "the name of a branch",
        })
    } else {
        Ok(name)
    }
}

/// A path inside the repository.
pub(super) fn tree_path(path: &str) -> Result<&str, GitError> {
    let bad_part = |part: &str| matches!(part, "" | "." | "..");
    if path.contains('\0') || path.split('/').any(bad_part) {
        return Err(GitError::BadName {
            name: printable(path),
            expected: "a path inside the repository",
        });
    }
    Ok(path)
}

/// Whether a link at `path` with this target stays in the tree wherever other links point that do
/// the same: `..` only at the beginning, and no more of them than folders above the link.
pub(super) fn link_stays_inside(path: &str, target: &str) -> bool {
    if target.starts_with('/') || target.is_empty() {
        return false;
    }
    let depth = path.split('/').count() - 1;
    let parts: Vec<&str> = target.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let ups = parts.iter().take_while(|part| **part == "..").count();
    ups <= depth && !parts.iter().skip(ups).any(|part| *part == "..")
}

/// For messages: hostile names must not drive a terminal.
pub(super) fn printable(name: &str) -> String {
    trainyard_core::log::one_line(name).chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_names_are_refused() {
        for name in [
            "",
            "-x",
            "--upload-pack=touch x",
            "a b",
            "a..b",
            "a~1",
            "a^{commit}",
            "HEAD@{1}",
            "@",
            "a:b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a.",
            "a\nb",
            "a\0b",
            "a*",
            "a[0]",
            "a\\b",
        ] {
            assert!(ref_name(name).is_err(), "{name:?}");
        }
        for name in ["main", "feature/x", "v1.2", "größe", "a-b_c", "refs/heads/main"] {
            assert!(ref_name(name).is_ok(), "{name:?}");
        }
        for sha in [
            "",
            "HEAD",
            "-1",
            "abc",
            &"g".repeat(40),
            &"A".repeat(40),
            &format!("{}^", "a".repeat(39)),
            &"a".repeat(41),
        ] {
            assert!(full_sha(&CommitSha::from(sha)).is_err(), "{sha:?}");
        }
        for path in ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "a\0"] {
            assert!(tree_path(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn links_may_not_leave_the_tree() {
        for (path, target, inside) in [
            ("a", "b", true),
            ("a/b", "../c", true),
            ("a/b/c", "../../d/e", true),
            ("a", ".", true),
            ("a", "..", false),
            ("a", "../x", false),
            ("a/b", "../../x", false),
            ("a", "/etc/passwd", false),
            ("a/b/c", "x/../../y", false),
            ("a/b", "./../../x", false),
            ("a", "", false),
        ] {
            assert_eq!(link_stays_inside(path, target), inside, "{path} -> {target}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_also_passes_git(name in "[a-c./@{~^:*\\[\\\\ \\-]{1,8}") {
            if ref_name(&name).is_ok() {
                let status = std::process::Command::new("git").args(["check-ref-format", "--allow-onelevel", &name]).status();
                prop_assert!(status.unwrap().success(), "{:?}", name);
            }
        }
    }
}
