//! Files of the repository as inputs of steps: `file:pipelines/flights/schema.json`.

use super::source_map::Problems;
use crate::left_out::LeftOut;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::span::{PathError, check_path};
use crate::suggest;
use std::path::Path;

/// What an input begins with that is a file of the repository.
pub(super) const FILE_PREFIX: &str = "file:";

/// Why a text is no path of a file in a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FilePathError {
    /// It is no path below a root.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It could be written shorter.
    #[error(
        "'{0}' is not the plain path of a file: write it from the top of the repository, like pipelines/NAME/schema.json"
    )]
    NotPlain(String),
}

/// Whether a path names one place in a repository, whatever the system.
pub(super) fn check(path: &str) -> Result<(), FilePathError> {
    check_path(path)?;
    if path.split('/').any(|part| matches!(part, "" | ".")) {
        return Err(FilePathError::NotPlain(path.to_owned()));
    }
    Ok(())
}

/// The files that steps read and that are not there, in the file's order.
///
/// `file` and `text` are the pipeline file's; `known` are the paths that the repository has, at least
/// those near the ones that are read, and `submodules` the folders whose files it has not; `place` says where that is,
/// for example `commit 1a2b3c4`.
pub fn missing(
    plan: &Plan,
    file: &str,
    text: &str,
    (known, submodules): (&[String], &[String]),
    place: &str,
) -> Vec<Problem> {
    let mut problems = Problems::new(file, text);
    for (step, input, path) in plan.files() {
        if known.iter().any(|known| known == path) {
            continue;
        }
        let behind = |folder: &&String| Path::new(path).starts_with(folder.as_str());
        if let Some(submodule) = submodules.iter().find(behind) {
            let message = LeftOut::Submodule.sentence(submodule);
            problems.add(&["steps", step.as_str(), "inputs", input], message);
            continue;
        }
        let message = format!("there is no file '{path}' in {place}");
        problems.add_with_hint(&["steps", step.as_str(), "inputs", input], message, hint(path, known));
    }
    problems.into_sorted()
}

/// The Dockerfiles and contexts that are not there, in the file's order. `is_file` and `is_folder` answer for paths
/// from the top of the repository; the rest as of [`missing`].
pub fn missing_builds(
    plan: &Plan,
    file: &str,
    text: &str,
    is_file: impl Fn(&str) -> bool,
    is_folder: impl Fn(&str) -> bool,
    place: &str,
) -> Vec<Problem> {
    let mut problems = Problems::new(file, text);
    for (image, build) in &plan.images {
        let hint = "paths begin at the top of the repository";
        if !is_file(&build.dockerfile) {
            let message = format!("there is no Dockerfile '{}' in {place}", build.dockerfile);
            problems.add_with_hint(&["steps", image, "build", "dockerfile"], message, hint);
        }
        if !is_folder(&build.context) {
            let message = format!("there is no folder '{}' in {place} to build from", build.context);
            problems.add_with_hint(&["steps", image, "build", "context"], message, hint);
        }
    }
    problems.into_sorted()
}

/// A push target that is none of the service's, whose names these are.
pub fn unknown_target<'a>(
    plan: &Plan,
    file: &str,
    text: &str,
    targets: impl Iterator<Item = &'a str> + Clone,
    settings: &str,
) -> Option<Problem> {
    let push = plan.push.as_ref()?;
    if targets.clone().any(|target| target == push.target) {
        return None;
    }
    let mut problems = Problems::new(file, text);
    let message = format!("there is no push target '{}' in {settings}", push.target);
    problems.add_with_hint(&["push", "target"], message, suggest::hint(&push.target, targets));
    problems.into_sorted().pop()
}

/// Channels that are none of the service's, whose names these are.
pub fn unknown_channels<'a>(
    plan: &Plan,
    file: &str,
    text: &str,
    channels: impl Iterator<Item = &'a str> + Clone,
    settings: &str,
) -> Vec<Problem> {
    let mut problems = Problems::new(file, text);
    for name in plan
        .notify
        .keys()
        .filter(|name| !channels.clone().any(|channel| channel == *name))
    {
        let message = format!("there is no [notify.{name}] in {settings}");
        problems.add_with_hint(&["notify", name], message, suggest::hint(name, channels.clone()));
    }
    problems.into_sorted()
}

