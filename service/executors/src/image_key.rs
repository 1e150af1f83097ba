//! What an image depends on, as one key: the same key is the same image, so nothing is built twice.

use crate::dockerfile::{Dockerfile, Instruction};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Changes when the meaning of a key does.
const KEY_VERSION: &str = "trainyard-image-1";

/// SHA-256 in hex over the normalised Dockerfile, the build arguments, the ids of the base images
/// and the digest of the filtered context.
pub fn image_key(
    dockerfile: &str,
    arguments: &BTreeMap<String, String>,
    bases: &BTreeMap<String, String>,
    context: &[u8; 32],
) -> String {
    let mut hash = Sha256::new();
    let mut field = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    field(KEY_VERSION);
    field(&Dockerfile::read(dockerfile).normalised());
    for map in [arguments, bases] {
        field(&map.len().to_string());
        for (name, value) in map {
            field(name);
            field(value);
        }
    }
    hash.update(context);
    hex::encode(hash.finalize())
}

/// The key of the same build without a network.
pub fn without_network(key: &str) -> String {
    hex::encode(Sha256::digest(format!("{KEY_VERSION} without a network {key}")))
}

/// The images a Dockerfile starts, copies or mounts from, with `ARG`s filled in: neither `scratch` nor its
/// own stages.
pub fn base_images(dockerfile: &str, arguments: &BTreeMap<String, String>) -> Vec<String> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let (mut stages, mut bases): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for instruction in &Dockerfile::read(dockerfile).instructions {
        let mut words = instruction.rest.split_whitespace();
        // A number names a stage.
        let other = |from: &&str| from.parse::<usize>().is_err() && !is_stage(&stages, from);
        let images: Vec<String> = match instruction.keyword.as_str() {
            "ARG" if stages.is_empty() => {
                for declared in words {
                    let (name, default) = declared.split_once('=').unwrap_or((declared, ""));
                    let value = arguments.get(name).cloned();
                    let value = value.unwrap_or_else(|| filled(default.trim_matches(['"', '\'']), &known));
                    known.insert(name.to_owned(), value);
                }
                continue;
            }
            "FROM" => {
                let image = words.next().map(|image| filled(image, &known));
                let named = words.next().is_some_and(|word| word.eq_ignore_ascii_case("AS"));
                let image = image.filter(|image| !is_stage(&stages, image));
                stages.push(words.next().filter(|_| named).unwrap_or_default().to_owned());
                image.into_iter().collect()
            }
            "COPY" => instruction
                .flag("from")
                .filter(other)
                .map(str::to_owned)
                .into_iter()
                .collect(),
            "RUN" => mounted(instruction).filter(other).map(str::to_owned).collect(),
            _ => continue,
        };
        for image in images {
            if image != "scratch" && !bases.contains(&image) {
                bases.push(image);
            }
        }
    }
    bases
}

/// Where an instruction's mounts are from.
fn mounted(instruction: &Instruction) -> impl Iterator<Item = &str> {
    let mounts = instruction.flags.iter().filter(|(name, _)| name == "mount");
    mounts.filter_map(|(_, mount)| mount.split(',').find_map(|part| part.strip_prefix("from=")))
}

fn is_stage(stages: &[String], image: &str) -> bool {
    stages.iter().any(|stage| stage.eq_ignore_ascii_case(image))
}

