//! The templates, filled in with what was answered.

use super::choose::{Features, Task};
use super::files::NewFile;
use super::sample::Kind;
use serde_json::json;

/// Lines of Python and YAML are no longer, where they can be broken.
const WIDTH: usize = 118;
/// Trainyard's own trainer, whose layer of packages the templates share.
const OWN_TRAINER: &str = include_str!("../../../../dockerfiles/trainer.Dockerfile");

/// What trains the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trainer {
    Sklearn,
    Xgboost,
    Pytorch,
}

/// All that the templates ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) name: String,
    /// Below the data root.
    pub(crate) uri: String,
    /// Whether the newest span judges what the ones before taught.
    pub(crate) by_time: bool,
    /// Whether numbers are written with a comma.
    pub(crate) decimal_comma: bool,
    pub(crate) label: String,
    pub(crate) task: Task,
    pub(crate) features: Features,
}

impl Answers {
    /// The files of the pipeline.
    pub(crate) fn files(&self, trainer: Trainer) -> Vec<NewFile> {
        let (train, dockerfile) = trainer.templates();
        let folder = format!("pipelines/{}", self.name);
        let file = |path: String, text: String| NewFile { path, text };
        let python = |name: &str, text: &str| file(format!("{folder}/{name}"), text.to_owned());
        vec![
            file(format!("{folder}/pipeline.yaml"), self.pipeline(trainer)),
            file(format!("{folder}/features.py"), self.features()),
            python("train.py", train),
            python("infer.py", include_str!("templates/common/infer.py")),
            python("model.py", include_str!("templates/common/model.py")),
            python("schema.json", "{}\n"),
            file(
                format!("dockerfiles/{}.Dockerfile", self.name),
                dockerfile.replace("@PACKAGES@", packages()),
            ),
        ]
    }

    fn pipeline(&self, trainer: Trainer) -> String {
        let (examples, judged) = match self.by_time {
            true => (include_str!("templates/common/by_time.yaml"), "newest"),
            false => (include_str!("templates/common/at_random.yaml"), "examples"),
        };
        let (gate, model_type, predicts) = match &self.task {
            Task::Classification { values, .. } => (
                include_str!("templates/common/classification_gate.yaml"),
                "binary_classification",
                format!("The probability that {} is {}.", shown(&self.label), shown(&values[1])),
            ),
            Task::Regression => (
                include_str!("templates/common/regression_gate.yaml"),
                "regression",
                format!("What {} is, a number.", shown(&self.label)),
            ),
        };
        let source = match self.decimal_comma {
            true => format!("source: {}\n      decimal: \",\"", self.name),
            false => format!("source: {}", self.name),
        };
        let slices = self.features.slice.iter();
        let slices: String = slices
            .map(|slice| format!(", {{ feature_keys: [{}] }}", json!(slice)))
            .collect();
        let text = include_str!("templates/common/pipeline.yaml").replace("@EXAMPLES@\n", examples);
        let text = text
            .replace("@GATE@\n", gate)
            .replace("source: @NAME@\n", &format!("{source}\n"));
        let (learning_rate, rounds, number) = trainer.parameters();
        let words = [
            ("@LEARNING_RATE@", learning_rate.to_owned()),
            ("@ROUNDS@", rounds.to_owned()),
            ("@ROUNDS_FLAG@", rounds.replace('_', "-")),
            ("@NUM_ROUNDS@", number.to_owned()),
            ("@NAME@", self.name.clone()),
            ("@JUDGED@", judged.to_owned()),
            ("@MODEL_TYPE@", model_type.to_owned()),
            ("@PREDICTS@", predicts),
            ("@URI@", json!(self.uri).to_string()),
            ("@SLICING_SPECS@", format!("[{{}}{slices}]")),
            ("@LABEL@", json!(self.label).to_string()),
        ];
        filled(&text, &words)
    }

