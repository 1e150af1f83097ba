//! What a program says: from the cluster while it runs, and all of it from the bucket when it has ended.

use super::cluster::{Cluster, status};
use super::freight::told;
use super::manifest::STEP;
use crate::contract::{ExecutorError, Listener, LogChunk, LogMark};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::io::AsyncReadExt as _;
use kube::api::LogParams;
use trainyard_sources::Exchange;
use trainyard_stage::LIVE;

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;
/// What a cluster answers in place of a log, as if it were one.
const NO_LOG: &[u8] = b"unable to retrieve container logs for ";

fn offset(mark: LogMark) -> u64 {
    match mark {
        LogMark::Bytes(offset) => offset,
        LogMark::Start | LogMark::Entries { .. } => 0,
    }
}

/// Hands on bytes that stand at this place; `None` if nobody listens any more.
async fn hand_on(listener: &Listener, bytes: Bytes, at: &mut u64) -> Option<()> {
    *at += bytes.len() as u64;
    let mark = Some(LogMark::Bytes(*at));
    listener.send(Ok(LogChunk { bytes, mark })).await.ok()
}

/// From the bucket: all that comes after the mark.
pub(super) async fn whole(
    exchange: Exchange,
    name: String,
    bytes: u64,
    from: LogMark,
    listener: Listener,
) -> Result<(), ExecutorError> {
    let mut at = offset(from);
    if at >= bytes {
        return Ok(());
    }
    let Some(mut found) = exchange.read(&name, at).await.map_err(told)? else {
        let missing =
            Bytes::from_static(b"[trainyard] the rest of this log is gone: somebody removed it from the bucket\n");
        let _ = listener
            .send(Ok(LogChunk {
                bytes: missing,
                mark: None,
            }))
            .await;
        return Ok(());
    };
    while let Some(piece) = found.next().await {
        let piece = piece.map_err(|error| ExecutorError::Unreachable {
            what: "the object store".to_owned(),
            hint: "it broke off while a log was read".to_owned(),
            source: Some(error.into()),
        })?;
        if hand_on(&listener, piece, &mut at).await.is_none() {
            return Ok(());
        }
    }
    Ok(())
}

/// From the cluster, whose answer begins with the beginning: what is known of it is left out, and so is all that comes
/// after what its node is sure to keep.
pub(super) async fn live(
    cluster: &Cluster,
    pod: &str,
    from: LogMark,
    follow: bool,
    listener: Listener,
) -> Result<(), ExecutorError> {
    let known = offset(from);
    let params = LogParams {
        container: Some(STEP.to_owned()),
        follow,
        ..LogParams::default()
    };
    let stream = match cluster.pods().await?.log_stream(pod, &params).await {
        Ok(stream) => stream,
        // Not there yet, or not any more.
        Err(error) if matches!(status(&error), Some(400 | 404)) => return Ok(()),
        Err(error) => return Err(cluster.failed("tell a log", error)),
    };
    let mut stream = std::pin::pin!(stream);
    let (mut seen, mut at) = (0, known);
    let mut buffer = vec![0; PIECE];
    while seen < LIVE {
        let read = stream
            .read(&mut buffer)
            .await
            .map_err(|error| ExecutorError::Unreachable {
                what: "Kubernetes".to_owned(),
                hint: "it broke off while a log was read".to_owned(),
                source: Some(error.into()),
            })?;
        if read == 0 || (seen == 0 && buffer[..read].starts_with(NO_LOG)) {
            return Ok(());
        }
        let room = usize::try_from(LIVE - seen).unwrap_or(usize::MAX);
        let skip = usize::try_from(known.saturating_sub(seen))
            .unwrap_or(usize::MAX)
            .min(read);
        let (first, end) = (skip, read.min(room));
        seen += read as u64;
        if first < end
            && hand_on(&listener, Bytes::copy_from_slice(&buffer[first..end]), &mut at)
                .await
                .is_none()
        {
            return Ok(());
        }
    }
    Ok(())
}
