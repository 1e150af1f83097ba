//! What bytes are that are no table of text, told by how they begin.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes that tell enough.
pub const HEAD_BYTES: usize = 4096;

/// The byte order mark of UTF-8, which is no part of the first column's name.
pub const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file that is no text with separators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Compressed, and by what.
    Compressed(&'static str),
    /// An archive, which may be one of files.
    Zip,
    /// A workbook, old or new.
    Excel,
    /// Text in an encoding of two or four bytes a letter.
    Wide(&'static str),
    /// A page or an error message of a web server.
    Html,
    /// The program of a page.
    Page,
    /// XML.
    Xml,
    /// JSON, or JSON lines.
    Json,
    /// A table in another format.
    Format(&'static str),
    /// What git keeps in place of a large file.
    LfsPointer,
    /// What DVC keeps in place of one.
    DvcPointer,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compressed(by) => write!(f, "it is compressed with {by}: unpack it first"),
            Self::Zip => f.write_str("it is a ZIP archive: unpack it first"),
            Self::Excel => f.write_str("it is an Excel workbook: save the sheet as CSV (UTF-8)"),
            Self::Wide(encoding) => write!(
                f,
                "it is {encoding} text: save it as UTF-8, for example with iconv -f {encoding} -t UTF-8"
            ),
            Self::Html => f.write_str(
                "it is an HTML page and no table: look at where it was downloaded from, often it is an error message or a login",
            ),
            Self::Xml => f.write_str("it is XML and no table: look at where it was downloaded from, or convert it to CSV or Parquet"),
            Self::Json => f.write_str("it is JSON and no table: convert it to CSV or Parquet"),
            Self::Format(name) => write!(f, "it is {name}: convert it to CSV or Parquet"),
            Self::Page => f.write_str("it is the program of a web page and no table: look at where it was downloaded from"),
            Self::DvcPointer => f.write_str("it is a pointer of DVC and not the file itself: bring the file with dvc pull"),
            Self::LfsPointer => {
                f.write_str("it is a pointer of Git LFS and not the file itself: bring the file with git lfs pull")
            }
        }
    }
}

impl std::error::Error for Foreign {}

/// Whether a file that is no UTF-8 text has what text in no encoding has: control characters.
pub fn binary(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_BYTES as u64).read_to_end(&mut head));
    // 0x1B switches alphabets in ISO-2022, and 0x01 and 0x1C to 0x1F separate.
    let control = |byte: &u8| matches!(byte, 0 | 2..=8 | 0x0e..=0x1a | 0x7f);
    read.is_ok() && head.iter().any(control)
}

/// First bytes, and what they are the first bytes of.
const MAGIC: [(&[u8], Foreign); 23] = [
    (b"\x1f\x8b", Foreign::Compressed("gzip")),
    (b"\x28\xb5\x2f\xfd", Foreign::Compressed("zstd")),
    (b"BZh", Foreign::Compressed("bzip2")),
    (b"\xfd7zXZ\0", Foreign::Compressed("xz")),
    (b"\x04\x22\x4d\x18", Foreign::Compressed("lz4")),
    (b"7z\xbc\xaf\x27\x1c", Foreign::Compressed("7-Zip")),
    (b"Rar!\x1a\x07", Foreign::Compressed("RAR")),
    (b"\xd0\xcf\x11\xe0", Foreign::Excel),
    (b"\xff\xfe\0\0", Foreign::Wide("UTF-32LE")),
    (b"\0\0\xfe\xff", Foreign::Wide("UTF-32BE")),
    (b"\xff\xfe", Foreign::Wide("UTF-16LE")),
    (b"\xfe\xff", Foreign::Wide("UTF-16BE")),
    (b"%PDF", Foreign::Format("a PDF document")),
    (b"ORC", Foreign::Format("an ORC file")),
    (b"Obj\x01", Foreign::Format("an Avro file")),
    (b"ARROW1", Foreign::Format("an Arrow file")),
    (b"FEA1", Foreign::Format("a Feather file")),
    (b"SQLite format 3\0", Foreign::Format("an SQLite database")),
    (b"\x89HDF\r\n", Foreign::Format("an HDF5 file")),
    (b"version https://git-lfs.github.com/spec/", Foreign::LfsPointer),
    (b"version https://hawser.github.com/spec/", Foreign::LfsPointer),
    (b"{\\rtf", Foreign::Format("an RTF document")),
    (b"%!PS", Foreign::Format("a PostScript document")),
];

