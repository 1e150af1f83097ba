//! One request to build or to pull, and its answer line by line.
//!
//! bollard can neither ask for more than 2 GiB of memory nor read what BuildKit answers, and writes logins of registries
//! in an alphabet that engines do not read.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderName};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::fmt::Write;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;

/// Bytes of a line of an answer, or of a whole refusal.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// Why there is no answer, or no more of it.
#[derive(Debug)]
pub(super) enum PostError {
    /// Nobody is there, or the connection broke off.
    BrokeOff(Box<dyn std::error::Error + Send + Sync>),
    /// The engine refuses.
    Status {
        /// 400 is a Dockerfile that cannot be read.
        code: u16,
        /// What it said.
        message: String,
    },
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for PostError {
    fn from(error: E) -> Self {
        Self::BrokeOff(error.into())
    }
}

/// What the engine answers while it works. The work ends with it.
pub(super) struct Answer {
    body: Incoming,
    read: BytesMut,
    connection: JoinHandle<()>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

async fn connect(host: &str) -> io::Result<Box<dyn Socket>> {
    if let Some(path) = host.strip_prefix("unix://") {
        return Ok(Box::new(UnixStream::connect(path).await?));
    }
    let address = host.split_once("://").map_or(host, |(_, address)| address);
    Ok(Box::new(TcpStream::connect(address.trim_end_matches('/')).await?))
}

/// Asks the engine at `host` to build what `context` packs.
pub(super) async fn post(
    host: &str,
    query: &[(&str, String)],
    context: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Result<Answer, PostError> {
    let path = format!("/build?{}", encoded(query));
    ask(host, &path, (header::CONTENT_TYPE, "application/x-tar"), context).await
}

/// Asks the engine at `host` to pull an image, with the login of its registry.
pub(super) async fn pull(host: &str, reference: &str, tag: &str, login: Option<&str>) -> Result<Answer, PostError> {
    let query = [("fromImage", reference.to_owned()), ("tag", tag.to_owned())];
    let path = format!("/images/create?{}", encoded(&query));
    // `{}`, as Docker's client says that nobody logged in.
    let login = (HeaderName::from_static("x-registry-auth"), login.unwrap_or("e30="));
    ask(host, &path, login, futures_util::stream::empty()).await
}

/// Asks the engine at `host` to push an image, with the login of its registry.
pub(super) async fn push(host: &str, repository: &str, tag: &str, login: Option<&str>) -> Result<Answer, PostError> {
    let path = format!("/images/{repository}/push?{}", encoded(&[("tag", tag.to_owned())]));
    let login = (HeaderName::from_static("x-registry-auth"), login.unwrap_or("e30="));
    ask(host, &path, login, futures_util::stream::empty()).await
}

async fn ask(
    host: &str,
    path: &str,
    (name, value): (HeaderName, &str),
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Result<Answer, PostError> {
    let body = StreamBody::new(body.map_ok(Frame::data).boxed());
    let (mut sender, connection) = http1::handshake(TokioIo::new(connect(host).await?)).await?;
    let connection = tokio::spawn(async move {
        let _ = connection.await;
    });
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, "docker")
        .header(name, value)
        .body(body)?;
    let answered = sender.send_request(request).await?;
    let code = answered.status();
    let mut answer = Answer {
        body: answered.into_body(),
        read: BytesMut::new(),
        connection,
    };
    if code.is_success() {
        return Ok(answer);
    }
    while answer.read.len() < LONGEST_LINE && answer.more().await? {}
    let told = serde_json::from_slice::<serde_json::Value>(&answer.read).ok();
    let told = told.and_then(|told| Some(told.get("message")?.as_str()?.trim().to_owned()));
    Err(PostError::Status {
        code: code.as_u16(),
        message: told.unwrap_or_else(|| String::from_utf8_lossy(&answer.read).trim().to_owned()),
    })
}

impl Answer {
    /// The next line; `None` at the end.
    pub(super) async fn line(&mut self) -> Result<Option<BytesMut>, PostError> {
        let mut looked = 0;
        loop {
            if let Some(end) = self.read[looked..].iter().position(|byte| *byte == b'\n') {
                return Ok(Some(self.read.split_to(looked + end + 1)));
            }
            looked = self.read.len();
            if looked > LONGEST_LINE {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "an endless line").into());
            }
            if !self.more().await? {
                let rest = self.read.split();
                return Ok(Some(rest).filter(|rest| !rest.is_empty()));
            }
        }
    }

    async fn more(&mut self) -> Result<bool, PostError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame?.into_data() {
                self.read.extend_from_slice(&data);
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// `name=value&…`, all but letters and digits as `%XX`.
fn encoded(query: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in query {
        let _ = write!(text, "{}{name}=", if text.is_empty() { "" } else { "&" });
        for byte in value.bytes() {
            let _ = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => write!(text, "{}", byte as char),
                other => write!(text, "%{other:02X}"),
            };
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded() {
        let query = [("t", "a/b:1".to_owned()), ("buildargs", r#"{"A":"é &"}"#.to_owned())];
        assert_eq!(
            encoded(&query),
            "t=a%2Fb%3A1&buildargs=%7B%22A%22%3A%22%C3%A9%20%26%22%7D"
        );
    }

    #[tokio::test]
    async fn a_pull_has_the_login_of_its_registry() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let engine = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("tcp://{}", engine.local_addr().unwrap());
        let answering = tokio::spawn(async move {
            let (mut client, _) = engine.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.windows(5).any(|end| end == b"0\r\n\r\n") {
                assert_ne!(client.read_buf(&mut head).await.unwrap(), 0);
            }
            let said = "{\"status\":\"Pulling\"}\n{\"errorDetail\":{\"message\":\"no\"}}\n";
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{said}", said.len());
            client.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(head).unwrap()
        });
        let mut answer = pull(&host, "acme.io/base", "1", Some("bG9naW4=")).await.unwrap();
        let mut lines = 0;
        while answer.line().await.unwrap().is_some() {
            lines += 1;
        }
        assert_eq!(lines, 2);
        let head = answering.await.unwrap();
        assert!(
            head.starts_with("POST /images/create?fromImage=acme.io%2Fbase&tag=1 HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(head.contains("\r\nx-registry-auth: bG9naW4=\r\n"), "{head}");
    }
}
