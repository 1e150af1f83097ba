//! What an image's key depends on, and which sources are refused; no engine is asked.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use trainyard_executors::{BuildError, BuildRequest, ImageBuilder, Network, ProcessImages};

/// A source tree with a Dockerfile and a context.
pub struct Tree {
    pub folder: tempfile::TempDir,
    pub request: BuildRequest,
}

impl Tree {
    pub fn new(dockerfile: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("source");
        let request = BuildRequest {
            context: root.join("context"),
            submodules: Vec::new(),
            dockerfile: root.join("dockerfiles/train.Dockerfile"),
            build_args: BTreeMap::new(),
            network: Network::Bridge,
            name: format!("test-{}", uuid::Uuid::now_v7().simple()),
            log_file: folder.path().join("logs/build.log"),
            stranger: None,
            root,
        };
        let tree = Self { folder, request };
        write(&tree.request.dockerfile, dockerfile);
        fs::create_dir_all(&tree.request.context).unwrap();
        for (path, content) in files {
            tree.write(path, content);
        }
        tree
    }

    pub fn write(&self, path: &str, content: &str) {
        write(&self.request.context.join(path), content);
    }

    /// A sentence about this tree, wherever it is.
    pub fn sentence(&self, error: &BuildError) -> String {
        error
            .to_string()
            .replace(&self.request.root.display().to_string(), "<source>")
    }

    async fn key(&self) -> String {
        ProcessImages.build(&self.request).await.unwrap().key
    }

    async fn refusal(&self) -> String {
        match ProcessImages.build(&self.request).await.unwrap_err() {
            error @ BuildError::Refused { .. } => self.sentence(&error),
            error => panic!("{error:?}"),
        }
    }
}

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

const FILES: [(&str, &str); 3] = [("a.py", "1"), ("b/c.py", "2"), ("b/d.py", "3")];

#[tokio::test]
async fn the_same_content_has_the_same_key() {
    let one = Tree::new("FROM x\n", &FILES);
    let mut other = Tree::new("# a comment\nFROM x  \n\n", &[FILES[2], FILES[1], FILES[0]]);
    other.request.name = "another".into();
    let file = fs::File::options()
        .write(true)
        .open(other.request.context.join("a.py"))
        .unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    fs::set_permissions(other.request.context.join("a.py"), fs::Permissions::from_mode(0o600)).unwrap();
    // Only root can give files away.
    let _ = std::os::unix::fs::chown(other.request.context.join("b"), Some(10001), Some(10001));
    assert_eq!(one.key().await, other.key().await);
}

#[tokio::test]
async fn everything_that_counts_changes_the_key() {
    let mut tree = Tree::new("FROM x\n", &FILES);
    let mut keys = vec![tree.key().await];
    tree.write("a.py", "2");
    keys.push(tree.key().await);
    fs::set_permissions(tree.request.context.join("a.py"), fs::Permissions::from_mode(0o755)).unwrap();
    keys.push(tree.key().await);
    fs::rename(tree.request.context.join("a.py"), tree.request.context.join("e.py")).unwrap();
    keys.push(tree.key().await);
    symlink("e.py", tree.request.context.join("link")).unwrap();
    keys.push(tree.key().await);
    fs::remove_file(tree.request.context.join("link")).unwrap();
    tree.write("link", "e.py");
    keys.push(tree.key().await);
    write(&tree.request.dockerfile, "FROM y\n");
    keys.push(tree.key().await);
    tree.request.build_args.insert("A".into(), "1".into());
    keys.push(tree.key().await);
    tree.request.build_args.insert("A".into(), "2".into());
    keys.push(tree.key().await);
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len(), "{keys:?}");
}

#[tokio::test]
async fn what_is_ignored_does_not_count() {
    let tree = Tree::new("FROM x\n", &FILES);
    tree.write(".dockerignore", "**/*.py[co]\nnotes\n");
    let key = tree.key().await;
    tree.write("b/c.pyc", "x");
    tree.write("notes/todo.txt", "x");
    assert_eq!(tree.key().await, key);
    tree.write("b/notes", "x");
    assert_ne!(tree.key().await, key, "rules begin at the context");
}

#[tokio::test]
async fn a_missing_source_is_refused() {
    let tree = Tree::new("FROM x\n", &FILES);
    fs::remove_file(&tree.request.dockerfile).unwrap();
    insta::assert_snapshot!(tree.refusal().await, @"the Dockerfile <source>/dockerfiles/train.Dockerfile cannot be read (No such file or directory (os error 2)): correct build.dockerfile or add the file");
    fs::create_dir(&tree.request.dockerfile).unwrap();
    insta::assert_snapshot!(tree.refusal().await, @"the Dockerfile <source>/dockerfiles/train.Dockerfile is not a file of at most 1 MiB: correct build.dockerfile or add the file");
    let tree = Tree::new("FROM x\n", &FILES);
    fs::remove_dir_all(&tree.request.context).unwrap();
    insta::assert_snapshot!(tree.refusal().await, @"the build context <source>/context cannot be read (No such file or directory (os error 2)): correct build.context");
    write(&tree.request.context, "a file");
    insta::assert_snapshot!(tree.refusal().await, @"the build context <source>/context is not a folder: correct build.context");
}

/// Whoever can open a pull request can put links into the tree.
#[tokio::test]
async fn nothing_is_read_from_outside() {
    let mut tree = Tree::new("FROM x\n", &FILES);
    let secret = tree.folder.path().join("secret");
    write(&secret, "FROM secret\n");

    let inside = tree.request.context.clone();
    tree.request.context = inside.join("../..");
    insta::assert_snapshot!(tree.refusal().await, @"the build context <source>/context/../.. lies outside the source tree: correct build.context");
    tree.request.context = inside.join("b/elsewhere");
    symlink(tree.folder.path(), &tree.request.context).unwrap();
    insta::assert_snapshot!(tree.refusal().await, @"the build context <source>/context/b/elsewhere lies outside the source tree: correct build.context");
    fs::remove_file(&tree.request.context).unwrap();
    tree.request.context = inside;

    symlink("/dev/zero", tree.request.context.join(".dockerignore")).unwrap();
    insta::assert_snapshot!(tree.refusal().await, @"the build context <source>/context cannot be read: <source>/context/.dockerignore is not a plain file");
    fs::remove_file(tree.request.context.join(".dockerignore")).unwrap();

    symlink(&secret, tree.request.context.join("link")).unwrap();
    let key = tree.key().await;
    write(&secret, "FROM another\n");
    assert_eq!(tree.key().await, key, "a link counts as a link");

    fs::remove_file(&tree.request.dockerfile).unwrap();
    symlink(&secret, &tree.request.dockerfile).unwrap();
    insta::assert_snapshot!(tree.refusal().await, @"the Dockerfile <source>/dockerfiles/train.Dockerfile lies outside the source tree: correct build.dockerfile or add the file");
    fs::remove_file(&tree.request.dockerfile).unwrap();
    symlink("/dev/zero", &tree.request.dockerfile).unwrap();
    insta::assert_snapshot!(tree.refusal().await, @"the Dockerfile <source>/dockerfiles/train.Dockerfile lies outside the source tree: correct build.dockerfile or add the file");
    fs::remove_file(&tree.request.dockerfile).unwrap();
    // A link inside the tree is fine.
    symlink("../context/real.Dockerfile", &tree.request.dockerfile).unwrap();
    tree.write("real.Dockerfile", "FROM x\n");
    tree.key().await;
}
