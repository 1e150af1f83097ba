//! The context as it is sent: its files, and the Dockerfile where nothing copies it into the image.

use crate::context::{self, Beside, ContextFile, IGNORE_FILE};
use crate::dockerfile::relocated;
use crate::source::Source;
use bytes::Bytes;
use futures_util::{Stream, stream};
use std::io::{self, BufWriter, Write};
use tokio::sync::mpsc;

/// The name of a Dockerfile that is not one of the files of its context.
const DOCKERFILE: &str = ".trainyard.Dockerfile";

/// The folder of a context that has something beside it.
const CONTEXT: &str = ".trainyard.context";

/// A text of the builder without the folder that it knows the context's files by.
pub(super) fn as_written(text: &str) -> String {
    text.replace(&format!("{CONTEXT}/"), "")
}

/// What is sent to a builder.
pub(super) struct Sent {
    /// Where the files are put.
    folder: Option<&'static str>,
    pub(super) files: Vec<ContextFile>,
    pub(super) beside: Vec<Beside>,
    /// The Dockerfile's name among them.
    pub(super) dockerfile: String,
}

/// For the classic builder. It takes the Dockerfile and `.dockerignore` out again where the latter's rules say so.
pub(super) fn classic(source: &Source, files: Vec<ContextFile>, ignore: Option<&str>) -> Sent {
    let listed = |path: &str| files.iter().any(|file| file.path == path);
    let rules = |lines: &[&str]| Beside {
        path: IGNORE_FILE.to_owned(),
        bytes: format!("{}\n{}\n", ignore.unwrap_or_default(), lines.join("\n")).into_bytes(),
    };
    let mut beside = Vec::new();
    let dockerfile = match &source.inside {
        Some(path) => {
            if !listed(path) {
                beside.push(with(path, &source.dockerfile));
                beside.extend((!listed(IGNORE_FILE)).then(|| rules(&[IGNORE_FILE])));
            }
            path.clone()
        }
        None => {
            beside.push(with(DOCKERFILE, &source.dockerfile));
            let own = if listed(IGNORE_FILE) { None } else { Some(IGNORE_FILE) };
            beside.push(rules(&own.into_iter().chain([DOCKERFILE]).collect::<Vec<_>>()));
            DOCKERFILE.to_owned()
        }
    };
    Sent {
        folder: None,
        files,
        beside,
        dockerfile,
    }
}

/// For BuildKit, which takes nothing out: a Dockerfile that is not one of the context's files lies beside the
/// context, and takes from its folder. `text` is what is built.
pub(super) fn buildkit(source: &Source, files: Vec<ContextFile>, text: &str) -> Sent {
    let listed = |path: &&String| files.iter().any(|file| file.path == **path);
    if let Some(path) = source.inside.as_ref().filter(listed) {
        let other = text != source.dockerfile;
        return Sent {
            beside: other.then(|| with(path, text)).into_iter().collect(),
            dockerfile: path.clone(),
            folder: None,
            files,
        };
    }
    Sent {
        beside: vec![with(DOCKERFILE, &relocated(text, CONTEXT))],
        dockerfile: DOCKERFILE.to_owned(),
        folder: Some(CONTEXT),
        files,
    }
}

fn with(path: &str, text: &str) -> Beside {
    Beside {
        path: path.to_owned(),
        bytes: text.as_bytes().to_vec(),
    }
}

/// The context as a stream, so that its size does not matter.
pub(super) fn packed(sent: Sent) -> impl Stream<Item = io::Result<Bytes>> {
    const PIECE: usize = 256 * 1024;
    let (pieces, received) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let to = BufWriter::with_capacity(PIECE, Pieces(pieces.clone()));
        if let Err(error) = context::pack(&sent.files, sent.folder, &sent.beside, to) {
            let _ = pieces.blocking_send(Err(error));
        }
    });
    stream::unfold(received, |mut received| async move {
        let piece = received.recv().await?;
        Some((piece, received))
    })
}

struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
