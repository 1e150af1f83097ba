//! Git LFS keeps a pointer in place of a file: a few lines that say where the content is, in a commit that looks whole.

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

/// What is said of a path that has a pointer.
pub fn sentence(path: &str) -> String {
    format!(
        "'{path}' is a pointer of Git LFS and not the file itself, and its content is not in the commit: commit the file, or read it as data from the data root"
    )
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
