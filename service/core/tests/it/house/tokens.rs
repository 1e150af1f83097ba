//! Rust as words: without comments, literals, attributes and what is only there for tests.

/// A name, `::` or one sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub text: String,
    /// From 1.
    pub line: usize,
}

impl Token {
    pub fn is_name(&self) -> bool {
        self.text.starts_with(is_start)
    }
}

fn is_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The tokens of a file that are in every build; none when the file says of itself that it is a test.
pub fn tokens(source: &str) -> Vec<Token> {
    without_attributes(words(source)).unwrap_or_default()
}

fn words(source: &str) -> Vec<Token> {
    let mut reader = Reader { rest: source, line: 1 };
    let mut found = Vec::new();
    while let Some(first) = reader.rest.chars().next() {
        let (rest, line) = (reader.rest, reader.line);
        if rest.starts_with("//") {
            reader.take_until("\n");
        } else if rest.starts_with("/*") {
            reader.take_comment();
        } else if let Some(raw) = raw_string(rest) {
            reader.take(raw.start);
            reader.take_until(&raw.end);
        } else if first == '"' {
            reader.take_quoted('"');
        } else if first == '\'' {
            reader.take_char_or_lifetime();
        } else if is_part(first) {
            let text = reader.take(rest.find(|c| !is_part(c)).unwrap_or(rest.len()));
            found.push((text, line));
        } else if rest.starts_with("::") {
            found.push((reader.take(2), line));
        } else {
            let text = reader.take(first.len_utf8());
            found.extend((!first.is_whitespace()).then_some((text, line)));
        }
    }
    let token = |(text, line): (&str, usize)| Token {
        text: text.to_owned(),
        line,
    };
    found.into_iter().map(token).collect()
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn take_until(&mut self, end: &str) {
        let bytes = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len());
        self.take(bytes);
    }

    /// Comments nest.
    fn take_comment(&mut self) {
        let mut depth = 0;
        while !self.rest.is_empty() {
            let step = if self.rest.starts_with("/*") {
                depth += 1;
                2
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                2
            } else {
                self.rest.chars().next().map_or(0, char::len_utf8)
            };
            self.take(step);
            if depth == 0 {
                return;
            }
        }
    }

    fn take_quoted(&mut self, quote: char) {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        self.take(end.map_or(self.rest.len(), |(at, _)| at + 1));
    }

    fn take_char_or_lifetime(&mut self) {
        let mut next = self.rest.chars().skip(1);
        match (next.next(), next.next()) {
            (Some('\\'), _) | (_, Some('\'')) => self.take_quoted('\''),
            _ => {
                let name = self.rest[1..].find(|c| !is_part(c));
                self.take(name.map_or(self.rest.len(), |at| at + 1));
            }
        }
    }
}

struct Raw {
    /// Bytes up to and with the opening quote.
    start: usize,
    end: String,
}

/// `r"`, `br##"` and their like.
fn raw_string(rest: &str) -> Option<Raw> {
    let prefix = ["br", "cr", "r"].into_iter().find(|prefix| rest.starts_with(prefix))?;
    let hashes = rest[prefix.len()..].chars().take_while(|c| *c == '#').count();
    let start = prefix.len() + hashes + 1;
    (rest.get(start - 1..start) == Some("\"")).then(|| Raw {
        start,
        end: format!("\"{}", "#".repeat(hashes)),
    })
}

/// Takes attributes away, and the items of `#[cfg(test)]` with them; `None` for a file of `#![cfg(test)]`.
fn without_attributes(words: Vec<Token>) -> Option<Vec<Token>> {
    let is = |at: usize, text: &str| words.get(at).is_some_and(|word| word.text == text);
    let mut kept = Vec::with_capacity(words.len());
    let (mut at, mut only_test) = (0, false);
    while at < words.len() {
        let inner = is(at + 1, "!");
        let open = at + 1 + usize::from(inner);
        if is(at, "#") && is(open, "[") {
            let end = closing(&words, open);
            let test = (is(open + 1, "cfg") && is(open + 3, "test") && is(open + 4, ")"))
                || (is(open + 1, "cfg") && is(open + 3, "all") && is(open + 5, "test"));
            if test && inner {
                return None;
            }
            only_test |= test;
            at = end + 1;
        } else if only_test {
            at = end_of_item(&words, at) + 1;
            only_test = false;
        } else {
            kept.push(words[at].clone());
            at += 1;
        }
    }
    Some(kept)
}

/// Where the bracket closes that opens at `open`.
pub fn closing(words: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, word) in words.iter().enumerate().skip(open) {
        match word.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    words.len()
}

/// The `;` or the closing brace of the item that begins at `at`.
fn end_of_item(words: &[Token], mut at: usize) -> usize {
    while at < words.len() {
        match words[at].text.as_str() {
            ";" => return at,
            "{" => return closing(words, at),
            "(" | "[" => at = closing(words, at) + 1,
            _ => at += 1,
        }
    }
    at
}
