//! A Dockerfile as its builders read it: directives, instructions over several lines, heredocs.

mod needs;
mod refused;
mod relocate;
mod stranger;

pub(crate) use needs::{Engine, Way, needs_buildkit, way};
pub(crate) use refused::refused;
pub(crate) use relocate::relocated;
pub(crate) use stranger::{marked, refused_of_stranger};

/// Some editors of Windows begin a file with it; it is no part of the first line.
const BYTE_ORDER_MARK: char = '\u{feff}';
/// Instructions that take heredocs.
const WITH_HEREDOCS: [&str; 3] = ["RUN", "COPY", "ADD"];
/// Comments at the top that direct whoever reads the file.
const DIRECTIVES: [&str; 2] = ["escape", "syntax"];

/// The text without a byte order mark.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// A Dockerfile, read.
pub(crate) struct Dockerfile {
    /// The image of the frontend that its `# syntax=` names.
    pub(crate) syntax: Option<String>,
    /// In the order of the file.
    pub(crate) instructions: Vec<Instruction>,
    /// What counts of the text, see [`Dockerfile::normalised`].
    normalised: Vec<String>,
}

/// One instruction, its lines joined.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// Where it begins, from 1.
    pub(crate) line: usize,
    /// How many lines it has, without heredocs.
    pub(crate) lines: usize,
    /// Whether it waits for the build of an image that starts from this one.
    pub(crate) is_later: bool,
    /// In capitals, of an `ONBUILD` what comes after it.
    pub(crate) keyword: String,
    /// `--name=value`, in order; without a value that is empty.
    pub(crate) flags: Vec<(String, String)>,
    /// What comes after the flags.
    pub(crate) rest: String,
    /// How many heredocs follow it.
    pub(crate) heredocs: usize,
}

impl Dockerfile {
    /// Reads any text; what makes no sense is left to the builder to say.
    pub(crate) fn read(text: &str) -> Self {
        let lines: Vec<&str> = without_mark(text).split('\n').collect();
        let (syntax, escape) = directives(&lines);
        let mut file = Self {
            syntax,
            instructions: Vec::new(),
            normalised: Vec::new(),
        };
        let mut at = 0;
        while at < lines.len() {
            let start = at;
            let Some(joined) = file.joined(&lines, &mut at, escape) else {
                continue;
            };
            let mut instruction = Instruction::read(start + 1, at - start, &joined);
            if WITH_HEREDOCS.contains(&instruction.keyword.as_str()) {
                for (end, indented) in heredocs(&instruction.rest) {
                    let is_end = |line: &&str| {
                        let line = line.trim_end_matches('\r');
                        end == if indented { line.trim_start_matches('\t') } else { line }
                    };
                    // Without an end it is only a word of a shell.
                    if let Some(length) = lines[at..].iter().position(is_end) {
                        // Every byte of it is content, `#` and empty lines included.
                        file.normalised
                            .extend(lines[at..=at + length].iter().map(|line| (*line).to_owned()));
                        at += length + 1;
                        instruction.heredocs += 1;
                    }
                }
            }
            file.instructions.push(instruction);
        }
        file
    }

    /// Takes the lines of one instruction. `None` if there was only a comment or an empty line.
    fn joined(&mut self, lines: &[&str], at: &mut usize, escape: char) -> Option<String> {
        let mut joined: Option<String> = None;
        while let Some(line) = lines.get(*at) {
            *at += 1;
            let line = line.trim_end();
            let start = line.trim_start();
            if start.is_empty() || start.starts_with('#') {
                if directive(start).is_some() {
                    self.normalised.push(line.to_owned());
                }
                // Between the lines of an instruction they count as little as elsewhere.
                joined.as_ref()?;
                continue;
            }
            self.normalised.push(line.to_owned());
            let joined = joined.get_or_insert_default();
            match line.strip_suffix(escape) {
                Some(before) => {
                    joined.push_str(before);
                    joined.push(' ');
                }
                None => {
                    joined.push_str(line);
                    break;
                }
            }
        }
        joined
    }

    /// The line of the instruction that a builder names, as it writes it: joined, and maybe without its flags.
    pub(crate) fn line_of(&self, step: &str) -> Option<usize> {
        let mut words = step.split_whitespace();
        let keyword = words.next()?.to_ascii_uppercase();
        let rest: Vec<&str> = words.skip_while(|word| word.starts_with("--")).collect();
        let mut same = self.instructions.iter().filter(|instruction| {
            instruction.keyword == keyword && instruction.rest.split_whitespace().eq(rest.iter().copied())
        });
        let found = same.next()?;
        // Of two that are the same nobody knows which was meant; the first one is right as often as the other.
        Some(found.line)
    }

    /// Without comments, empty lines and space at the ends of lines, where these do not count. Comments that
    /// direct the parser are kept.
    pub(crate) fn normalised(&self) -> String {
        self.normalised.join("\n")
    }
}

impl Instruction {
    fn read(line: usize, lines: usize, joined: &str) -> Self {
        let (mut keyword, mut rest) = first_word(joined);
        let is_later = keyword.eq_ignore_ascii_case("ONBUILD");
        if is_later {
            (keyword, rest) = first_word(rest);
        }
        let mut flags = Vec::new();
        loop {
            let (word, after) = first_word(rest);
            let Some(flag) = word.strip_prefix("--").filter(|flag| !flag.is_empty()) else {
                break;
            };
            let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
            flags.push((name.to_ascii_lowercase(), value.to_owned()));
            rest = after;
        }
        Self {
            line,
            lines,
            is_later,
            keyword: keyword.to_ascii_uppercase(),
            flags,
            rest: rest.to_owned(),
            heredocs: 0,
        }
    }

