//! Lines that have led builds out of their containers, whichever engine builds them.

use super::{Dockerfile, Instruction, directive, without_mark};
use std::collections::BTreeMap;

/// Frontends that Docker itself publishes.
const OFFICIAL: [&str; 2] = ["docker/dockerfile", "docker/dockerfile-upstream"];
/// A build argument that names a frontend.
const FRONTEND_ARGUMENT: &str = "BUILDKIT_SYNTAX";
/// Folders of the kernel's.
const KERNEL: [&str; 2] = ["proc", "sys"];

/// Why a Dockerfile is not built, as the end of a sentence; `None` if it may be.
pub(crate) fn refused(text: &str, file: &Dockerfile, arguments: &BTreeMap<String, String>) -> Option<String> {
    frontend(text, file, arguments).or_else(|| {
        let mut known = arguments.clone();
        let mut folder = "/".to_owned();
        file.instructions.iter().find_map(|instruction| {
            let line = instruction.line;
            match instruction.keyword.as_str() {
                "ARG" | "ENV" => learn(instruction, &mut known, arguments),
                "FROM" => folder = "/".to_owned(),
                "WORKDIR" => {
                    let written = instruction.rest.trim();
                    // What an escaped end of a line joins has no space between.
                    let filled = filled(&unquoted(written).split_whitespace().collect::<String>(), &known);
                    folder = if filled.starts_with('/') { filled } else { format!("{folder}/{filled}") };
                    if is_kernels(&folder) || hides_kernels(written) {
                        return Some(format!(
                            "its line {line} has `WORKDIR {written}`, a folder of the kernel's from which programs could leave their container: choose another one, for example /app"
                        ));
                    }
                }
                "RUN" => return mount(instruction),
                _ => {}
            }
            None
        })
    })
}

/// Programs that read the Dockerfile in the engine's own name.
fn frontend(text: &str, file: &Dockerfile, arguments: &BTreeMap<String, String>) -> Option<String> {
    let foreign = |image: &str| {
        format!(
            "it asks for `{image}` to read it, a program that would run in the engine itself: leave `syntax` out, or name docker/dockerfile"
        )
    };
    if let Some(image) = arguments.get(FRONTEND_ARGUMENT).filter(|image| !is_official(image)) {
        return Some(foreign(image));
    }
    if let Some(image) = file.syntax.as_ref().filter(|image| !is_official(image)) {
        return Some(foreign(image));
    }
    // Newer engines read it after `#!`, as `// syntax=`, and as a key of JSON.
    let mut lines = without_mark(text).lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let second = lines.next().filter(|_| first.starts_with("#!")).unwrap_or_default();
    let slashes = first.strip_prefix("//").map(|rest| format!("#{rest}"));
    let named = [slashes.as_deref().unwrap_or_default(), second];
    let named = named
        .into_iter()
        .filter_map(directive)
        .find(|(name, _)| *name == "syntax");
    match named {
        Some((_, image)) if !is_official(image) => Some(foreign(image)),
        _ if first.starts_with('{') => Some(foreign("a frontend named in JSON")),
        _ => None,
    }
}

fn is_official(image: &str) -> bool {
    let image = image.split_whitespace().next().unwrap_or_default();
    let name = image.strip_prefix("docker.io/").unwrap_or(image);
    let name = name.split('@').next().unwrap_or_default();
    OFFICIAL.contains(&name.split(':').next().unwrap_or_default())
}

/// Caches are shared by all builds of an engine: a part of one, or one that begins as something else, has shown
/// builds what was not theirs (CVE-2024-23651).
fn mount(instruction: &Instruction) -> Option<String> {
    let (line, flags) = (instruction.line, &instruction.flags);
    if flags
        .iter()
        .any(|(name, value)| name == "network" && unquoted(value) == "host")
    {
        return Some(format!(
            "its line {line} has `RUN --network=host`: builds are not given the machine's network: leave the flag out"
        ));
    }
    let mounts = flags.iter().filter(|(name, _)| name == "mount");
    let parted = mounts.map(|(_, value)| unquoted(value)).any(|value| {
        let part = |key: &str| value.split(',').any(|part| part.trim().split('=').next() == Some(key));
        value.split(',').any(|part| part.trim() == "type=cache") && (part("source") || part("src") || part("from"))
    });
    parted.then(|| {
        format!(
            "its line {line} has a `RUN --mount=type=cache` with `from` or `source`, which builds of others could put something into: leave both out"
        )
    })
}

/// What `ENV A=b` and `ARG A=b` say; an argument that is given wins.
fn learn(instruction: &Instruction, known: &mut BTreeMap<String, String>, arguments: &BTreeMap<String, String>) {
    let rest = instruction.rest.trim();
    let pairs: Vec<(String, String)> = match rest.split_whitespace().next() {
        Some(first) if instruction.keyword == "ENV" && !first.contains('=') => {
            let value = rest[first.len()..].trim();
            vec![(first.to_owned(), value.to_owned())]
        }
        _ => {
            let words = super::shell_words(rest).into_iter();
            let pair = |word: String| {
                word.split_once('=')
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
            };
            words.filter_map(pair).collect()
        }
    };
    for (name, value) in pairs {
        let value = filled(&unquoted(&value), known);
        if instruction.keyword == "ENV" || !arguments.contains_key(&name) {
            known.insert(name, value);
        }
    }
}

fn unquoted(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '"' | '\'' | '\\' | '`')).collect()
}

