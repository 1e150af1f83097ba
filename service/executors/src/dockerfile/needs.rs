//! What of a Dockerfile only BuildKit builds, and what the engine at hand makes of it.

use super::{Dockerfile, Instruction};
use std::fmt;

/// Arguments that BuildKit alone fills in.
const PLATFORM_ARGUMENTS: [&str; 8] = [
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
];

/// Something that the classic builder does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    Mount,
    Secret,
    Heredoc,
    Chmod,
    Link,
    Network,
    Security,
    Checksum,
    Selection,
    PlatformArgument,
    Submodules,
}

impl Feature {
    /// The first engine whose own BuildKit knows it; `None` where a build is never given what it asks for.
    fn since(self) -> Option<Version> {
        Some(match self {
            Self::PlatformArgument => Version(18, 9),
            Self::Mount | Self::Chmod => Version(20, 10),
            Self::Heredoc | Self::Link | Self::Network => Version(23, 0),
            Self::Checksum | Self::Submodules => Version(25, 0),
            Self::Selection => Version(28, 0),
            Self::Secret | Self::Security => return None,
        })
    }

    /// What to write instead.
    fn instead(self) -> &'static str {
        match self {
            Self::Mount => "leave the mount out (COPY what is bound; a package cache only saves time)",
            Self::Secret => "builds are given none: do this in a step, or bring the files into the context",
            Self::Heredoc => "join the commands by && in one RUN, or COPY a script or file from the repository",
            Self::Chmod => "leave the flag out and RUN chmod after it, or set the file's mode in the repository",
            Self::Link => "leave the flag out: the image is the same",
            Self::Network => "leave the flag out: builds have the engine's network",
            Self::Security => "builds are given no privileges: leave the flag out",
            Self::Checksum => "RUN sha256sum --check after it",
            Self::Selection => "name what is to be copied, or leave it out in .dockerignore",
            Self::PlatformArgument => "give it as a build argument",
            Self::Submodules => "RUN git clone",
        }
    }
}

/// Where something of BuildKit's is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Need {
    line: usize,
    /// For example `RUN --mount`.
    what: String,
    feature: Feature,
}

/// Major and minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

/// The engine that is to build.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    name: String,
    /// `None` of an engine that is no Docker: it is asked, and says itself what it does not know.
    version: Option<Version>,
}

impl Engine {
    /// `Docker` with the version it says it has; `None` of another engine.
    pub(crate) fn docker(version: Option<&str>) -> Self {
        let numbers = |text: &str| {
            let mut parts = text.split(['.', '-', '+']).map(str::parse);
            Some(Version(parts.next()?.ok()?, parts.next()?.ok()?))
        };
        Self {
            name: format!("Docker {}", version.unwrap_or("of an unknown version")),
            version: version.and_then(numbers),
        }
    }

