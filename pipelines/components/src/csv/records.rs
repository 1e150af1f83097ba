//! Records of separated text (RFC 4180), as they stream by: strict about quotes, so that none joins rows unnoticed.

use std::io::{self, Read};

use super::content::UTF_8_MARK;

/// Bytes read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// A quoted value that is longer was never closed; so much of a file is in memory at most.
const QUOTED_BYTES: usize = 16 * 1024 * 1024;

/// Nor does a row without quotes have so much.
const PLAIN_BYTES: usize = 64 * 1024 * 1024;

/// Why a file is no sequence of records.
#[derive(Debug)]
pub enum Fault {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// A byte that no UTF-8 text has, at a place in the file.
    NotUtf8 { byte: u8, offset: u64 },
    /// The file ends within a letter.
    CutLetter,
    /// A zero byte, at a place in the file.
    Zero { offset: u64 },
    /// A quote that opens in this line and never closes.
    OpenQuote { line: u64 },
    /// A value without quotes that nobody wrote.
    LongValue { line: u64 },
    /// Text behind the quote that closes a value.
    BehindQuote { opened: u64, line: u64 },
}

/// One record: its values one behind the other.
#[derive(Debug, Default)]
pub struct Record {
    data: Vec<u8>,
    ends: Vec<usize>,
    /// Where it begins, from 1.
    pub line: u64,
    /// Whether a value has a line break.
    pub broken: bool,
}

impl Record {
    /// The number of values.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// A value, without its quotes.
    pub fn value(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.data[start..self.ends[place]]
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|place| self.value(place))
    }

    fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
        self.broken = false;
    }
}

/// The records of a text; lines without anything are none.
pub struct Records<R> {
    input: R,
    chunk: Vec<u8>,
    at: usize,
    /// Bytes of the file before the chunk.
    before: u64,
    /// Bytes of a letter that the next chunk completes.
    rest: Vec<u8>,
    separator: u8,
    /// Bytes that end a value without quotes.
    ends: [bool; 256],
    line: u64,
}

impl<R: Read> Records<R> {
    /// Of a text from its first byte; a byte order mark of UTF-8 is skipped.
    pub fn new(input: R, separator: u8) -> Self {
        let mut ends = [false; 256];
        for byte in [separator, b'\n', b'\r'] {
            ends[usize::from(byte)] = true;
        }
        Self {
            input,
            chunk: Vec::new(),
            at: 0,
            before: 0,
            rest: Vec::new(),
            separator,
            ends,
            line: 1,
        }
    }

    /// Reads a record in place of what is in `record`; `false` at the end.
    ///
    /// # Errors
    /// When the bytes are no UTF-8 text, or quotes are not as they must be.
    pub fn next(&mut self, record: &mut Record) -> Result<bool, Fault> {
        record.clear();
        loop {
            match self.peek()? {
                None => return Ok(false),
                Some(b'\n' | b'\r') => self.line_break()?,
                Some(_) => break,
            }
        }
        record.line = self.line;
        loop {
            match self.peek()? {
                Some(b'"') => self.quoted(record)?,
                _ => self.plain(&mut record.data)?,
            }
            record.ends.push(record.data.len());
            match self.peek()? {
                Some(byte) if byte == self.separator => self.at += 1,
                Some(_) => {
                    self.line_break()?;
                    return Ok(true);
                }
                None => return Ok(true),
            }
        }
    }

    fn plain(&mut self, data: &mut Vec<u8>) -> Result<(), Fault> {
        while self.peek()?.is_some() {
            let rest = &self.chunk[self.at..];
            let end = rest.iter().position(|byte| self.ends[usize::from(*byte)]);
            let value = &rest[..end.unwrap_or(rest.len())];
            data.extend_from_slice(value);
            self.at += value.len();
            if end.is_some() {
                break;
            }
            if data.len() > PLAIN_BYTES {
                return Err(Fault::LongValue { line: self.line });
            }
        }
        Ok(())
    }

