//! The own line of an exception, by how each runtime writes its traces.

/// A trace in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    /// The line that says what happened.
    pub(super) line: String,
    /// The number of the log's line it is in.
    pub(super) at: usize,
}

const TRACEBACK: &str = "Traceback (most recent call last)";

/// What a trace is headed by whose exception ends a thread or task, and not the program.
const ASIDE: [&str; 5] = [
    "Exception in thread",
    "Exception in callback",
    "Task exception was never retrieved",
    "--- Logging error ---",
    "future:",
];

/// The trace that ended the program, of whichever runtime.
pub(super) fn last(lines: &[String]) -> Option<Trace> {
    let starts = |start: &'static str| move |line: &&String| line.starts_with(start);
    if let Some(at) = lines.iter().rposition(|line| starts("Fatal Python error:")(&line)) {
        return found(at, lines[at].clone());
    }
    let others = [panicked, caused, thrown, terminated, checked, halted, by_go, by_julia];
    python(lines).or_else(|| {
        others
            .iter()
            .filter_map(|read| read(lines))
            .max_by_key(|trace| trace.at)
    })
}

fn found(at: usize, line: String) -> Option<Trace> {
    Some(Trace { line, at })
}

fn says(line: &str) -> bool {
    line.chars().any(char::is_alphanumeric)
}

fn is_indented(line: &str) -> bool {
    line.starts_with(char::is_whitespace)
}

/// The first line after `at` that says something.
fn next(lines: &[String], at: usize) -> Option<&str> {
    let after = lines.get(at + 1..)?;
    after.iter().find(|line| says(line)).map(|line| line.trim())
}

/// A line, and what follows it where it ends with a colon.
fn with_next(lines: &[String], at: usize) -> String {
    let line = lines[at].trim();
    match next(lines, at).filter(|_| line.ends_with(':')) {
        Some(more) => format!("{line} {more}"),
        None => line.to_owned(),
    }
}

fn python(lines: &[String]) -> Option<Trace> {
    let headers: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].contains(TRACEBACK)).collect();
    let rank = |at: usize| {
        let before = lines[..at].iter().rev().find(|line| says(line));
        let aside = before.is_some_and(|line| ASIDE.iter().any(|aside| line.trim_start().starts_with(aside)));
        let inside = lines[at].split(TRACEBACK).next().is_some_and(|prefix| {
            prefix.contains('|') && !prefix.contains('+') && prefix.trim_matches([' ', '|']).is_empty()
        });
        (!inside, !aside)
    };
    let whole = headers.into_iter().filter_map(|at| Some((rank(at), own(lines, at)?)));
    let last = whole
        .max_by_key(|(rank, trace)| (*rank, trace.at))
        .map(|(_, trace)| trace);
    last.or_else(|| headless(lines))
}

/// The exception's own line of the traceback that begins at `header`: the first one behind its frames.
fn own(lines: &[String], header: usize) -> Option<Trace> {
    let head = &lines[header];
    let start = head.find(TRACEBACK)?;
    let prefix = head[..start].strip_suffix("Exception Group ").unwrap_or(&head[..start]);
    let name = prefix.trim();
    let after = header + 1;
    // Rich draws a box around the frames.
    if name.starts_with('╭') {
        let is_drawn = |line: &String| line.trim().is_empty() || line.trim_start().starts_with(['│', '╰', '╭']);
        let at = after + lines[after..].iter().position(|line| !is_drawn(line))?;
        return found(at, joined(lines, at, &lines[at], 0));
    }
    // IPython writes the exception's name in front, and the exception last.
    if !name.is_empty() && head.trim_end().ends_with(')') {
        let is_own = |line: &String| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        let at = after + lines[after..].iter().position(is_own)?;
        return found(at, joined(lines, at, &lines[at], 0));
    }
    let margin = margin(prefix, lines.get(after)?);
    let body = |at: usize| lines[at].get(margin..).unwrap_or(lines[at].as_str());
    let at = (after..lines.len()).find(|at| !body(*at).trim().is_empty() && !is_indented(body(*at)))?;
    let line = joined(lines, at, body(at), margin);
    // A worker's exception is told in the message of another one.
    if name == "Original" && header > 0 {
        return found(at, format!("{} {line}", lines[header - 1].trim()));
    }
    if line.contains("sub-exception")
        && let Some(inner) = first_of_group(lines, at)
    {
        return found(at, format!("{line}: {inner}"));
    }
    found(at, line)
}

/// Bytes before each line of a traceback: what a launcher or a logger writes in front of all of them.
fn margin(prefix: &str, first: &str) -> usize {
    let same = first.starts_with(&prefix.replace('+', "|"));
    let as_wide = first
        .get(prefix.len()..)
        .is_some_and(|rest| rest.starts_with("  File \""));
    if same || as_wide { prefix.len() } else { 0 }
}

/// A message that begins on the next line is joined.
fn joined(lines: &[String], at: usize, body: &str, margin: usize) -> String {
    let body = body.trim();
    let name_only = body
        .strip_suffix(':')
        .is_some_and(|name| !name.contains(char::is_whitespace));
    let mut after = lines[at + 1..].iter().map(|line| line.get(margin..).unwrap_or(line));
    let more = if name_only {
        after.find(|line| says(line))
    } else {
        // Py4J writes the other side's exception so.
        after.next().filter(|line| line.starts_with(": "))
    };
    match more {
        Some(more) if name_only => format!("{body} {}", more.trim()),
        Some(more) => format!("{body}{}", more.trim_end()),
        None => body.to_owned(),
    }
}