    fn features(&self) -> String {
        let Features {
            numbers,
            categories,
            slice,
            ..
        } = &self.features;
        let (values, comment) = match &self.task {
            Task::Classification { kind, values } => {
                let values = values.each_ref().map(|value| match kind {
                    Kind::Number => value.trim().trim_start_matches('+').replacen(',', ".", 1),
                    Kind::Text => json!(value).to_string(),
                });
                (
                    values.join(", "),
                    "of the label; predicted is the probability of the second",
                )
            }
            Task::Regression => (String::new(), "none: the label is a number"),
        };
        let words = [
            ("@NUMBERS@", list("NUMBERS", numbers)),
            ("@CATEGORIES@", list("CATEGORIES", categories)),
            ("@SLICES@", list("SLICES", slice.as_slice())),
            ("@VALUES@", format!("[{values}]")),
            ("@VALUES_COMMENT@", comment.to_owned()),
            ("@LABEL@", json!(self.label).to_string()),
        ];
        filled(include_str!("templates/common/features.py"), &words)
    }
}

impl Trainer {
    /// The learning rate, what its rounds are called, and how many there are.
    fn parameters(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Sklearn | Self::Xgboost => ("0.1", "num_trees", "100"),
            Self::Pytorch => ("0.003", "epochs", "40"),
        }
    }

    /// What trains, and the image that it trains in.
    fn templates(self) -> (&'static str, &'static str) {
        match self {
            Self::Sklearn => (
                include_str!("templates/sklearn/train.py"),
                include_str!("templates/sklearn/Dockerfile"),
            ),
            Self::Xgboost => (
                include_str!("templates/xgboost/train.py"),
                include_str!("templates/xgboost/Dockerfile"),
            ),
            Self::Pytorch => (
                include_str!("templates/pytorch/train.py"),
                include_str!("templates/pytorch/Dockerfile"),
            ),
        }
    }
}

/// The pipeline of the demo, as it is.
pub(crate) fn flights() -> Vec<NewFile> {
    macro_rules! same {
        ($($path:literal),*) => {
            vec![$(NewFile {
                path: $path.to_owned(),
                text: include_str!(concat!("../../../../", $path)).to_owned(),
            }),*]
        };
    }
    same![
        "pipelines/flights/pipeline.yaml",
        "pipelines/flights/features.py",
        "pipelines/flights/transform.py",
        "pipelines/flights/train.py",
        "pipelines/flights/infer.py",
        "pipelines/flights/schema.json",
        "dockerfiles/trainer.Dockerfile"
    ]
}

/// The lines of our own trainer that install packages: the same lines are the same layer.
fn packages() -> &'static str {
    let begin = OWN_TRAINER.find("FROM ").unwrap_or_default();
    let end = OWN_TRAINER.find("\nWORKDIR ").unwrap_or(OWN_TRAINER.len());
    &OWN_TRAINER[begin..end]
}

/// Replaces each word once and for all: what is filled in is not looked at again.
fn filled(template: &str, words: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((place, word, value)) = words
        .iter()
        .filter_map(|(word, value)| Some((rest.find(word)?, word, value)))
        .min_by_key(|(place, ..)| *place)
    {
        text.push_str(&rest[..place]);
        text.push_str(value);
        rest = &rest[place + word.len()..];
    }
    text + rest
}

/// A list of Python, broken where it is long. JSON's texts are Python's.
fn list(name: &str, texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| json!(text).to_string()).collect();
    let line = format!("[{}]", texts.join(", "));
    if name.len() + 3 + line.len() <= WIDTH {
        return line;
    }
    let mut lines = vec![String::new()];
    for text in texts {
        let last = lines.last_mut();
        match last.filter(|last| last.is_empty() || last.len() + text.len() + 6 <= WIDTH) {
            Some(last) if last.is_empty() => *last = format!("{text},"),
            Some(last) => *last = format!("{last} {text},"),
            None => lines.push(format!("{text},")),
        }
    }
    format!("[\n    {}\n]", lines.join("\n    "))
}

