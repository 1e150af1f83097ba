//! Secrets that programs write into their logs by mistake, hidden before a line leaves for GitHub.

/// Beginnings of tokens whose issuers gave them one.
const TOKENS: [&str; 12] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "hf_",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "ASIA",
];
/// Names whose values are nobody else's business, before `=`.
const NAMES: [&str; 8] = [
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "access_key",
    "authorization",
];
/// And before `:`, where `token` is a word of parsers.
const HEADERS: [&str; 4] = ["password", "api_key", "api-key", "authorization"];
const HIDDEN: &str = "***";
/// Letters that a token has behind its beginning at least.
const SHORTEST: usize = 12;

/// A line without passwords in URLs, known kinds of tokens, and values of names such as `password`.
pub fn masked(line: &str) -> String {
    named_values(&tokens(&credentials(line)))
}

fn credentials(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\''))
            .unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(host) => {
                out.push_str(HIDDEN);
                rest = &after[host..];
            }
            None => rest = after,
        }
    }
    out + rest
}

fn tokens(line: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let secret = |beginning: &&str| word.starts_with(*beginning) && word.len() >= beginning.len() + SHORTEST;
        out.push_str(if TOKENS.iter().any(secret) { HIDDEN } else { word });
        let next = after.chars().next().map_or(0, char::len_utf8);
        out.push_str(&after[..next]);
        rest = &after[next..];
    }
    out
}

fn named_values(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let value_of = |name: &str, sign: char| {
        lower.match_indices(name).find_map(|(at, _)| {
            let behind = line[at + name.len()..].trim_start_matches(['"', '\'', ' ']);
            let value = behind.strip_prefix(sign)?.trim_start_matches(['"', '\'', ' ']);
            let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '&' | ',' | ';');
            // A header's value may have several words.
            let length = if sign == '=' {
                value.find(ends).unwrap_or(value.len())
            } else {
                value.len()
            };
            let word = &value[..length];
            // `tokens: 512` is a figure, and a hidden value stays as it is.
            let secret = length >= 4 && word.parse::<f64>().is_err() && !word.starts_with(HIDDEN);
            let start = line.len() - value.len();
            secret.then_some((start, start + length))
        })
    };
    let named = NAMES.iter().filter_map(|name| value_of(name, '='));
    let headers = HEADERS.iter().filter_map(|name| value_of(name, ':'));
    match named.chain(headers).min() {
        Some((start, end)) => format!("{}{HIDDEN}{}", &line[..start], named_values(&line[end..])),
        None => line.to_owned(),
    }
}
