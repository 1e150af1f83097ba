//! The physical limit: the Docker API with nothing above the socket.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

/// One kept-alive connection.
pub struct Raw {
    stream: BufReader<UnixStream>,
}

impl Raw {
    /// Connects to the local engine.
    pub fn connect() -> Result<Self> {
        let path = std::env::var("DOCKER_HOST").unwrap_or_default();
        let path = path
            .strip_prefix("unix://")
            .unwrap_or("/var/run/docker.sock")
            .to_owned();
        let stream =
            UnixStream::connect(&path).with_context(|| format!("no Docker engine at {path}: run `make setup`"))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// The id of an image.
    pub fn image_id(&mut self, name: &str) -> Result<String> {
        let image = self.call("GET", &format!("/images/{name}/json"), None)?;
        Ok(image["Id"]
            .as_str()
            .with_context(|| format!("no image {name}: run `make setup`"))?
            .to_owned())
    }

    /// Create, start, wait, remove: what a step needs at least, isolated as a step is.
    pub fn run_to_end(&mut self, image: &str, name: &str) -> Result<()> {
        let body = json!({
            "Image": image, "Cmd": ["/bin/true"], "User": "10001:10001",
            "HostConfig": {
                "NetworkMode": "none", "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"],
                "ReadonlyRootfs": true, "Tmpfs": {"/tmp": ""}, "PidsLimit": 512, "Init": true,
            },
        });
        self.call("POST", &format!("/containers/create?name={name}"), Some(&body))?;
        self.call("POST", &format!("/containers/{name}/start"), None)?;
        let ended = self.call("POST", &format!("/containers/{name}/wait"), None)?;
        anyhow::ensure!(ended["StatusCode"] == 0, "/bin/true ended with {ended}");
        self.call("DELETE", &format!("/containers/{name}"), None)?;
        Ok(())
    }

    fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} /v1.41{path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let (status, text) = self.answer()?;
        if !(200..300).contains(&status) {
            bail!(
                "Docker answered {status} to {method} {path}: {}",
                String::from_utf8_lossy(&text)
            );
        }
        if text.is_empty() {
            Ok(Value::Null)
        } else {
            Ok(serde_json::from_slice(&text)?)
        }
    }

    fn answer(&mut self) -> Result<(u16, Vec<u8>)> {
        let status = self.line()?;
        let status = status
            .split_whitespace()
            .nth(1)
            .and_then(|code| code.parse().ok())
            .context("no status line")?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
        }
        let mut body = Vec::new();
        if chunked {
            loop {
                let size = usize::from_str_radix(self.line()?.trim(), 16)?;
                let mut chunk = vec![0; size];
                self.stream.read_exact(&mut chunk)?;
                body.extend(chunk);
                self.line()?;
                if size == 0 {
                    return Ok((status, body));
                }
            }
        }
        body.resize(length, 0);
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}