/// The first exception in a group whose own line is at `group`.
fn first_of_group(lines: &[String], group: usize) -> Option<String> {
    let drawn = |line: &str| line.trim_start().starts_with(['|', '+']);
    let at = (group + 1..lines.len())
        .take_while(|at| drawn(&lines[*at]))
        .find(|at| lines[*at].trim_start().starts_with('|') && says(&lines[*at]))?;
    match lines[at].contains(TRACEBACK) {
        true => own(lines, at).map(|trace| trace.line),
        false => Some(lines[at].trim_start_matches([' ', '|']).to_owned()),
    }
}

/// A traceback without its beginning: cut off, or of a syntax error.
fn headless(lines: &[String]) -> Option<Trace> {
    let is_frame = |line: &String| {
        let line = line.trim_start();
        line.strip_prefix("File \"")
            .is_some_and(|rest| rest.contains("\", line "))
    };
    let frame = lines.iter().rposition(is_frame)?;
    let at = (frame + 1..lines.len()).find(|at| says(&lines[*at]) && !is_indented(&lines[*at]))?;
    is_exception(&lines[at]).then(|| Trace {
        line: joined(lines, at, &lines[at], 0),
        at,
    })
}

/// `package.SomeError: message`, as exceptions of most runtimes are written.
pub(super) fn is_exception(line: &str) -> bool {
    const ENDS: [&str; 6] = ["Error", "Exception", "Interrupt", "Exit", "Throwable", "Failure"];
    let name = line.split([':', ' ']).next().unwrap_or_default();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '$');
    name.chars().all(plain) && ENDS.iter().any(|end| name.ends_with(end))
}

/// Rust.
fn panicked(lines: &[String]) -> Option<Trace> {
    let at = lines
        .iter()
        .rposition(|line| line.trim_start().starts_with("thread '") && line.contains("panicked at"))?;
    found(at, with_next(lines, at))
}

/// An error with its causes below it, as Rust's `anyhow` writes them.
fn caused(lines: &[String]) -> Option<Trace> {
    let causes = lines.iter().rposition(|line| line == "Caused by:")?;
    let at = lines[..causes].iter().rposition(|line| says(line))?;
    let below = lines[causes + 1..]
        .iter()
        .take_while(|line| is_indented(line) && says(line));
    let numbered = |c: char| c.is_ascii_digit() || matches!(c, ':' | ' ');
    match below.last() {
        Some(cause) => found(
            at,
            format!("{}: {}", lines[at].trim(), cause.trim_start_matches(numbered)),
        ),
        None => found(at, lines[at].trim().to_owned()),
    }
}

/// The JVM, Node, .NET and Ruby: frames below what was thrown.
fn thrown(lines: &[String]) -> Option<Trace> {
    let is_frame = |line: &String| {
        let text = line.trim_start();
        let at = text.starts_with("at ") || (text.starts_with("from ") && text.contains(":in "));
        is_indented(line) && at
    };
    let last = lines.iter().rposition(is_frame)?;
    let is_head = |line: &String| {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '$')));
        !is_indented(line) && !line.starts_with("Caused by:") && words.any(is_exception)
    };
    // A message of several lines may stand between the exception and its frames.
    let nearest = || lines[..last].iter().rposition(|line| says(line) && !is_indented(line));
    let at = lines[..last].iter().rposition(is_head).or_else(nearest)?;
    let cause = lines[at + 1..].iter().rev().find_map(|line| {
        let line = line.trim_start();
        line.strip_prefix("Caused by:")
            .or_else(|| line.strip_prefix("[cause]:"))
    });
    let head = lines[at].trim();
    match cause {
        Some(cause) => found(at, format!("{head}; caused by {}", cause.trim())),
        None => found(at, head.to_owned()),
    }
}

/// C++.
fn terminated(lines: &[String]) -> Option<Trace> {
    let at = lines.iter().rposition(|line| line.starts_with("terminate called"))?;
    let what = next(lines, at).and_then(|line| line.strip_prefix("what():"));
    match what {
        Some(what) => found(at, format!("{}: {}", lines[at].trim(), what.trim())),
        None => found(at, lines[at].trim().to_owned()),
    }
}

/// glog's CHECK.
fn checked(lines: &[String]) -> Option<Trace> {
    let stack = lines.iter().rposition(|line| line.starts_with("*** Check failure"))?;
    let at = lines[..stack].iter().rposition(|line| says(line))?;
    found(at, lines[at].trim().to_owned())
}

/// R.
fn halted(lines: &[String]) -> Option<Trace> {
    let end = lines.iter().rposition(|line| line == "Execution halted")?;
    let is_error = |line: &String| {
        ["Error in ", "Error: ", "Error:", "Error ("]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let at = lines[..end].iter().rposition(is_error)?;
    let own = |line: &&String| line.starts_with("! ");
    match lines[at..end].iter().rfind(own) {
        Some(why) => found(at, format!("{} {}", lines[at].trim(), &why[2..])),
        None => found(at, with_next(lines, at)),
    }
}

fn by_go(lines: &[String]) -> Option<Trace> {
    let stack = lines.iter().position(|line| line.starts_with("goroutine "))?;
    let starts = |line: &String| line.starts_with("panic: ") || line.starts_with("fatal error: ");
    let at = lines[..stack].iter().rposition(starts)?;
    found(at, lines[at].trim().to_owned())
}

fn by_julia(lines: &[String]) -> Option<Trace> {
    let stack = lines.iter().rposition(|line| line.trim() == "Stacktrace:")?;
    let at = lines[..stack].iter().rposition(|line| line.starts_with("ERROR: "))?;
    found(at, lines[at].trim().to_owned())
}
