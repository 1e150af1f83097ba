//! What the machine's own trouble looks like: no room, no memory, no handles, a disk that fails or refuses to be written.
//! Whatever met it did nothing wrong, and is worth another try when the trouble is over.

use std::io::{self, ErrorKind};

/// `EIO`, `ENOMEM`, `ENFILE`, `EMFILE`: std has no stable names for most of them.
const CODES: [i32; 4] = [5, 12, 23, 24];

/// Whether there is no room for it, be it bytes, files or a quota.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Whether it is the machine's trouble, whatever was to be read or written.
pub fn is_trouble(error: &io::Error) -> bool {
    let kinds = [
        ErrorKind::ReadOnlyFilesystem,
        ErrorKind::OutOfMemory,
        ErrorKind::StaleNetworkFileHandle,
        ErrorKind::TimedOut,
        ErrorKind::ResourceBusy,
        ErrorKind::Interrupted,
        ErrorKind::WouldBlock,
    ];
    is_full(error) || kinds.contains(&error.kind()) || error.raw_os_error().is_some_and(|code| CODES.contains(&code))
}

/// The same of the service's own folders, where missing rights are the machine's trouble, too.
pub fn is_trouble_of_ours(error: &io::Error) -> bool {
    is_trouble(error) || error.kind() == ErrorKind::PermissionDenied
}

/// Whether a program's words are those of a full disk.
pub fn says_full(text: &str) -> bool {
    let text = text.to_lowercase();
    ["no space left on device", "disk quota exceeded"]
        .iter()
        .any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_s_trouble_is_told_from_the_step_s() {
        // ENOSPC, EDQUOT, EROFS, EIO, ENOMEM, ENFILE, EMFILE, ESTALE, EBUSY, EAGAIN
        for code in [28, 122, 30, 5, 12, 23, 24, 116, 16, 11] {
            assert!(is_trouble(&io::Error::from_raw_os_error(code)), "{code}");
        }
        // ENOENT, EACCES, EISDIR, ENOTDIR, ELOOP, ENAMETOOLONG
        for code in [2, 13, 21, 20, 40, 36] {
            assert!(!is_trouble(&io::Error::from_raw_os_error(code)), "{code}");
        }
        assert!(is_trouble_of_ours(&io::Error::from_raw_os_error(13)));
        assert!(!is_trouble_of_ours(&io::Error::from_raw_os_error(2)));
        assert!(says_full("tar: x: Cannot write: No space left on device") && !says_full("no space"));
    }
}