    fn quoted(&mut self, record: &mut Record) -> Result<(), Fault> {
        let (opened, start) = (self.line, record.data.len());
        self.at += 1;
        loop {
            if self.peek()?.is_none() || record.data.len() - start > QUOTED_BYTES {
                return Err(Fault::OpenQuote { line: opened });
            }
            let rest = &self.chunk[self.at..];
            let special = rest.iter().position(|byte| matches!(byte, b'"' | b'\n' | b'\r'));
            let part = &rest[..special.unwrap_or(rest.len())];
            record.data.extend_from_slice(part);
            self.at += part.len();
            match self.peek()? {
                Some(b'"') => {
                    self.at += 1;
                    if self.peek()? != Some(b'"') {
                        break;
                    }
                    record.data.push(b'"');
                    self.at += 1;
                }
                Some(byte @ (b'\n' | b'\r')) => {
                    record.broken = true;
                    record.data.push(byte);
                    let line = self.line;
                    self.line_break()?;
                    // Two bytes were one break.
                    if byte == b'\r' && line + 1 == self.line && self.at > 0 && self.chunk[self.at - 1] == b'\n' {
                        record.data.push(b'\n');
                    }
                }
                _ => {}
            }
        }
        while let Some(byte @ (b' ' | b'\t')) = self.peek()?
            && byte != self.separator
        {
            self.at += 1;
        }
        match self.peek()? {
            None => Ok(()),
            Some(byte) if self.ends[usize::from(byte)] => Ok(()),
            Some(_) => Err(Fault::BehindQuote {
                opened,
                line: self.line,
            }),
        }
    }