/// What a file is that begins so; `None` of what may be a table of text.
pub fn foreign(head: &[u8]) -> Option<Foreign> {
    if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        // A header may begin with these letters.
        let word = matches!(found, Foreign::Format("an ORC file") | Foreign::Compressed("bzip2"));
        if !word || head.iter().take(64).any(|byte| *byte < 9) {
            return Some(*found);
        }
    }
    if head.starts_with(b"PK\x03\x04") {
        let workbook = [&b"[Content_Types].xml"[..], b"xl/"];
        let inside = |name: &[u8]| head.windows(name.len()).any(|part| part == name);
        return Some(match workbook.into_iter().any(inside) {
            true => Foreign::Excel,
            false => Foreign::Zip,
        });
    }
    wide(head).or_else(|| markup(head.strip_prefix(UTF_8_MARK).unwrap_or(head)))
}

/// Text of two or four bytes a letter without a byte order mark: every second byte or more is 0.
fn wide(head: &[u8]) -> Option<Foreign> {
    let zeros = |every: usize, place: usize| {
        let bytes: Vec<u8> = head.iter().skip(place).step_by(every).copied().collect();
        let zeros = bytes.iter().filter(|byte| **byte == 0).count();
        !bytes.is_empty() && zeros * 10 >= bytes.len() * 6
    };
    if head.len() < 4 || !head.contains(&0) {
        return None;
    }
    match [zeros(4, 0), zeros(4, 1), zeros(4, 2), zeros(4, 3)] {
        [false, true, true, true] => Some(Foreign::Wide("UTF-32LE")),
        [true, true, true, false] => Some(Foreign::Wide("UTF-32BE")),
        [false, true, false, true] => Some(Foreign::Wide("UTF-16LE")),
        [true, false, true, false] => Some(Foreign::Wide("UTF-16BE")),
        _ => None,
    }
}

/// Tables that say what they are in their first line that is no comment.
fn described(text: &[u8]) -> Option<Foreign> {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().next()?.to_ascii_lowercase();
    if ["outs:", "deps:", "md5:", "wdir:"]
        .into_iter()
        .any(|key| first.starts_with(key))
        && text.contains("md5:")
    {
        return Some(Foreign::DvcPointer);
    }
    let stated = lines.clone().find(|line| !line.starts_with('%'))?.to_ascii_lowercase();
    if stated.starts_with("@relation") || stated.starts_with("@attribute") {
        return Some(Foreign::Format("an ARFF file"));
    }
    // The last line may be cut off.
    let whole = lines
        .clone()
        .count()
        .saturating_sub(usize::from(text.len() >= HEAD_BYTES))
        .max(1);
    lines
        .by_ref()
        .take(whole)
        .all(is_libsvm)
        .then_some(Foreign::Format("a libsvm file"))
}

/// `1 3:0.5 7:1`: a label, and places with values.
fn is_libsvm(line: &str) -> bool {
    let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
    let label = words
        .next()
        .is_some_and(|label| label.split(',').all(|label| label.parse::<f64>().is_ok()));
    let pair = |word: &str| {
        let (place, value) = word.split_once(':')?;
        let place = place == "qid" || place.parse::<u64>().is_ok();
        (place && value.parse::<f64>().is_ok()).then_some(())
    };
    let pairs: Vec<&str> = words.collect();
    label && !pairs.is_empty() && pairs.into_iter().all(|word| pair(word).is_some())
}

