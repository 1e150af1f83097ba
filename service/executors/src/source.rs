//! The source of an image, kept inside the tree it comes from.

use crate::contract::{BuildError, BuildRequest};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use trainyard_core::left_out::LeftOut;

/// A Dockerfile is no larger.
const DOCKERFILE_BYTES: u64 = 1024 * 1024;

pub(crate) struct Source {
    /// Canonical, inside the request's root.
    pub(crate) context: PathBuf,
    /// Canonical: folders whose files are not there.
    pub(crate) submodules: Vec<PathBuf>,
    pub(crate) dockerfile: String,
    /// Where the Dockerfile is in the context, with `/`; `None` if it lies outside.
    pub(crate) inside: Option<String>,
}

/// Reads the Dockerfile and finds the context. Source trees come from anybody who can open a pull
/// request, so links that lead out of them are refused.
pub(crate) fn read(request: &BuildRequest) -> Result<Source, BuildError> {
    let root = fs::canonicalize(&request.root).map_err(|error| unreadable(&request.root, error))?;
    let inside = |path: &Path| request.submodules.iter().find(|folder| path.starts_with(folder));
    if let Some(submodule) = inside(&request.dockerfile).or(inside(&request.context)) {
        let path = submodule.strip_prefix(&request.root).unwrap_or(submodule);
        let message = LeftOut::Submodule.sentence(&path.display().to_string());
        return Err(BuildError::Refused { message });
    }
    let shown = request.dockerfile.display();
    let told = |problem: &str| format!("the Dockerfile {shown} {problem}: correct build.dockerfile or add the file");
    let problem = |problem: String| BuildError::Refused {
        message: told(&problem),
    };
    let unread = |error: io::Error| BuildError::of_file(told(&format!("cannot be read ({error})")), &error);
    let path = fs::canonicalize(&request.dockerfile).map_err(unread)?;
    if !path.starts_with(&root) {
        return Err(problem("lies outside the source tree".to_owned()));
    }
    let metadata = fs::metadata(&path).map_err(unread)?;
    if !metadata.is_file() || metadata.len() > DOCKERFILE_BYTES {
        return Err(problem("is not a file of at most 1 MiB".to_owned()));
    }
    let dockerfile = fs::read_to_string(&path).map_err(unread)?;

    let shown = request.context.display();
    let told = |problem: &str| format!("the build context {shown} {problem}: correct build.context");
    let problem = |problem: &str| BuildError::Refused { message: told(problem) };
    let unread = |error: io::Error| BuildError::of_file(told(&format!("cannot be read ({error})")), &error);
    let context = fs::canonicalize(&request.context).map_err(unread)?;
    if !context.starts_with(&root) {
        return Err(problem("lies outside the source tree"));
    }
    if !context.is_dir() {
        return Err(problem("is not a folder"));
    }
    // What is a link to it in the context is sent as a link.
    let inside = path.strip_prefix(&context).ok().and_then(Path::to_str);
    let inside = inside.map(str::to_owned);
    let submodules = request
        .submodules
        .iter()
        .filter_map(|folder| fs::canonicalize(folder).ok());
    Ok(Source {
        context,
        submodules: submodules.collect(),
        dockerfile,
        inside,
    })
}

pub(crate) fn unreadable(context: &Path, error: io::Error) -> BuildError {
    let message = format!("the build context {} cannot be read: {error}", context.display());
    BuildError::of_file(message, &error)
}
