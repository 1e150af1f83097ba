//! What an image depends on, as one key: the same key is the same image, so nothing is built twice.

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
    field(&normalised(dockerfile));
    for (name, value) in arguments.iter().chain(bases) {
        field(name);
        field(value);
    }
    hash.update(context);
    hex::encode(hash.finalize())
}

/// Without comments, empty lines and space at the ends of lines; the lines of a here-document or
/// after a continuation are left as they are otherwise.
fn normalised(dockerfile: &str) -> String {
    let lines = dockerfile.lines().map(str::trim_end).filter(|line| {
        let start = line.trim_start();
        !start.is_empty() && !start.starts_with('#')
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The images a Dockerfile starts from, with `ARG`s filled in: neither `scratch` nor its own stages.
pub fn base_images(dockerfile: &str, arguments: &BTreeMap<String, String>) -> Vec<String> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let (mut stages, mut bases): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for line in normalised(dockerfile).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [arg, rest @ ..] if arg.eq_ignore_ascii_case("ARG") && bases.is_empty() && stages.is_empty() => {
                for declared in rest {
                    let (name, default) = declared.split_once('=').unwrap_or((declared, ""));
                    let value = arguments.get(name).map_or(default, String::as_str);
                    known.insert(name.to_owned(), value.trim_matches('"').to_owned());
                }
            }
            [from, rest @ ..] if from.eq_ignore_ascii_case("FROM") => {
                let mut rest = rest.iter().filter(|word| !word.starts_with("--"));
                let Some(image) = rest.next().map(|image| filled(image, &known)) else {
                    continue;
                };
                let own = stages.iter().any(|stage| stage.eq_ignore_ascii_case(&image));
                if image != "scratch" && !own && !bases.contains(&image) {
                    bases.push(image);
                }
                let name = rest
                    .next()
                    .filter(|word| word.eq_ignore_ascii_case("AS"))
                    .and_then(|_| rest.next());
                stages.push(name.map_or_else(String::new, |name| (*name).to_owned()));
            }
            _ => {}
        }
    }
    bases
}

fn filled(image: &str, known: &BTreeMap<String, String>) -> String {
    let mut image = image.to_owned();
    for (name, value) in known.iter().rev() {
        image = image
            .replace(&format!("${{{name}}}"), value)
            .replace(&format!("${name}"), value);
    }
    image
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
    fn bases_are_found_through_arguments_and_stages() {
        let dockerfile = "ARG TAG=3.11\nFROM --platform=linux/amd64 python:${TAG} AS build\nRUN x\nFROM scratch\nFROM build\nFROM debian";
        assert_eq!(base_images(dockerfile, &BTreeMap::new()), ["python:3.11", "debian"]);
        assert_eq!(
            base_images(dockerfile, &map(&[("TAG", "3.12")])),
            ["python:3.12", "debian"]
        );
    }
}
