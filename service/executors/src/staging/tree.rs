//! The removal of folders that programs wrote.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Bytes of a path below a folder that is removed; the system takes 4096 with everything above it.
const LONGEST_PATH: usize = 1024;

/// Removes a tree, read-only folders included, however deep. A missing one is fine. Blocks.
pub fn remove_tree(root: &Path) -> io::Result<()> {
    let Ok(metadata) = root.symlink_metadata() else {
        return Ok(());
    };
    if !metadata.is_dir() {
        return fs::remove_file(root);
    }
    let mut folders = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        let _ = fs::set_permissions(&folder, Permissions::from_mode(0o755));
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                left.push(within_reach(root, entry.path())?);
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        folders.push(folder);
    }
    folders.iter().rev().try_for_each(fs::remove_dir)
}

/// A folder whose path grows longer than the system takes is moved to the top first.
fn within_reach(root: &Path, folder: PathBuf) -> io::Result<PathBuf> {
    if folder.as_os_str().len() <= root.as_os_str().len() + LONGEST_PATH {
        return Ok(folder);
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
    let mut number = 0;
    let place = loop {
        let place = root.join(format!(".{number}"));
        if place.symlink_metadata().is_err() {
            break place;
        }
        number += 1;
    };
    fs::rename(&folder, &place)?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_deeper_than_the_system_s_paths_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep");
        fs::create_dir(&root).unwrap();
        let name = "n".repeat(200);
        // From the inside out, since no path reaches the bottom.
        for _ in 0..60 {
            let outer = dir.path().join("outer");
            fs::create_dir(&outer).unwrap();
            fs::write(outer.join("file"), "1").unwrap();
            fs::rename(&root, outer.join(&name)).unwrap();
            fs::rename(&outer, &root).unwrap();
        }
        fs::set_permissions(&root, Permissions::from_mode(0o555)).unwrap();
        remove_tree(&root).unwrap();
        assert!(!root.exists());
    }
}