/// Secrets that are none of the service's, whose names these are.
pub fn unknown_secrets<'a>(
    plan: &Plan,
    file: &str,
    text: &str,
    secrets: impl Iterator<Item = &'a str> + Clone,
    settings: &str,
) -> Vec<Problem> {
    let mut problems = Problems::new(file, text);
    for (step, planned) in &plan.steps {
        for (place, secret) in &planned.secrets {
            if secrets.clone().any(|known| known == secret.name) {
                continue;
            }
            let key = if secret.environment {
                "secret_environment"
            } else {
                "secrets"
            };
            let message = format!("there is no [secrets.{}] in {settings}", secret.name);
            let hint = suggest::hint(&secret.name, secrets.clone());
            problems.add_with_hint(&["steps", step.as_str(), key, place], message, hint);
        }
    }
    problems.into_sorted()
}

/// A name that other files of the repository have, too.
pub fn same_name(plan: &Plan, file: &str, text: &str, others: &[&str]) -> Option<Problem> {
    if others.is_empty() {
        return None;
    }
    let mut problems = Problems::new(file, text);
    let message = format!(
        "'{}' is the name of the pipeline in {}, too",
        plan.pipeline,
        others.join(" and ")
    );
    problems.add_with_hint(&["name"], message, "give each pipeline a name of its own");
    problems.into_sorted().pop()
}