/// A text of the data in a comment: of one line.
fn shown(text: &str) -> String {
    format!(
        "'{}'",
        text.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;
    use trainyard_core::spec;

    fn answers() -> Answers {
        Answers {
            name: "churn".to_owned(),
            uri: "churn/{YYYY}-{MM}.csv".to_owned(),
            by_time: true,
            decimal_comma: false,
            label: "churned".to_owned(),
            task: Task::Classification {
                kind: Kind::Text,
                values: ["no".to_owned(), "yes".to_owned()],
            },
            features: Features {
                numbers: vec!["tenure".to_owned(), "Total \"charges\" #1".to_owned()],
                categories: vec!["plan".to_owned()],
                slice: Some("plan".to_owned()),
                left_out: Vec::new(),
            },
        }
    }

    fn text<'a>(files: &'a [NewFile], path: &str) -> &'a str {
        &files.iter().find(|file| file.path == path).unwrap().text
    }

    /// Whatever is answered, what is written is a pipeline, and nothing of a template is left in it.
    #[test]
    fn every_answer_makes_a_pipeline_without_a_problem() {
        let strange = "@NAME@: \"#' {x}\n\\é";
        for task in [answers().task, Task::Regression] {
            for (by_time, decimal_comma) in [(true, true), (true, false), (false, true), (false, false)] {
                for (label, slice) in [("churned", Some("plan")), (strange, Some(strange)), ("y", None)] {
                    let mut answers = answers();
                    (answers.task, answers.by_time, answers.decimal_comma) = (task.clone(), by_time, decimal_comma);
                    (answers.label, answers.features.slice) = (label.to_owned(), slice.map(str::to_owned));
                    let files = answers.files(Trainer::Sklearn);
                    let pipeline = text(&files, "pipelines/churn/pipeline.yaml");
                    let checked = spec::check("pipeline.yaml", pipeline, &Map::new());
                    assert!(checked.problems.is_empty(), "{:?}\n{pipeline}", checked.problems);
                    let plan = checked.plan.unwrap();
                    let evaluator = plan.steps.values().find(|step| step.component == "Evaluator").unwrap();
                    assert_eq!(evaluator.parameters["label"], *label);
                    assert!(!pipeline.contains('@') || label == strange, "{pipeline}");
                }
            }
        }
    }

    #[test]
    fn what_is_written_for_people() {
        let files = answers().files(Trainer::Sklearn);
        let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        insta::assert_snapshot!(names.join("\n"), @"
        pipelines/churn/pipeline.yaml
        pipelines/churn/features.py
        pipelines/churn/train.py
        pipelines/churn/infer.py
        pipelines/churn/model.py
        pipelines/churn/schema.json
        dockerfiles/churn.Dockerfile
        ");
        let features = text(&files, "pipelines/churn/features.py");
        let constants: Vec<&str> = features
            .lines()
            .skip_while(|line| !line.starts_with("NUMBERS"))
            .take_while(|line| !line.is_empty())
            .collect();
        insta::assert_snapshot!(constants.join("\n"), @r#"
        NUMBERS = ["tenure", "Total \"charges\" #1"]
        CATEGORIES = ["plan"]
        LABEL = "churned"
        VALUES = ["no", "yes"]  # of the label; predicted is the probability of the second
        SLICES = ["plan"]  # kept beside the predictions, for the evaluator to slice by
        "#);
        let numbers = Answers {
            task: Task::Classification {
                kind: Kind::Number,
                values: ["0".to_owned(), "+1,5".to_owned()],
            },
            ..answers()
        };
        let features = numbers.features();
        assert!(features.contains("\nVALUES = [0, 1.5]  # of the label"), "{features}");
    }

    #[test]
    fn long_lists_are_broken() {
        let names: Vec<String> = (0..30).map(|number| format!("column_{number}")).collect();
        let list = list("NUMBERS", &names);
        assert!(list.lines().all(|line| line.len() <= WIDTH), "{list}");
        assert_eq!(list.lines().count(), 6, "{list}");
    }

    /// Where our own trainer was built, the first layers of these images are there.
    #[test]
    fn images_begin_as_our_own_trainer() {
        for trainer in [Trainer::Sklearn, Trainer::Xgboost, Trainer::Pytorch] {
            let files = answers().files(trainer);
            let dockerfile = text(&files, "dockerfiles/churn.Dockerfile");
            assert!(
                dockerfile.contains(packages()) && !dockerfile.contains('@'),
                "{dockerfile}"
            );
        }
        assert!(packages().starts_with("FROM trainyard/base"), "{}", packages());
        assert!(packages().contains("RUN pip install"), "{}", packages());
    }

    #[test]
    fn the_demo_is_copied_with_all_that_it_names() {
        let files = flights();
        let checked = spec::check(
            "pipeline.yaml",
            text(&files, "pipelines/flights/pipeline.yaml"),
            &Map::new(),
        );
        let plan = checked.plan.unwrap();
        let there = |path: &str| files.iter().any(|file| file.path == path);
        let builds = plan.images.values().all(|build| there(&build.dockerfile));
        assert!(builds && plan.files().all(|(_, _, path)| there(path)));
    }
}
