//! Which lines of a comment are commands: those that readers see as its text, and neither code nor quotes.
//!
//! As GitHub's Markdown renders it (CommonMark 0.31). Where that would take a whole parser, a line is rather no command:
//! what is overlooked can be said again.

/// A command begins its line with this.
const NAME: &str = "/trainyard";
/// A command is no essay: characters of it that are looked at.
const MOST: usize = 1000;

/// Elements whose content is code or somebody else's words.
const HIDDEN: [&str; 6] = ["pre", "code", "script", "style", "textarea", "blockquote"];

/// The lines of a comment that are commands, in order.
pub fn commands(body: &str) -> Vec<String> {
    let mut reading = Reading::default();
    for line in body.lines() {
        reading.line(line.trim_end());
    }
    reading.end_paragraph();
    reading.found
}

/// Where in the text we are.
#[derive(Default)]
struct Reading<'a> {
    within: Within,
    /// The lines of the paragraph so far.
    paragraph: Vec<&'a str>,
    found: Vec<String>,
}

#[derive(Default)]
enum Within {
    #[default]
    Text,
    /// A paragraph of a quote goes on without its sign.
    Quote,
    /// Code between fences of so many of a sign.
    Fence(char, usize),
    /// An element, to its end.
    Element(&'static str),
    /// A comment of HTML; one that did not begin its line ends with its paragraph.
    Comment { block: bool },
}

impl<'a> Reading<'a> {
    fn line(&mut self, line: &'a str) {
        let text = line.trim_start_matches(' ');
        let indented = line.len() - text.len() > 3 || text.starts_with('\t');
        match self.within {
            Within::Fence(sign, count) => {
                let (found, rest) = run_of(text, sign);
                if found >= count && rest.is_empty() && !indented {
                    self.within = Within::Text;
                }
                return;
            }
            Within::Element(name) => {
                if closes(line, name) {
                    self.within = Within::Text;
                }
                return;
            }
            Within::Comment { block } => {
                if line.contains("-->") || line.is_empty() && !block {
                    self.within = Within::Text;
                    self.end_paragraph();
                }
                return;
            }
            Within::Text | Within::Quote => {}
        }
        if text.is_empty() {
            self.end_paragraph();
            self.within = Within::Text;
            return;
        }
        if indented {
            // Code, or the rest of a paragraph: no command in either.
            if !self.paragraph.is_empty() {
                self.paragraph.push(line);
            }
            return;
        }
        if text.starts_with('>') {
            self.end_paragraph();
            let said = text.trim_start_matches(['>', ' ']);
            let goes_on = !said.is_empty() && !said.starts_with(['#', '`', '~']);
            self.within = if goes_on { Within::Quote } else { Within::Text };
            return;
        }
        if let Some(fence) = fence(text) {
            self.end_paragraph();
            self.within = fence;
            return;
        }
        if let Some(name) = HIDDEN.into_iter().find(|name| opens(text, name)) {
            self.end_paragraph();
            self.within = match closes(text, name) {
                true => Within::Text,
                false => Within::Element(name),
            };
            return;
        }
        if let Some(at) = text.rfind("<!--")
            && !text[at..].contains("-->")
        {
            self.within = Within::Comment { block: at == 0 };
            // What stands before it is text.
            self.paragraph.push(line);
            return;
        }
        if matches!(self.within, Within::Quote) && !interrupts(text) {
            return;
        }
        self.within = Within::Text;
        self.paragraph.push(line);
    }

    /// Code may go over several lines of a paragraph, between equally many backticks.
    fn end_paragraph(&mut self) {
        let lines = std::mem::take(&mut self.paragraph);
        let spans = code_spans(&lines.join("\n"));
        let mut begin = 0;
        for line in lines {
            let in_code = spans.iter().any(|(from, to)| *from < begin && begin <= *to);
            if is_command(line) && !in_code {
                self.found.push(line.chars().take(MOST).collect());
            }
            begin += line.len() + 1;
        }
    }
}

fn is_command(line: &str) -> bool {
    let Some((name, rest)) = line.split_at_checked(NAME.len()) else {
        return false;
    };
    name.eq_ignore_ascii_case(NAME) && rest.chars().next().is_none_or(char::is_whitespace)
}

/// How many of `sign` a text begins with, and what follows.
fn run_of(text: &str, sign: char) -> (usize, &str) {
    let rest = text.trim_start_matches(sign);
    (text.len() - rest.len(), rest)
}

fn fence(text: &str) -> Option<Within> {
    ['`', '~'].into_iter().find_map(|sign| {
        let (count, rest) = run_of(text, sign);
        let opens = count >= 3 && (sign == '~' || !rest.contains('`'));
        opens.then_some(Within::Fence(sign, count))
    })
}

/// Whether a line begins with the tag of an element.
fn opens(text: &str, name: &str) -> bool {
    let Some(tag) = text.strip_prefix('<') else {
        return false;
    };
    let Some((found, rest)) = tag.split_at_checked(name.len()) else {
        return false;
    };
    found.eq_ignore_ascii_case(name) && rest.chars().next().is_none_or(|c| c == '>' || c.is_whitespace())
}

fn closes(line: &str, name: &str) -> bool {
    line.to_ascii_lowercase().contains(&format!("</{name}>"))
}

/// Whether a line begins something of its own, so that the quote before it is over.
fn interrupts(text: &str) -> bool {
    text.starts_with(['#', '-', '*', '+'])
}

/// The places of the first and last backtick of all code spans of a paragraph.
fn code_spans(text: &str) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut at = 0;
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let count = bytes[at..].iter().take_while(|byte| **byte == b'`').count();
        if count > 0 {
            let escaped = at > 0 && bytes[at - 1] == b'\\';
            runs.push((at, count, escaped));
        }
        at += count.max(1);
    }
    let mut spans = Vec::new();
    let mut next = 0;
    while let Some((from, count, escaped)) = runs.get(next) {
        let end = runs[next + 1..].iter().position(|(_, other, _)| other == count);
        match end.filter(|_| !escaped) {
            Some(further) => {
                let (to, ..) = runs[next + 1 + further];
                spans.push((*from, to + count - 1));
                next += further + 2;
            }
            None => next += 1,
        }
    }
    spans
}