/// With `$NAME` and `${NAME}` filled in; one with more to it stays.
fn filled(text: &str, known: &BTreeMap<String, String>) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out += before;
        let inner = after.strip_prefix('{').and_then(|after| after.split_once('}'));
        let (name, end) = match inner {
            Some((name, end)) if name.chars().all(is_name) => (name, end),
            Some(_) => {
                out.push('$');
                rest = after;
                continue;
            }
            None => after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len())),
        };
        out += known.get(name).map_or("", String::as_str);
        rest = end;
    }
    out + rest
}

/// Whether an absolute path leads there.
fn is_kernels(path: &str) -> bool {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/').filter(|step| !step.is_empty() && *step != ".") {
        if step == ".." {
            steps.pop();
        } else {
            steps.push(step);
        }
    }
    steps.first().is_some_and(|first| KERNEL.contains(first))
}

/// Whether what a shell would fill in otherwise, as `${X:-/proc/self}`, names such a folder.
fn hides_kernels(written: &str) -> bool {
    let plain = unquoted(written);
    plain.contains("${")
        && KERNEL.iter().any(|kernel| {
            plain
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| word == *kernel)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<String> {
        let arguments = BTreeMap::from([("GIVEN".to_owned(), "/proc/self".to_owned())]);
        refused(text, &Dockerfile::read(text), &arguments)
    }

    #[test]
    fn a_folder_of_the_kernel_is_no_working_directory() {
        for lines in [
            "WORKDIR /proc/self/fd/8",
            "WORKDIR /proc",
            "workdir //proc/./self",
            "WORKDIR /a/../proc/1",
            "WORKDIR \"/proc/self\"",
            "WORKDIR /pr\\oc/self",
            "WORKDIR /proc\\\n/self/fd/9",
            "WORKDIR /proc\nWORKDIR self/fd",
            "WORKDIR proc/self",
            "ENV D=/proc/self/fd\nWORKDIR $D/7",
            "ENV D /proc/self\nWORKDIR ${D}",
            "ARG D=\"/proc\"\nWORKDIR ${D}/self",
            "ARG A=/pr\nENV B=$A\nWORKDIR ${B}oc/self",
            "ARG GIVEN=/app\nWORKDIR $GIVEN",
            "WORKDIR ${X:-/proc/self/fd/7}",
            "ONBUILD WORKDIR /proc/self/fd/7",
            "WORKDIR /sys/fs/cgroup",
        ] {
            let said = told(&format!("FROM a\n{lines}\nRUN x\n"));
            assert!(
                said.is_some_and(|said| said.contains("folder of the kernel's")),
                "{lines}"
            );
        }
        for lines in [
            "WORKDIR /app",
            "WORKDIR /app/proc",
            "WORKDIR /process\nWORKDIR sys",
            "ENV D=/app\nWORKDIR $D/x",
            "WORKDIR ${X:-/app}",
        ] {
            assert_eq!(told(&format!("FROM a\n{lines}\nRUN x\n")), None, "{lines}");
        }
        insta::assert_snapshot!(told("FROM a\nWORKDIR /proc/self/fd/8\n").unwrap(), @"its line 2 has `WORKDIR /proc/self/fd/8`, a folder of the kernel's from which programs could leave their container: choose another one, for example /app");
    }

    #[test]
    fn only_frontends_of_docker_read_a_dockerfile() {
        let rest = "FROM a\nRUN --mount=target=/x ls\n";
        for first in [
            "# syntax=example.org/frontend",
            "#syntax = docker/dockerfile.evil:1",
            "# escape=\\\n# syntax=evil/docker/dockerfile",
            "# syntax=docker.io/evil/dockerfile",
            "// syntax=evil/frontend",
            "#!/usr/bin/env docker\n# syntax=evil/frontend",
            "{\"syntax\": \"evil/frontend\"}",
        ] {
            let said = told(&format!("{first}\n{rest}"));
            assert!(
                said.is_some_and(|said| said.contains("run in the engine itself")),
                "{first}"
            );
        }
        for first in [
            "# syntax=docker/dockerfile:1",
            "# syntax=docker.io/docker/dockerfile:1.4 x",
            "# syntax=docker/dockerfile@sha256:00",
            "# why\n# syntax=evil/frontend",
            "#!/usr/bin/env docker",
        ] {
            assert_eq!(told(&format!("{first}\n{rest}")), None, "{first}");
        }
        let argument = BTreeMap::from([("BUILDKIT_SYNTAX".to_owned(), "evil/frontend".to_owned())]);
        insta::assert_snapshot!(refused(rest, &Dockerfile::read(rest), &argument).unwrap(), @"it asks for `evil/frontend` to read it, a program that would run in the engine itself: leave `syntax` out, or name docker/dockerfile");
    }

    #[test]
    fn a_cache_is_a_cache_and_nothing_else() {
        insta::assert_snapshot!(told("FROM a\nRUN --mount=type=cache,target=/c,source=../x ls").unwrap(), @"its line 2 has a `RUN --mount=type=cache` with `from` or `source`, which builds of others could put something into: leave both out");
        insta::assert_snapshot!(told("FROM a\nRUN --network=host ls").unwrap(), @"its line 2 has `RUN --network=host`: builds are not given the machine's network: leave the flag out");
        assert!(told("FROM a\nRUN --mount=target=/c,from=b,type=cache ls").is_some());
        assert_eq!(
            told("FROM a\nRUN --mount=type=cache,target=/c --mount=type=bind,source=x,target=/x ls"),
            None
        );
    }
}
