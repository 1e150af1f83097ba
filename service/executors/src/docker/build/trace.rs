//! What BuildKit tells of a build: `StatusResponse` of its control API, of which a few fields are read.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// One thing that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A vertex of the build graph, each time something about it changes.
    Vertex(Vertex),
    /// Output of a vertex, whole lines or pieces of such.
    Log {
        /// The vertex's digest.
        vertex: String,
        /// What it wrote.
        text: String,
    },
}

/// A vertex of the build graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Vertex {
    pub(super) digest: String,
    /// For example `[stage-0 2/4] RUN make`.
    pub(super) name: String,
    pub(super) cached: bool,
    pub(super) started: bool,
    /// Empty as long as all is well.
    pub(super) error: String,
}

/// Reads one message, base64 as it comes; what cannot be read is left out.
pub(super) fn read(message: &str) -> Vec<Told> {
    let bytes = BASE64_STANDARD.decode(message).unwrap_or_default();
    let told = fields(&bytes).filter_map(|(number, value)| match (number, value) {
        (1, Value::Bytes(bytes)) => Some(Told::Vertex(vertex(bytes))),
        (3, Value::Bytes(bytes)) => {
            let (mut vertex, mut text) = (String::new(), String::new());
            for (number, value) in fields(bytes) {
                match (number, value) {
                    (1, Value::Bytes(bytes)) => vertex = words(bytes),
                    (4, Value::Bytes(bytes)) => text = words(bytes),
                    _ => {}
                }
            }
            Some(Told::Log { vertex, text })
        }
        _ => None,
    });
    told.collect()
}

fn vertex(bytes: &[u8]) -> Vertex {
    let mut vertex = Vertex::default();
    for (number, value) in fields(bytes) {
        match (number, value) {
            (1, Value::Bytes(bytes)) => vertex.digest = words(bytes),
            (3, Value::Bytes(bytes)) => vertex.name = words(bytes),
            (4, Value::Number(number)) => vertex.cached = number != 0,
            (5, Value::Bytes(_)) => vertex.started = true,
            (7, Value::Bytes(bytes)) => vertex.error = words(bytes),
            _ => {}
        }
    }
    vertex
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A field's value on the wire of protocol buffers.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// The fields of a message, up to where it cannot be read any more.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        let key = number(&mut bytes)?;
        let value = match key & 7 {
            0 => Value::Number(number(&mut bytes)?),
            1 => {
                bytes = bytes.get(8..)?;
                Value::Fixed
            }
            2 => {
                let length = usize::try_from(number(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Value::Bytes(value)
            }
            5 => {
                bytes = bytes.get(4..)?;
                Value::Fixed
            }
            _ => return None,
        };
        Some((key >> 3, value))
    })
}

/// A varint.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As Docker 20.10 sent them.
    #[test]
    fn messages_of_an_engine_are_read() {
        let started = "Cm8KR3NoYTI1NjphOTA0OTZiZDFjNzM5MWQ0MjdlZjcxZjQyMjhlMTVhMWMzNzdiMGVlZDdmMjI5YjNiOTkzOTA4ZDE0OWJjNDJiGiRbaW50ZXJuYWxdIGxvYWQgcmVtb3RlIGJ1aWxkIGNvbnRleHQ=";
        let [Told::Vertex(vertex)] = &read(started)[..] else {
            panic!("{:?}", read(started))
        };
        assert_eq!(vertex.name, "[internal] load remote build context");
        assert!(!vertex.started && !vertex.cached && vertex.error.is_empty());
        let log = b"\x1a\x0d\x0a\x01d\x12\x00\x18\x01\x22\x04hi\n\xff";
        let told = Told::Log {
            vertex: "d".into(),
            text: "hi\n\u{fffd}".into(),
        };
        assert_eq!(read(&BASE64_STANDARD.encode(log)), [told]);
        assert_eq!(read("no base64"), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            read(&BASE64_STANDARD.encode(bytes));
        }
    }
}
