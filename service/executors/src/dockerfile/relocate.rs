//! A Dockerfile for a context that lies in a folder of what is sent, so that something can lie beside it.

use super::{Dockerfile, Instruction, without_mark};

/// The text with `folder` before everything it takes from the context, each instruction on the line it was on
/// or ended on.
pub(crate) fn relocated(text: &str, folder: &str) -> String {
    let mut lines: Vec<String> = without_mark(text).split('\n').map(str::to_owned).collect();
    for instruction in &Dockerfile::read(text).instructions {
        // What waits for a later build is about the context of that one.
        if instruction.is_later {
            continue;
        }
        let first = instruction.line - 1;
        let Some(of_it) = lines.get_mut(first..first + instruction.lines) else {
            continue;
        };
        match instruction.keyword.as_str() {
            "COPY" | "ADD" if instruction.flag("from").is_none() => {
                of_it.iter_mut().for_each(String::clear);
                if let Some(last) = of_it.last_mut() {
                    *last = copy(instruction, folder);
                }
            }
            "RUN" => {
                for mount in instruction.flags.iter().filter(|(name, _)| name == "mount") {
                    if let Some(moved) = mount_of(&mount.1, folder) {
                        let (from, to) = (format!("--mount={}", mount.1), format!("--mount={moved}"));
                        if let Some(line) = of_it.iter_mut().find(|line| line.contains(&from)) {
                            *line = line.replacen(&from, &to, 1);
                        }
                    }
                }
            }
            _ => {}
        }
    }
    lines.join("\n")
}

fn copy(instruction: &Instruction, folder: &str) -> String {
    let mut text = instruction.keyword.clone();
    let mut folder = folder.to_owned();
    for (name, value) in &instruction.flags {
        text += &format!(" --{name}");
        text += &if value.is_empty() {
            String::new()
        } else {
            format!("={value}")
        };
        // What comes before this point is no parent.
        folder += if name == "parents" { "/." } else { "" };
    }
    let rest = instruction.rest.trim();
    match serde_json::from_str::<Vec<String>>(rest) {
        Ok(mut listed) => {
            let last = listed.len().saturating_sub(1);
            listed[..last]
                .iter_mut()
                .for_each(|source| *source = placed(source, &folder));
            format!("{text} {}", serde_json::to_string(&listed).unwrap_or_default())
        }
        Err(_) => {
            let mut words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
            let last = words.len().saturating_sub(1);
            words[..last]
                .iter_mut()
                .for_each(|source| *source = placed(source, &folder));
            format!("{text} {}", words.join(" "))
        }
    }
}

/// Heredocs and what is elsewhere in the world stay as they are.
fn placed(source: &str, folder: &str) -> String {
    if source.starts_with("<<") || source.contains("://") || source.starts_with("git@") {
        return source.to_owned();
    }
    let mut below = source;
    while let Some(rest) = below
        .strip_prefix('/')
        .or_else(|| below.strip_prefix("./"))
        .or_else(|| below.strip_prefix("../"))
    {
        below = rest;
    }
    format!("{folder}/{below}")
}

/// A bind mount of the context, moved; `None` of another mount.
fn mount_of(mount: &str, folder: &str) -> Option<String> {
    let parts: Vec<(&str, &str)> = mount
        .split(',')
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .collect();
    let value = |names: &[&str]| {
        parts
            .iter()
            .find(|(name, _)| names.contains(name))
            .map(|(_, value)| *value)
    };
    if value(&["type"]).is_some_and(|kind| kind != "bind") || value(&["from"]).is_some() {
        return None;
    }
    let kept = parts.iter().filter(|(name, _)| !matches!(*name, "source" | "src"));
    let kept: Vec<String> = kept
        .map(|(name, value)| {
            if value.is_empty() {
                (*name).to_owned()
            } else {
                format!("{name}={value}")
            }
        })
        .collect();
    let source = placed(value(&["source", "src"]).unwrap_or_default(), folder);
    Some(format!("{},source={source}", kept.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_the_context_is_moved_and_nothing_else() {
        let text = "\u{feff}FROM a\nCOPY --chmod=640 . /c/\nCOPY --from=b . /c/\nADD \\\n # why\n  x ./y \\\n  https://example.org/z /c/\nCOPY [\"a b\", \"/c\"]\nCOPY x <<EOF /c/\nCOPY . .\nEOF\nONBUILD COPY . /c/\nRUN --mount=target=/src --mount=type=bind,source=/x,target=/y,rw --mount=type=cache,target=/c --mount=from=b,target=/b ls \\\n  COPY .\nCOPY --parents ../x *.py /c/";
        insta::assert_snapshot!(relocated(text, "t"), @r#"
        FROM a
        COPY --chmod=640 t/. /c/
        COPY --from=b . /c/



        ADD t/x t/y https://example.org/z /c/
        COPY ["t/a b","/c"]
        COPY t/x <<EOF /c/
        COPY . .
        EOF
        ONBUILD COPY . /c/
        RUN --mount=target=/src,source=t/ --mount=type=bind,target=/y,rw,source=t/x --mount=type=cache,target=/c --mount=from=b,target=/b ls \
          COPY .
        COPY --parents t/./x t/./*.py /c/
        "#);
    }
}