fn markup(head: &[u8]) -> Option<Foreign> {
    let text = head.trim_ascii_start();
    let starts = |word: &str| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    if starts("version https://git-lfs") {
        return Some(Foreign::LfsPointer);
    }
    if let Some(found) = described(text) {
        return Some(found);
    }
    if starts("<%") || starts("<?php") || starts("<?=") {
        return Some(Foreign::Page);
    }
    if starts("<?xml") {
        return Some(Foreign::Xml);
    }
    if ["<!doctype html", "<html", "<head", "<body", "<script", "<title", "<!--"]
        .into_iter()
        .any(starts)
    {
        return Some(Foreign::Html);
    }
    let next = text.get(1..).unwrap_or_default().trim_ascii_start().first().copied();
    match (text.first(), next) {
        (Some(b'<'), Some(byte)) if byte.is_ascii_alphabetic() || byte == b'!' => Some(Foreign::Xml),
        (Some(b'{'), Some(b'"' | b'}')) => Some(Foreign::Json),
        (Some(b'['), Some(b'{' | b'[' | b'"' | b']')) => Some(Foreign::Json),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_table_is_known_by_its_first_bytes() {
        let utf_16: Vec<u8> = "flight,origin\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf_16_big: Vec<u8> = "flight,origin\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let utf_32: Vec<u8> = "flight".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let cases: [(&[u8], &str); 24] = [
            (
                b"<%@ page language=\"java\" %>\n",
                "it is the program of a web page and no table: look at where it was downloaded from",
            ),
            (
                b"outs:\n- md5: 1f\n  path: a.csv\n",
                "it is a pointer of DVC and not the file itself: bring the file with dvc pull",
            ),
            (
                b"% iris\n@RELATION iris\n",
                "it is an ARFF file: convert it to CSV or Parquet",
            ),
            (
                b"1 3:0.5 7:1\n-1 2:1\n",
                "it is a libsvm file: convert it to CSV or Parquet",
            ),
            (b"\x1f\x8b\x08\0", "it is compressed with gzip: unpack it first"),
            (b"PK\x03\x04....2013-01.csv", "it is a ZIP archive: unpack it first"),
            (
                b"PK\x03\x04....[Content_Types].xml",
                "it is an Excel workbook: save the sheet as CSV (UTF-8)",
            ),
            (
                b"\xff\xfea\0,\0",
                "it is UTF-16LE text: save it as UTF-8, for example with iconv -f UTF-16LE -t UTF-8",
            ),
            (
                b"\xfe\xff\0a\0,",
                "it is UTF-16BE text: save it as UTF-8, for example with iconv -f UTF-16BE -t UTF-8",
            ),
            (
                b"\xff\xfe\0\0a\0\0\0",
                "it is UTF-32LE text: save it as UTF-8, for example with iconv -f UTF-32LE -t UTF-8",
            ),
            (
                &utf_16,
                "it is UTF-16LE text: save it as UTF-8, for example with iconv -f UTF-16LE -t UTF-8",
            ),
            (
                &utf_16_big,
                "it is UTF-16BE text: save it as UTF-8, for example with iconv -f UTF-16BE -t UTF-8",
            ),
            (
                &utf_32,
                "it is UTF-32LE text: save it as UTF-8, for example with iconv -f UTF-32LE -t UTF-8",
            ),
            (
                b"\xef\xbb\xbf\n <!DOCTYPE HTML><html>",
                "it is an HTML page and no table: look at where it was downloaded from, often it is an error message or a login",
            ),
            (
                b"<?xml version='1.0'?><Error/>",
                "it is XML and no table: look at where it was downloaded from, or convert it to CSV or Parquet",
            ),
            (
                b"<Error><Code>NoSuchKey</Code>",
                "it is XML and no table: look at where it was downloaded from, or convert it to CSV or Parquet",
            ),
            (
                b"{\"a\": 1}\n{\"a\": 2}\n",
                "it is JSON and no table: convert it to CSV or Parquet",
            ),
            (
                b"[ {\"a\": 1}]",
                "it is JSON and no table: convert it to CSV or Parquet",
            ),
            (
                b"version https://git-lfs.github.com/spec/v1\noid",
                "it is a pointer of Git LFS and not the file itself: bring the file with git lfs pull",
            ),
            (b"ORC\x01\x02", "it is an ORC file: convert it to CSV or Parquet"),
            (b"ORC,size\n1,2\n", ""),
            (b"[id],[name]\n1,2\n", ""),
            (b"flight,origin\n1,EWR\n", ""),
            (b"", ""),
        ];
        for (head, said) in cases {
            assert_eq!(foreign(head).map(|found| found.to_string()).unwrap_or_default(), said);
        }
    }
}