/// The nearest path there is: a slip away, or one that ends as it.
fn hint(path: &str, known: &[String]) -> String {
    let ending = || {
        let ending = format!("/{path}");
        known.iter().find(|known| known.ends_with(&ending)).map(String::as_str)
    };
    match suggest::closest(path, known.iter().map(String::as_str)).or_else(ending) {
        Some(close) => format!("did you mean '{close}'?"),
        None => "paths begin at the top of the repository".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::InputSource;
    use crate::spec::load;
    use crate::spec::tests::FLIGHTS;
    use proptest::prelude::*;
    use std::path::Component;

    /// The example whose validator reads this as its schema.
    fn with_schema(reference: &str) -> String {
        let from = "inputs: { statistics: statistics, schema: schema }";
        assert!(FLIGHTS.contains(from));
        FLIGHTS.replacen(
            from,
            &format!("inputs: {{ statistics: statistics, schema: \"{reference}\" }}"),
            1,
        )
    }

    fn said(text: &str) -> String {
        match load("p.yaml", text, &Default::default()) {
            Ok(_) => "no problem".to_owned(),
            Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        }
    }

    #[test]
    fn a_file_takes_the_type_of_the_input() {
        let plan = load("p.yaml", &with_schema("file:a/schema.json"), &Default::default()).unwrap();
        let files: Vec<_> = plan
            .files()
            .map(|(step, input, path)| (step.as_str(), input, path))
            .collect();
        assert_eq!(files, [("validate", "schema", "a/schema.json")]);
        let source = &plan.steps["validate"].inputs["schema"];
        assert!(matches!(source, InputSource::File { type_name, .. } if type_name == "Schema"));
        let own = FLIGHTS.replacen(
            "inputs: { model: train, baseline: baseline.model, examples: examples }",
            "inputs: { model: train, baseline: baseline.model, examples: examples, words: file:words.txt }",
            1,
        );
        let plan = load("p.yaml", &own, &Default::default()).unwrap();
        let source = &plan.steps["infer"].inputs["words"];
        assert!(matches!(source, InputSource::File { type_name, .. } if type_name == "File"));
    }

    #[test]
    fn a_path_that_is_none_is_a_problem_with_its_place() {
        let cases = [
            "",
            "/etc/passwd",
            "../schema.json",
            "a/../b",
            "./schema.json",
            "a//b",
            "a/",
            "https://x/y",
        ];
        let all: Vec<String> = cases
            .iter()
            .map(|path| said(&with_schema(&format!("file:{path}"))))
            .collect();
        insta::assert_snapshot!(all.join("\n"), @"
        p.yaml:20:74: the path is empty
        p.yaml:20:74: '/etc/passwd' is not a relative path: write it with / and without a leading one
        p.yaml:20:74: '../schema.json' leaves its root: '..' is not allowed
        p.yaml:20:74: 'a/../b' leaves its root: '..' is not allowed
        p.yaml:20:74: './schema.json' is not the plain path of a file: write it from the top of the repository, like pipelines/NAME/schema.json
        p.yaml:20:74: 'a//b' is not the plain path of a file: write it from the top of the repository, like pipelines/NAME/schema.json
        p.yaml:20:74: 'a/' is not the plain path of a file: write it from the top of the repository, like pipelines/NAME/schema.json
        p.yaml:20:74: 'https://x/y' is not a relative path: write it with / and without a leading one
        ");
    }

    #[test]
    fn only_what_is_one_file_can_be_a_file() {
        let text = FLIGHTS.replacen(
            "inputs: { statistics: statistics, schema",
            "inputs: { statistics: file:a.json, schema",
            1,
        );
        let stranger = with_schema("schema").replacen("schema: \"schema\"", "schema: schema, scheme: file:a.json", 1);
        insta::assert_snapshot!(format!("{}\n{}", said(&text), said(&stranger)), @"
        p.yaml:20:50: the input 'statistics' of example-validator takes ExampleStatistics, which is not one file: name a step that makes it
        p.yaml:20:90: example-validator has no input 'scheme': did you mean 'schema'? known are statistics, schema, previous_statistics, serving_statistics
        ");
    }

    #[test]
    fn a_missing_file_is_a_problem_with_the_nearest_one() {
        let known: Vec<String> = ["pipelines/flights/schema.json", "pipelines/flights/train.py"]
            .map(str::to_owned)
            .into();
        let one = |path: &str| {
            let text = with_schema(&format!("file:{path}"));
            let plan = load("p.yaml", &text, &Default::default()).unwrap();
            let found = missing(
                &plan,
                "p.yaml",
                &text,
                (&known, &["vendored".to_owned()]),
                "commit 1a2b3c4",
            );
            found
                .iter()
                .map(|problem| problem.render(&text))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let paths = [
            "pipelines/flights/shema.json",
            "schema.json",
            "README.md",
            "pipelines/flights/schema.json",
            "vendored/schema.json",
        ];
        insta::assert_snapshot!(paths.map(one).join("\n"), @r#"
        p.yaml:20:74: there is no file 'pipelines/flights/shema.json' in commit 1a2b3c4: did you mean 'pipelines/flights/schema.json'?
         20 |   validate: { uses: example-validator, inputs: { statistics: statistics, schema: "file:pipelines/flights/shema.json" } }
            |                                                                          ^
        p.yaml:20:74: there is no file 'schema.json' in commit 1a2b3c4: did you mean 'pipelines/flights/schema.json'?
         20 |   validate: { uses: example-validator, inputs: { statistics: statistics, schema: "file:schema.json" } }
            |                                                                          ^
        p.yaml:20:74: there is no file 'README.md' in commit 1a2b3c4: paths begin at the top of the repository
         20 |   validate: { uses: example-validator, inputs: { statistics: statistics, schema: "file:README.md" } }
            |                                                                          ^

        p.yaml:20:74: 'vendored' is a git submodule, whose files are not in the commit: commit them in its place, or leave it out with a .dockerignore
         20 |   validate: { uses: example-validator, inputs: { statistics: statistics, schema: "file:vendored/schema.json" } }
            |                                                                          ^
        "#);
    }

    proptest! {
        /// What is accepted is the plain path of something below the top, as git writes it.
        #[test]
        fn no_path_leaves_the_repository(path in "[ab./\\\\:~-]{0,12}") {
            if check(&path).is_ok() {
                let parts: Vec<_> = Path::new(&path).components().collect();
                prop_assert!(parts.iter().all(|part| matches!(part, Component::Normal(_))));
                let again: Vec<_> = parts.iter().filter_map(|part| part.as_os_str().to_str()).collect();
                prop_assert_eq!(again.join("/"), path);
            }
        }
    }
}