/// `$NAME`, `${NAME}`, `${NAME:-otherwise}` and `${NAME:+instead}`; an unknown name is empty.
fn filled(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (expression, next) = braced.unwrap_or_else(|| {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            after.split_at(end.unwrap_or(after.len()))
        });
        let value = |name: &str| known.get(name).map(String::as_str).filter(|value| !value.is_empty());
        out.push_str(match (expression.split_once(":-"), expression.split_once(":+")) {
            (Some((name, otherwise)), _) => value(name).unwrap_or(otherwise),
            (None, Some((name, instead))) => value(name).map_or("", |_| instead),
            (None, None) => value(expression).unwrap_or_default(),
        });
        rest = next;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn only_what_matters_changes_the_key() {
        let key = |dockerfile: &str, arguments: &[(&str, &str)], bases: &[(&str, &str)], context: u8| {
            image_key(dockerfile, &map(arguments), &map(bases), &[context; 32])
        };
        let base = key("FROM a\nRUN x\n", &[("V", "1")], &[("a", "sha256:1")], 0);
        assert_eq!(
            base,
            key(
                "# why\nFROM a\n\n  # more\nRUN x   \n",
                &[("V", "1")],
                &[("a", "sha256:1")],
                0
            )
        );
        assert_ne!(
            base,
            key("FROM a\nRUN y\n", &[("V", "1")], &[("a", "sha256:1")], 0),
            "an instruction"
        );
        assert_ne!(
            base,
            key("FROM a\nRUN x\n", &[("V", "2")], &[("a", "sha256:1")], 0),
            "an argument"
        );
        assert_ne!(
            base,
            key("FROM a\nRUN x\n", &[("V", "1")], &[("a", "sha256:2")], 0),
            "the base moved"
        );
        assert_ne!(
            base,
            key("FROM a\nRUN x\n", &[("V", "1")], &[("a", "sha256:1")], 1),
            "a file"
        );
    }

    #[test]
    fn an_argument_is_not_a_base() {
        let one = map(&[("a", "1")]);
        let none = BTreeMap::new();
        assert_ne!(
            image_key("FROM a", &one, &none, &[0; 32]),
            image_key("FROM a", &none, &one, &[0; 32])
        );
    }

    /// What looks like a comment or an empty line is content there, and a byte order mark is nothing anywhere.
    #[test]
    fn every_byte_of_a_heredoc_counts() {
        let key = |dockerfile: &str| image_key(dockerfile, &BTreeMap::new(), &BTreeMap::new(), &[0; 32]);
        let script = |content: &str| key(&format!("FROM a\nRUN <<EOF\n{content}\nEOF\nCMD x\n"));
        let contents = ["x", "# a\nx", "# b\nx", "\nx", "x ", "x\r", "\tx"];
        for (index, one) in contents.iter().enumerate() {
            for other in &contents[index + 1..] {
                assert_ne!(script(one), script(other), "{one:?} {other:?}");
            }
        }
        let crlf = "FROM a\r\n\r\n# why\r\nCMD x\r\n";
        assert_eq!(key(crlf), key("\u{feff}FROM a\nCMD x"));
        assert_eq!(key("RUN cat <<EOF\n# no heredoc\nCMD x"), key("RUN cat <<EOF\nCMD x"));
    }

    #[test]
    fn a_directive_is_no_comment() {
        let key = |dockerfile: &str| image_key(dockerfile, &BTreeMap::new(), &BTreeMap::new(), &[0; 32]);
        assert_ne!(key("# escape=`\nFROM a"), key("FROM a"));
    }

    #[test]
    fn bases_are_found_through_arguments_and_stages() {
        let cases: [(&str, &[&str]); 12] = [
            (
                "ARG TAG=3.11\nFROM --platform=linux/amd64 python:${TAG} AS build\nRUN x\nFROM scratch\nFROM build\nFROM debian",
                &["python:3.11", "debian"],
            ),
            ("ARG TAGS=x\nFROM a:$TAG", &["a:"]),
            ("ARG TAG=1\nFROM a:$TAG-slim", &["a:1-slim"]),
            ("FROM a:${TAG:-3}", &["a:3"]),
            ("ARG TAG=1\nFROM a${TAG:+:slim}", &["a:slim"]),
            ("ARG A=1\nARG B=2.$A\nFROM a:$B", &["a:2.1"]),
            ("FROM \\\n  a \\\n  AS one\nfrom ONE", &["a"]),
            (
                "FROM a AS one\nCOPY --from=one /x /x\nCOPY --from=0 /x /x\nCOPY --chown=1 --from=tools:1 /x /x",
                &["a", "tools:1"],
            ),
            ("FROM a\nFROM a", &["a"]),
            ("\u{feff}FROM a\r\n", &["a"]),
            (
                "FROM a AS one\nRUN --mount=from=one,target=/x --mount=type=bind,from=tools:1,target=/y x",
                &["a", "tools:1"],
            ),
            ("# escape=`\nFROM `\n a\nRUN <<EOF\nFROM b\nEOF", &["a"]),
        ];
        for (dockerfile, expected) in cases {
            assert_eq!(base_images(dockerfile, &BTreeMap::new()), expected, "{dockerfile}");
        }
        let given = map(&[("TAG", "3.12")]);
        assert_eq!(base_images("ARG TAG=3.11\nFROM python:${TAG}", &given), ["python:3.12"]);
        assert_eq!(
            base_images("FROM python:${TAG}", &given),
            ["python:"],
            "an argument counts where it is declared"
        );
    }
}
