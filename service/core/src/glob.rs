//! Globs of branches and paths: `*`, `?` and `[a-z]` stop at `/`, `**` does not.

/// Whether a list of globs lets `text` through. The last glob that matches decides; one that begins
/// with `!` excludes. A list of nothing but exclusions lets everything else through.
pub(crate) fn list_matches(globs: &[String], text: &str) -> bool {
    let mut through = globs.iter().all(|glob| glob.starts_with('!'));
    for glob in globs {
        match glob.strip_prefix('!') {
            Some(excluded) if matches(excluded, text) => through = false,
            None if matches(glob, text) => through = true,
            _ => {}
        }
    }
    through
}

/// Whether the whole of `text` matches. The time is the product of both lengths, whatever the glob.
pub fn matches(glob: &str, text: &str) -> bool {
    let (tokens, text) = (tokens(glob), text.chars().collect::<Vec<char>>());
    // reached[i]: the tokens so far can match the first i characters.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in tokens {
        let mut next = vec![false; text.len() + 1];
        match token {
            Token::Char(c) => (0..text.len()).for_each(|i| next[i + 1] = reached[i] && text[i] == c),
            Token::Class(class) => {
                (0..text.len()).for_each(|i| next[i + 1] = reached[i] && text[i] != '/' && class.has(text[i]));
            }
            Token::One => (0..text.len()).for_each(|i| next[i + 1] = reached[i] && text[i] != '/'),
            Token::Within => {
                for i in 0..=text.len() {
                    next[i] = reached[i] || (i > 0 && next[i - 1] && text[i - 1] != '/');
                }
            }
            Token::Across => {
                for i in 0..=text.len() {
                    next[i] = reached[i] || (i > 0 && next[i - 1]);
                }
            }
            Token::Folders => {
                let mut before = false;
                for i in 0..=text.len() {
                    next[i] = reached[i] || (before && text[i - 1] == '/');
                    before |= reached[i];
                }
            }
        }
        reached = next;
    }
    reached[text.len()]
}

enum Token {
    Char(char),
    /// `[abc]`, `[a-z]`, `[^a]`
    Class(Class),
    /// `?`
    One,
    /// `*`
    Within,
    /// `**`
    Across,
    /// `**/`: any number of whole folders, none included.
    Folders,
}

/// The characters between brackets.
struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    /// Reads a class at the beginning of `text`, and its length. A bracket that is not closed is a bracket.
    fn parse(text: &str) -> Option<(Self, usize)> {
        let inner = text.strip_prefix('[')?;
        let negated = inner.starts_with(['^', '!']);
        let start = 1 + usize::from(negated);
        // A closing bracket in the first place is one of the characters.
        let first = text[start..].chars().next()?.len_utf8();
        let end = start + first + text[start + first..].find(']')?;
        let mut characters = text[start..end].chars().peekable();
        let mut ranges = Vec::new();
        while let Some(from) = characters.next() {
            let dash = characters.next_if_eq(&'-').is_some();
            match characters.peek().copied().filter(|_| dash) {
                Some(to) => {
                    characters.next();
                    ranges.push((from, to));
                }
                None => {
                    ranges.push((from, from));
                    ranges.extend(dash.then_some(('-', '-')));
                }
            }
        }
        Some((Self { negated, ranges }, end + 1))
    }

    fn has(&self, c: char) -> bool {
        self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != self.negated
    }
}

fn tokens(glob: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = glob;
    while let Some(c) = rest.chars().next() {
        let (token, length) = match c {
            '*' if rest.starts_with("**/")
                && matches!(tokens.last(), None | Some(Token::Char('/') | Token::Folders)) =>
            {
                (Token::Folders, 3)
            }
            '*' if rest.starts_with("**") => (Token::Across, 2),
            '*' => (Token::Within, 1),
            '?' => (Token::One, 1),
            '[' => match Class::parse(rest) {
                Some((class, length)) => (Token::Class(class), length),
                None => (Token::Char('['), 1),
            },
            other => (Token::Char(other), other.len_utf8()),
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let cases = [
            ("main", "main", true),
            ("main", "maintenance", false),
            ("release/*", "release/1", true),
            ("release/*", "release/1/2", false),
            ("release/**", "release/1/2", true),
            ("release/**", "release", false),
            ("**", "a/b/c", true),
            ("*", "a/b", false),
            ("**/train.py", "train.py", true),
            ("**/train.py", "a/b/train.py", true),
            ("**/train.py", "a/retrain.py", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "a/xb", false),
            ("v?.?", "v1.2", true),
            ("v?", "v/", false),
            ("*.py", "train.py", true),
            ("ünï*", "ünïcode", true),
            ("*.py[co]", "a.pyc", true),
            ("*.py[co]", "a.py", false),
            ("v[0-9].[!0]", "v1.2", true),
            ("v[0-9].[^0]", "v1.0", false),
            ("[a-]", "-", true),
            ("[]a]", "]", true),
            ("a[b", "a[b", true),
            ("[^a]", "/", false),
            ("[é-ü]", "ö", true),
            ("[", "[", true),
            ("", "", true),
            ("", "a", false),
        ];
        for (glob, text, expected) in cases {
            assert_eq!(matches(glob, text), expected, "{glob} on {text}");
        }
    }

    #[test]
    fn the_last_match_decides() {
        let globs = ["pipelines/**", "!**/*.md", "pipelines/keep.md"].map(str::to_owned);
        assert!(list_matches(&globs, "pipelines/train.py"));
        assert!(!list_matches(&globs, "pipelines/README.md"));
        assert!(list_matches(&globs, "pipelines/keep.md"));
        assert!(!list_matches(&globs, "docs/train.py"));
        assert!(list_matches(&["!docs/**".to_owned()], "src/a"));
    }

    #[test]
    fn hostile_globs_are_quick() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(150)));
    }
}