    /// Skips one line break: LF, CR or both.
    fn line_break(&mut self) -> Result<(), Fault> {
        let first = self.peek()?;
        self.at += 1;
        if first == Some(b'\r') && self.peek()? == Some(b'\n') {
            self.at += 1;
        }
        self.line += 1;
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>, Fault> {
        if self.at == self.chunk.len() && !self.fill()? {
            return Ok(None);
        }
        Ok(Some(self.chunk[self.at]))
    }

    /// Reads the next chunk of whole letters; `false` at the end.
    fn fill(&mut self) -> Result<bool, Fault> {
        self.before += self.chunk.len() as u64;
        self.chunk.clear();
        self.chunk.append(&mut self.rest);
        self.at = 0;
        let more = self.input.by_ref().take(CHUNK_BYTES as u64);
        let read = { more }.read_to_end(&mut self.chunk).map_err(Fault::Unreadable)?;
        while self.before == 0 && self.chunk[self.at..].starts_with(UTF_8_MARK) {
            self.at += UTF_8_MARK.len();
        }
        if let Err(error) = std::str::from_utf8(&self.chunk) {
            let place = error.valid_up_to();
            if error.error_len().is_some() {
                return Err(Fault::NotUtf8 {
                    byte: self.chunk[place],
                    offset: self.before + place as u64,
                });
            }
            if read == 0 {
                return Err(Fault::CutLetter);
            }
            self.rest = self.chunk.split_off(place);
        }
        if let Some(place) = self.chunk.iter().position(|byte| *byte == 0) {
            return Err(Fault::Zero {
                offset: self.before + place as u64,
            });
        }
        if self.at == self.chunk.len() && read > 0 {
            return self.fill();
        }
        Ok(self.at < self.chunk.len())
    }
}

/// Line and byte of the line, both from 1, of a place in a text.
///
/// # Errors
/// When it cannot be read.
pub fn line_and_byte(text: impl Read, offset: u64) -> io::Result<(u64, u64)> {
    let (mut line, mut byte, mut before) = (1, 1, 0);
    let mut text = io::BufReader::with_capacity(CHUNK_BYTES, text.take(offset));
    loop {
        let chunk = io::BufRead::fill_buf(&mut text)?;
        if chunk.is_empty() {
            return Ok((line, byte));
        }
        let length = chunk.len();
        for this in chunk {
            match this {
                b'\n' if before == b'\r' => byte = 1,
                b'\n' | b'\r' => (line, byte) = (line + 1, 1),
                _ => byte += 1,
            }
            before = *this;
        }
        io::BufRead::consume(&mut text, length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Records as lists, or the fault; read in pieces of one size.
    fn read(text: &[u8], separator: u8) -> Result<Vec<(u64, Vec<String>)>, Fault> {
        let (mut records, mut record) = (Records::new(text, separator), Record::default());
        let mut read = Vec::new();
        while records.next(&mut record)? {
            let values = record.values().map(|value| String::from_utf8_lossy(value).into_owned());
            read.push((record.line, values.collect()));
        }
        Ok(read)
    }

    fn said(text: &str) -> String {
        match read(text.as_bytes(), b',') {
            Ok(read) => format!("{read:?}"),
            Err(fault) => format!("{fault:?}"),
        }
    }

    #[test]
    fn quotes_and_line_ends() {
        insta::assert_snapshot!(said("\u{feff}a,b\r\n1,\r\n\r\n,2"), @r#"[(1, ["a", "b"]), (2, ["1", ""]), (4, ["", "2"])]"#);
        insta::assert_snapshot!(said("a\r1\r2\r"), @r#"[(1, ["a"]), (2, ["1"]), (3, ["2"])]"#);
        insta::assert_snapshot!(said("\"a,b\",\"say \"\"yes\"\"\"\n\"\",\"x\" \n"), @r#"[(1, ["a,b", "say \"yes\""]), (2, ["", "x"])]"#);
        insta::assert_snapshot!(said("\"two\r\nlines\",1\n5\" pipe,2\n"), @r#"[(1, ["two\r\nlines", "1"]), (3, ["5\" pipe", "2"])]"#);
        insta::assert_snapshot!(said("a,\n"), @r#"[(1, ["a", ""])]"#);
        insta::assert_snapshot!(said("a,b\n1,\"x\n2,y\n"), @"OpenQuote { line: 2 }");
        insta::assert_snapshot!(said("a,b\n1,\"x\n2,\"y\"\n"), @"BehindQuote { opened: 2, line: 3 }");
        insta::assert_snapshot!(said("a,b\n\"x\\\"y\",1\n"), @"BehindQuote { opened: 2, line: 2 }");
        insta::assert_snapshot!(said("a\n\""), @"OpenQuote { line: 2 }");
        insta::assert_snapshot!(said(""), @"[]");
    }

    #[test]
    fn bytes_that_are_no_text() {
        assert!(matches!(
            read(b"a\nb\xe9c\n", b','),
            Err(Fault::NotUtf8 { byte: 0xe9, offset: 3 })
        ));
        assert!(matches!(read(b"a\nb\xc3", b','), Err(Fault::CutLetter)));
        assert!(matches!(read(b"a\n\0\n", b','), Err(Fault::Zero { offset: 2 })));
        assert_eq!(line_and_byte(&b"ab\r\ncd\re"[..], 8).unwrap(), (3, 2));
        assert_eq!(line_and_byte(&b"ab\r\ncd\re"[..], 5).unwrap(), (2, 2));
    }

    #[test]
    fn letters_that_chunks_cut_are_whole() {
        let line = "é".repeat(5) + ",x\n";
        let text = "a".to_owned() + &line.repeat(CHUNK_BYTES / 6);
        let read = read(text.as_bytes(), b',').unwrap();
        assert_eq!(read.len(), CHUNK_BYTES / 6);
        assert!(read.iter().skip(1).all(|(_, values)| values[0] == "ééééé"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in prop::collection::vec(prop::collection::vec("[a-c\",;\n\r é]{0,6}", 3), 0..9)) {
            let quoted = |value: &String| format!("\"{}\"", value.replace('"', "\"\""));
            let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(";") + "\n";
            let text: String = rows.iter().map(line).collect();
            let read: Vec<Vec<String>> = read(text.as_bytes(), b';').unwrap().into_iter().map(|(_, values)| values).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
