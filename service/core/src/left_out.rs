//! What a commit names and does not have, so that it only looks whole. Git LFS keeps a pointer in place of a file: a few
//! lines that say where the content is. A submodule is the number of another repository's commit.

/// What is not there, of a path that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// A pointer of Git LFS.
    LfsPointer,
    /// A submodule of git.
    Submodule,
}

/// How a pointer begins, by the two names of the format (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
const BEGINNINGS: [&[u8]; 2] = [
    b"version https://git-lfs.github.com/spec/",
    b"version https://hawser.github.com/spec/",
];

/// The bytes of a file's beginning that [`is_pointer`] needs.
pub const BEGINNING: usize = 48;

/// Whether a file that begins like this is a pointer.
pub fn is_pointer(beginning: &[u8]) -> bool {
    BEGINNINGS.iter().any(|known| beginning.starts_with(known))
}

impl LeftOut {
    /// What is said of the path.
    pub fn sentence(self, path: &str) -> String {
        match self {
            Self::LfsPointer => format!(
                "'{path}' is a pointer of Git LFS and not the file itself, and its content is not in the commit: commit the file, or read it as data from the data root"
            ),
            Self::Submodule => format!(
                "'{path}' is a git submodule, whose files are not in the commit: commit them in its place, or leave it out with a .dockerignore"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_known_by_their_first_line() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        assert!(is_pointer(pointer) && is_pointer(&pointer[..BEGINNING.min(pointer.len())]));
        assert!(is_pointer(b"version https://hawser.github.com/spec/v1\n"));
        for other in [
            &b""[..],
            b"version 1",
            b"{\"version\": \"https://git-lfs.github.com/spec/v1\"}",
        ] {
            assert!(!is_pointer(other));
        }
    }
}
