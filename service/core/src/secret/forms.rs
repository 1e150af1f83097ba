//! How a secret may stand in what a program says: as it is, and as programs write it down.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::BTreeSet;

/// A line of a secret is looked for by itself from this length on: what is shorter may be anything.
const SHORTEST_LINE: usize = 16;

/// Line ends are read over: `base64` and `fold` break what they write into lines.
pub(super) fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Every form of a secret, without line ends, which are read over.
pub(super) fn forms(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::from([secret.to_vec()]);
    forms.extend(secret.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.trim_ascii();
        (line.len() >= SHORTEST_LINE).then(|| line.to_vec())
    }));
    forms.extend([hex::encode(secret), hex::encode_upper(secret)].map(String::into_bytes));
    for offset in 0..3 {
        forms.extend(in_base64(secret, offset));
    }
    forms.extend(in_addresses(secret));
    if let Ok(text) = std::str::from_utf8(secret) {
        forms.extend(in_json(text));
    }
    let forms = forms.into_iter().map(|form| without_line_ends(&form));
    forms.filter(|form| !form.is_empty()).collect()
}

fn without_line_ends(form: &[u8]) -> Vec<u8> {
    form.iter().copied().filter(|byte| !is_line_end(*byte)).collect()
}

/// The characters that belong to the secret alone, `offset` bytes behind the beginning of a group of three.
fn in_base64(secret: &[u8], offset: usize) -> [Vec<u8>; 2] {
    let padded = [&[0; 3][..offset], secret].concat();
    // Six bits a character; those that share bits with a neighbour could be any.
    let (first, last) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
    [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)]
        .map(|text| text.as_bytes()[first.min(last)..last].to_vec())
}

/// With `%20` and the like, as several libraries do it.
fn in_addresses(secret: &[u8]) -> Vec<Vec<u8>> {
    let kept: [&[u8]; 4] = [b"-_.~", b"-_.~/", b"-_.~!'()*", b"-_.*"];
    let mut forms = Vec::new();
    for kept in kept {
        for (upper, plus) in [(true, false), (true, true), (false, false), (false, true)] {
            forms.push(percent(secret, upper, |byte| match byte {
                b' ' if plus => Some(b'+'),
                _ if byte.is_ascii_alphanumeric() || kept.contains(&byte) => Some(byte),
                _ => None,
            }));
        }
    }
    forms.extend([true, false].map(|upper| percent(secret, upper, |_| None)));
    forms
}

fn percent(secret: &[u8], upper: bool, plain: impl Fn(u8) -> Option<u8>) -> Vec<u8> {
    let mut form = Vec::with_capacity(secret.len());
    for byte in secret {
        match plain(*byte) {
            Some(byte) => form.push(byte),
            None if upper => form.extend(format!("%{byte:02X}").bytes()),
            None => form.extend(format!("%{byte:02x}").bytes()),
        }
    }
    form
}

/// In quotes, as JSON and most languages write text: other letters as they are or as `\u00e9`, and `/` as `\/` or not.
fn in_json(text: &str) -> Vec<Vec<u8>> {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = &quoted[1..quoted.len() - 1];
    let mut ascii = String::new();
    for c in inner.chars() {
        match c.is_ascii() {
            true => ascii.push(c),
            false => ascii.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    let forms = [inner.to_owned(), ascii];
    let slashed = forms.clone().map(|form| form.replace('/', "\\/"));
    // Python's repr writes a single quote so, and Go and PHP these.
    let marked = inner
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e");
    let single = inner.replace("\\\"", "\"").replace('\'', "\\'");
    let all = forms.into_iter().chain(slashed).chain([marked, single]);
    all.map(String::into_bytes).collect()
}