    /// One that is no Docker.
    pub(crate) fn other() -> Self {
        Self {
            name: "the engine".to_owned(),
            version: None,
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// How a Dockerfile is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// With the builder that every engine has, and that keeps to limits of memory and processor.
    Classic,
    /// With BuildKit.
    BuildKit {
        /// The image of a frontend of its own.
        frontend: Option<String>,
        /// Where and why, for a sentence: `line 3 (RUN --mount)`.
        because: String,
    },
}

/// What only BuildKit builds, in the order of the file.
fn needs(file: &Dockerfile) -> Vec<Need> {
    file.instructions.iter().flat_map(of_instruction).collect()
}

fn of_instruction(instruction: &Instruction) -> Vec<Need> {
    let keyword = instruction.keyword.as_str();
    let need = |what: String, feature| Need {
        line: instruction.line,
        what,
        feature,
    };
    let mut found = Vec::new();
    for (name, value) in &instruction.flags {
        let feature = match (keyword, name.as_str()) {
            ("RUN", "mount") => match value.split(',').find_map(|part| part.strip_prefix("type=")) {
                Some("secret" | "ssh") => Feature::Secret,
                _ => Feature::Mount,
            },
            ("RUN", "network") => Feature::Network,
            ("RUN", "security") => Feature::Security,
            ("COPY" | "ADD", "chmod") => Feature::Chmod,
            ("COPY" | "ADD", "link") => Feature::Link,
            ("COPY" | "ADD", "parents" | "exclude") => Feature::Selection,
            ("ADD", "checksum") => Feature::Checksum,
            ("ADD", "keep-git-dir") => Feature::Submodules,
            _ => continue,
        };
        found.push(need(format!("{keyword} --{name}"), feature));
    }
    if instruction.heredocs > 0 {
        found.push(need(format!("{keyword} <<"), Feature::Heredoc));
    }
    let argument = match keyword {
        "ARG" => {
            let mut words = instruction.rest.split_whitespace();
            words.find(|word| PLATFORM_ARGUMENTS.contains(word))
        }
        "FROM" => {
            let mut mentioned = instruction.flags.iter().map(|(_, value)| value.as_str());
            let all = mentioned.find_map(mentioned_argument);
            all.or_else(|| mentioned_argument(&instruction.rest))
        }
        _ => None,
    };
    if let Some(name) = argument {
        found.push(need(format!("the argument {name}"), Feature::PlatformArgument));
    }
    found
}

fn mentioned_argument(text: &str) -> Option<&'static str> {
    let names = text.split('$').skip(1).map(|rest| rest.trim_start_matches('{'));
    let whole = |name: &str, known: &str| {
        let rest = name.strip_prefix(known)?;
        (!rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')).then_some(())
    };
    names
        .flat_map(|name| {
            PLATFORM_ARGUMENTS
                .into_iter()
                .filter(move |known| whole(name, known).is_some())
        })
        .next()
}

/// Whether a Dockerfile asks for anything that the engine's version decides.
pub(crate) fn needs_buildkit(file: &Dockerfile, given: impl Fn(&str) -> bool) -> bool {
    asked(file, given).next().is_some()
}

/// What is asked for; an argument that the request gives is filled in by nobody else.
fn asked(file: &Dockerfile, given: impl Fn(&str) -> bool) -> impl Iterator<Item = Need> {
    needs(file).into_iter().filter(move |need| {
        let argument = need.what.strip_prefix("the argument ");
        !argument.is_some_and(&given)
    })
}

/// How the engine builds it; otherwise which line it cannot build, and what to write instead.
pub(crate) fn way(file: &Dockerfile, given: impl Fn(&str) -> bool, engine: &Engine) -> Result<Way, String> {
    let needs: Vec<Need> = asked(file, given).collect();
    let Some(first) = needs.first() else {
        return Ok(Way::Classic);
    };
    if let Some(never) = needs.iter().find(|need| need.feature.since().is_none()) {
        let Need { line, what, feature } = never;
        let of = if *feature == Feature::Secret {
            " of a secret"
        } else {
            ""
        };
        return Err(format!("its line {line} has `{what}`{of}: {}", feature.instead()));
    }
    let because = format!("line {} (`{}`)", first.line, first.what);
    let official = |image: &str| {
        let name = image.trim_start_matches("docker.io/");
        name == "docker/dockerfile" || name.starts_with("docker/dockerfile:")
    };
    let unknown = |need: &&Need| {
        engine
            .version
            .is_some_and(|version| Some(version) < need.feature.since())
    };
    let frontend = match (needs.iter().find(unknown), &file.syntax) {
        // The engine's own frontend does it: nothing has to be brought from elsewhere.
        (None, None) => None,
        (None, Some(syntax)) => Some(syntax.clone()).filter(|syntax| !official(syntax)),
        (Some(_), Some(syntax)) if engine.version >= Some(Version(18, 9)) => Some(syntax.clone()),
        (Some(need), _) => {
            let Need { line, what, feature } = need;
            return Err(format!(
                "its line {line} has `{what}`, which {engine} does not know: {}, or begin it with `# syntax=docker/dockerfile:1` where the engine reaches Docker Hub",
                feature.instead()
            ));
        }
    };
    Ok(Way::BuildKit { frontend, because })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, engine: &str) -> String {
        match way(
            &Dockerfile::read(text),
            |name| name == "TARGETOS",
            &Engine::docker(Some(engine)),
        ) {
            Ok(Way::Classic) => "classic".to_owned(),
            Ok(Way::BuildKit { frontend, because }) => {
                format!("BuildKit for {because} {}", frontend.unwrap_or_default())
                    .trim_end()
                    .to_owned()
            }
            Err(sentence) => sentence,
        }
    }

    #[test]
    fn each_line_is_built_by_whoever_knows_it() {
        let mut all = String::new();
        for line in [
            "RUN pip install x",
            "COPY --chown=1:1 --from=a x /x",
            "RUN --mount=type=cache,target=/root/.cache/pip pip install x",
            "RUN --mount=target=/src \\\n ls",
            "RUN --mount=type=secret,id=token cat /run/secrets/token",
            "RUN --mount=type=ssh git clone x",
            "RUN <<EOF\necho\nEOF",
            "COPY <<a <<b /x/\na\nb",
            "COPY --chmod=755 x /x",
            "ADD --chmod=755 x /x",
            "ONBUILD COPY --chmod=755 x /x",
            "COPY --link x /x",
            "COPY --parents x /x",
            "RUN --network=none x",
            "RUN --security=insecure x",
            "ADD --checksum=sha256:0 https://example.org/x /x",
            "ARG TARGETARCH",
            "ARG TARGETARCH=amd64",
            "ARG TARGETOS",
            "FROM --platform=$BUILDPLATFORM b",
            "FROM --platform=${BUILDPLATFORMS} b",
        ] {
            all += &format!(
                "{}\n",
                told(&format!("FROM a\n{line}\nCMD x\n"), "20.10.24+dfsg1").replace(
                    ", or begin it with `# syntax=docker/dockerfile:1` where the engine reaches Docker Hub",
                    " (…)"
                )
            );
        }
        insta::assert_snapshot!(all, @r"
        classic
        classic
        BuildKit for line 2 (`RUN --mount`)
        BuildKit for line 2 (`RUN --mount`)
        its line 2 has `RUN --mount` of a secret: builds are given none: do this in a step, or bring the files into the context
        its line 2 has `RUN --mount` of a secret: builds are given none: do this in a step, or bring the files into the context
        its line 2 has `RUN <<`, which Docker 20.10.24+dfsg1 does not know: join the commands by && in one RUN, or COPY a script or file from the repository (…)
        its line 2 has `COPY <<`, which Docker 20.10.24+dfsg1 does not know: join the commands by && in one RUN, or COPY a script or file from the repository (…)
        BuildKit for line 2 (`COPY --chmod`)
        BuildKit for line 2 (`ADD --chmod`)
        BuildKit for line 2 (`COPY --chmod`)
        its line 2 has `COPY --link`, which Docker 20.10.24+dfsg1 does not know: leave the flag out: the image is the same (…)
        its line 2 has `COPY --parents`, which Docker 20.10.24+dfsg1 does not know: name what is to be copied, or leave it out in .dockerignore (…)
        its line 2 has `RUN --network`, which Docker 20.10.24+dfsg1 does not know: leave the flag out: builds have the engine's network (…)
        its line 2 has `RUN --security`: builds are given no privileges: leave the flag out
        its line 2 has `ADD --checksum`, which Docker 20.10.24+dfsg1 does not know: RUN sha256sum --check after it (…)
        BuildKit for line 2 (`the argument TARGETARCH`)
        classic
        classic
        BuildKit for line 2 (`the argument BUILDPLATFORM`)
        classic
        ");
    }

    #[test]
    fn a_newer_engine_knows_more_and_a_frontend_all() {
        let heredoc = "FROM a\nRUN <<EOF\necho\nEOF\n";
        let syntax = format!("# syntax=docker/dockerfile:1\n{heredoc}");
        let own = format!("# syntax=example.org/frontend\n{heredoc}");
        assert_eq!(told(heredoc, "28.2.2"), "BuildKit for line 2 (`RUN <<`)");
        assert_eq!(told(&syntax, "28.2.2"), "BuildKit for line 3 (`RUN <<`)");
        assert_eq!(
            told(&syntax, "20.10.24"),
            "BuildKit for line 3 (`RUN <<`) docker/dockerfile:1"
        );
        assert_eq!(
            told(&own, "28.2.2"),
            "BuildKit for line 3 (`RUN <<`) example.org/frontend"
        );
        assert_eq!(told("# syntax=docker/dockerfile:1\nFROM a\n", "20.10.24"), "classic");
        assert!(told(&syntax, "17.06.0-ce").contains("does not know"));
        assert_eq!(told(heredoc, "dev"), "BuildKit for line 2 (`RUN <<`)", "it is asked");
    }
}