    /// The value of its first flag of this name.
    pub(crate) fn flag(&self, name: &str) -> Option<&str> {
        let mut flags = self.flags.iter();
        flags.find(|(flag, _)| flag == name).map(|(_, value)| value.as_str())
    }
}

/// The text without its `# syntax=`, its other lines where they were.
pub(crate) fn without_syntax(text: &str) -> String {
    let mut lines: Vec<&str> = without_mark(text).split('\n').collect();
    let top = lines.iter().take_while(|line| directive(line.trim()).is_some()).count();
    lines.insert(top, "");
    let is_syntax = |line: &&str| matches!(directive(line.trim()), Some(("syntax", _)));
    match lines[..top].iter().position(is_syntax) {
        Some(place) => lines.remove(place),
        None => lines.remove(top),
    };
    lines.join("\n")
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start())
}

/// The image of `# syntax=`, and the character that `# escape=` makes of the backslash. They count at the top only.
fn directives(lines: &[&str]) -> (Option<String>, char) {
    let (mut syntax, mut escape) = (None, '\\');
    for line in lines {
        // One that is not known ends them just as any comment does.
        match directive(line.trim()) {
            Some(("syntax", value)) => syntax = value.split_whitespace().next().map(str::to_owned),
            Some((_, value)) => escape = value.chars().next().unwrap_or(escape),
            None => break,
        }
    }
    (syntax, escape)
}

/// `# escape=x`: its name and value.
fn directive(line: &str) -> Option<(&'static str, &str)> {
    let (name, value) = line.strip_prefix('#')?.split_once('=')?;
    let mut known = DIRECTIVES.iter();
    let known = known.find(|known| name.trim().eq_ignore_ascii_case(known))?;
    Some((known, value.trim()))
}

/// The heredocs that these words open: the line that ends each, and whether tabs before it do not count.
fn heredocs(words: &str) -> Vec<(String, bool)> {
    let opened = |word: &String| {
        let rest = word
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .strip_prefix("<<")?;
        let (rest, indented) = rest.strip_prefix('-').map_or((rest, false), |rest| (rest, true));
        let name: String = rest.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')).collect();
        (!name.is_empty() && !rest.contains('<')).then_some((name, indented))
    };
    shell_words(words).iter().filter_map(opened).collect()
}

/// Words as a shell divides them, their quotes kept.
fn shell_words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut escaped) = (Vec::new(), String::new(), None, false);
    for c in text.chars() {
        if quote.is_none() && !escaped && c.is_whitespace() {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            continue;
        }
        match quote {
            _ if escaped => escaped = false,
            Some(open) if c == open => quote = None,
            Some('\'') => {}
            _ if c == '\\' => escaped = true,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => {}
        }
        word.push(c);
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Vec<(usize, String, usize)> {
        let read = Dockerfile::read(text).instructions;
        read.into_iter()
            .map(|instruction| (instruction.line, instruction.keyword, instruction.heredocs))
            .collect()
    }

    #[test]
    fn a_builder_s_words_have_their_line() {
        let file = Dockerfile::read(
            "# why\nfrom base\nRUN --mount=type=cache,target=/c one && \\\n  two\ncopy . /app\nRUN  make   all\n",
        );
        for (step, line) in [
            ("FROM base", Some(2)),
            ("RUN one &&   two", Some(3)),
            ("RUN --mount=type=cache,target=/c one && two", Some(3)),
            ("COPY . /app", Some(5)),
            ("RUN make all", Some(6)),
            ("RUN make", None),
            ("", None),
        ] {
            assert_eq!(file.line_of(step), line, "{step}");
        }
    }

    #[test]
    fn instructions_begin_where_they_begin() {
        let text = "\u{feff}# why\nfrom a\r\n\nRUN one \\\n  # two\n\n  three\nRUN --mount=type=cache,target=/c <<EOF <<-'TWO'\n# no comment\n\nEOF\n\t\tTWO\nONBUILD COPY <<\"a b\" /x\na b\nCMD x";
        let expected = [
            (2, "FROM", 0),
            (4, "RUN", 0),
            (8, "RUN", 2),
            (13, "COPY", 1),
            (15, "CMD", 0),
        ];
        assert_eq!(
            shape(text),
            expected.map(|(line, keyword, heredocs)| (line, keyword.to_owned(), heredocs))
        );
        let read = Dockerfile::read(text);
        assert_eq!(read.instructions[1].rest, "one    three");
        assert_eq!(read.instructions[2].flag("mount"), Some("type=cache,target=/c"));
    }

    #[test]
    fn what_a_shell_shifts_is_no_heredoc() {
        for words in [
            "echo $((1<<2))",
            "cat <<< text",
            "python -c '1 <<x'",
            "x << EOF",
            "[\"cat\", \"<<EOF\"]",
            "cat <<EOF",
        ] {
            assert_eq!(shape(&format!("RUN {words}\nCMD x")).len(), 2, "{words}");
        }
    }

    #[test]
    fn another_escape_joins_lines() {
        let text = "# escape=`\n# syntax = docker/dockerfile:1 \nFROM a\nCOPY c:\\ d:\\\nRUN x `\n y\n";
        let read = Dockerfile::read(text);
        assert_eq!(read.syntax.as_deref(), Some("docker/dockerfile:1"));
        assert_eq!(read.instructions.len(), 3);
        assert_eq!(
            Dockerfile::read("# why\n# syntax=a\nFROM a").syntax,
            None,
            "only at the top"
        );
        assert_eq!(
            without_syntax(text),
            format!("# escape=`\n\n{}", &text[text.find("FROM").unwrap()..])
        );
        assert_eq!(without_syntax("\u{feff}FROM a\n# syntax=b"), "FROM a\n# syntax=b");
    }
}
