//! `trainyard init`.

use super::lint::count;
use super::output::{self, plain};
use crate::config::Config;
use crate::init::choose::{self, ChoiceError, Features, Task};
use crate::init::data::Data;
use crate::init::sample::{Kind, Sample};
use crate::init::{Answers, NewFile, Trainer, flights, write};
use anyhow::{Result, anyhow, bail};
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use trainyard_core::log::several_lines;

/// Write a pipeline for your own data: steps, trainer, image, gate, and an empty schema
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard init                                        asks what it cannot see\n  \
    trainyard init --data churn --label churned --name churn\n  \
    trainyard init --data 'sales/{YYYY}-{MM}.csv' --label price --name sales --from xgboost\n  \
    trainyard init --from flights                         the pipeline of the demo\n\n\
    Data are below data_root of trainyard.toml, ./data if there is none. What is there is never overwritten.")]
pub(super) struct Init {
    /// What trains: a library, or the whole pipeline of the demo
    #[arg(long, value_enum, default_value_t = From::Sklearn)]
    from: From,
    /// The name of the pipeline and of its folder
    #[arg(long)]
    name: Option<String>,
    /// The folder of the data files, one of them, or their pattern below data_root
    #[arg(long, value_name = "FOLDER|PATTERN")]
    data: Option<String>,
    /// A file to read the columns from; the newest of the data if absent
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
    /// The column to predict: a number, or one with two values
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// The two values of the label; the model gives the probability of the second
    #[arg(
        long,
        value_name = "VALUE,VALUE",
        value_delimiter = ',',
        num_args = 1,
        conflicts_with = "regression"
    )]
    values: Vec<String>,
    /// The label is a number, also where the sample has two of them only
    #[arg(long)]
    regression: bool,
    /// The columns to predict by, all useful ones if absent; without a sample `COLUMN:text` where one is no number
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', num_args = 1)]
    columns: Vec<String>,
    /// The top of the repository
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Print what was written and what was chosen as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum From {
    Sklearn,
    Xgboost,
    Pytorch,
    Flights,
}

impl Init {
    pub(super) fn perform(self, config: &Config) -> Result<ExitCode> {
        let trainer = match self.from {
            From::Sklearn => Trainer::Sklearn,
            From::Xgboost => Trainer::Xgboost,
            From::Pytorch => Trainer::Pytorch,
            From::Flights => return self.copy_flights(config),
        };
        let (answers, data) = self.answers(config)?;
        let files = answers.files(trainer);
        write(&self.dir, &files)?;
        self.tell(&files, Some(&answers), &chosen(&answers, &data), &answers.name)
    }

    /// The demo's pipeline is what it is: it has its own name, data and label.
    fn copy_flights(&self, config: &Config) -> Result<ExitCode> {
        let given = [
            ("--name", self.name.is_some()),
            ("--data", self.data.is_some()),
            ("--sample", self.sample.is_some()),
            ("--label", self.label.is_some()),
            ("--columns", !self.columns.is_empty()),
            ("--values", !self.values.is_empty()),
            ("--regression", self.regression),
        ];
        if let Some((flag, _)) = given.iter().find(|(_, given)| *given) {
            bail!("--from flights is the demo's pipeline as it is, and takes no {flag}: leave one of them out");
        }
        let files = flights();
        write(&self.dir, &files)?;
        let folder = config.data_root.join("flights");
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let folder = folder.display();
        let data = format!(
            "its data, after `make images`: install -d -m 777 {folder} && docker run --rm -v {folder}:/out trainyard/flights-data /out\n"
        );
        self.tell(&files, None, &data, "flights")
    }

    /// What was written, what was chosen, and what comes next.
    fn tell(&self, files: &[NewFile], answers: Option<&Answers>, chosen: &str, name: &str) -> Result<ExitCode> {
        let paths: Vec<String> = files.iter().map(|file| file.shown(&self.dir)).collect();
        let folder = self.dir.join("pipelines").join(name);
        let folder = folder.strip_prefix(".").unwrap_or(&folder).display().to_string();
        let next = ["lint", "run"].map(|command| format!("trainyard {command} {}", quoted(&folder)));
        if self.json {
            let chosen = answers.map(|answers| {
                json!({
                    "name": answers.name, "data": answers.uri, "label": answers.label,
                    "numbers": answers.features.numbers, "categories": answers.features.categories,
                    "left_out": answers.features.left_out.iter().map(|(name, why)| json!({"column": name, "why": why}))
                        .collect::<Vec<_>>(),
                })
            });
            output::json(&json!({"files": paths, "chosen": chosen, "next": next}))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut text = String::new();
        for path in &paths {
            text += &format!("wrote {path}\n");
        }
        text += &format!("\n{chosen}\nnext:\n  {}\n", next.join("\n  "));
        output::text(&text)?;
        Ok(ExitCode::SUCCESS)
    }

    /// What the flags say, what the sample tells, and what a person answers, in this order.
    fn answers(&self, config: &Config) -> Result<(Answers, Data)> {
        let root = std::path::absolute(&config.data_root)?;
        let asked = match (&self.data, &self.sample) {
            (Some(data), _) => data.clone(),
            (None, Some(sample)) => sample.display().to_string(),
            (None, None) => ask(
                "--data",
                "Where are the data? A folder, a file, or a pattern",
                None,
                |answer| Ok(Data::find(&root, answer).map(drop)?),
            )?,
        };
        let data = Data::find(&root, &asked)?;
        let sample = self.read_sample(&data)?;
        let label = match (&self.label, &sample) {
            (Some(label), _) => label.clone(),
            (None, Some(sample)) => {
                let names: Vec<String> = sample.columns.iter().map(|column| plain(&column.name)).collect();
                let question = format!("Which column is predicted? There are {}", names.join(", "));
                let fits = |answer: &str| Ok(self.task(sample, answer).map(drop)?);
                ask("--label", &question, choose::suggested_label(sample), fits)?
            }
            (None, None) => ask("--label", "Which column is predicted?", None, any)?,
        };
        let (task, features) = match &sample {
            Some(sample) => (
                self.task(sample, &label)?,
                choose::features(sample, &label, &self.columns)?,
            ),
            None => (
                self.task_unseen(&label)?,
                features_unseen(&self.columns_unseen()?, &label)?,
            ),
        };
        let name = match &self.name {
            Some(name) => name.clone(),
            None => ask(
                "--name",
                "How is the pipeline called?",
                Some(data.name().as_str()),
                check_name,
            )?,
        };
        check_name(&name)?;
        let answers = Answers {
            name,
            uri: data.uri.clone(),
            by_time: data.spans > 1 || (data.spans == 0 && data.uri.contains('{')),
            decimal_comma: sample.is_some_and(|sample| sample.decimal_comma),
            label,
            task,
            features,
        };
        Ok((answers, data))
    }

    /// The columns of the sample, or of the newest file. Who names the columns needs neither.
    fn read_sample(&self, data: &Data) -> Result<Option<Sample>> {
        // Who is there can be asked for them.
        let missing = self.columns.is_empty() && !std::io::stdin().is_terminal();
        let Some(path) = self.sample.as_ref().or(data.newest.as_ref()) else {
            if missing {
                bail!(
                    "no file is like {} yet: put one there, or name a --sample FILE, or the columns with --columns",
                    data.uri
                );
            }
            return Ok(None);
        };
        let name = path.display();
        if path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
        {
            if missing {
                bail!(
                    "{name} is Parquet, of which the columns are not read here: name them with --columns, or a .csv file with --sample"
                );
            }
            return Ok(None);
        }
        let file = std::fs::File::open(path).map_err(|error| anyhow!("{name} cannot be read: {error}"))?;
        let sample = Sample::read(file).map_err(|error| anyhow!("{name} tells no columns: {error}"))?;
        Ok(Some(sample))
    }

    /// What is predicted, as the flags or the sample say.
    fn task(&self, sample: &Sample, label: &str) -> Result<Task, ChoiceError> {
        let found = choose::task(sample, label);
        let kind = sample.columns.iter().find(|column| column.name == label);
        let kind = kind.map_or(Kind::Text, |column| column.kind);
        Ok(match self.values.as_slice() {
            [first, second] => Task::Classification {
                kind,
                values: [first.clone(), second.clone()],
            },
            _ if self.regression && kind == Kind::Number => found.map(|_| Task::Regression)?,
            _ => found?,
        })
    }

    /// The same without a sample.
    fn task_unseen(&self, label: &str) -> Result<Task> {
        if self.regression {
            return Ok(Task::Regression);
        }
        if let Some(task) = of_two(&self.values) {
            return Ok(task);
        }
        if !std::io::stdin().is_terminal() {
            bail!(
                "without a sample nobody knows what '{label}' is: say --regression, or its two values with --values no,yes"
            );
        }
        let question = format!(
            "Which two values has {}? With a comma; nothing if it is a number",
            plain(label)
        );
        let fits = |answer: &str| match answer == NUMBER || of_two(&listed(answer)).is_some() {
            true => Ok(()),
            false => bail!("write two values with a comma between them, for example no,yes"),
        };
        let answer = ask("--values", &question, Some(NUMBER), fits)?;
        Ok(of_two(&listed(&answer)).unwrap_or(Task::Regression))
    }

    /// The columns that flags name, or a person.
    fn columns_unseen(&self) -> Result<Vec<String>> {
        if !self.columns.is_empty() {
            return Ok(self.columns.clone());
        }
        let question = "By which columns is it predicted? With commas, and COLUMN:text where one is no number";
        Ok(listed(&ask("--columns", question, None, any)?))
    }
}

/// What stands for a label that is a number.
const NUMBER: &str = "number";

/// Words with commas between them.
fn listed(text: &str) -> Vec<String> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// Which of two values a row has.
fn of_two(values: &[String]) -> Option<Task> {
    let [first, second] = values else { return None };
    let numbers = values.iter().all(|value| value.parse::<f64>().is_ok());
    Some(Task::Classification {
        kind: if numbers { Kind::Number } else { Kind::Text },
        values: [first.clone(), second.clone()],
    })
}

fn features_unseen(columns: &[String], label: &str) -> Result<Features> {
    let mut features = Features::default();
    for column in columns.iter().filter(|column| *column != label) {
        match column.strip_suffix(":text") {
            Some(text) => features.categories.push(text.to_owned()),
            None => features
                .numbers
                .push(column.strip_suffix(":number").unwrap_or(column).to_owned()),
        }
    }
    match features.numbers.is_empty() && features.categories.is_empty() {
        true => Err(ChoiceError::NoFeature(label.to_owned()).into()),
        false => Ok(features),
    }
}

/// What was chosen, for who wants to see whether it is right.
fn chosen(answers: &Answers, data: &Data) -> String {
    let label = plain(&answers.label);
    let what = match &answers.task {
        Task::Classification { values, .. } => {
            let [first, second] = values.each_ref().map(|value| plain(value));
            format!("the probability that {label} is {second}, and not {first}")
        }
        Task::Regression => format!("the number {label}"),
    };
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        some => some.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", "),
    };
    let judged = match (answers.by_time, data.spans) {
        (true, _) => "by the newest span, which is left out of training",
        (false, 1) if data.uri.contains('{') => {
            "by one row in five, since there is one span only; `trainyard init` again when there are more"
        }
        (false, _) => "by one row in five, which is left out of training",
    };
    let mut text = format!(
        "data        {} ({} now)\npredicts    {what}\nnumbers     {}\ncategories  {}\njudged      {judged}\n",
        plain(&data.uri),
        count(data.spans, "span"),
        list(&answers.features.numbers),
        list(&answers.features.categories),
    );
    for (name, why) in &answers.features.left_out {
        text += &format!("left out    {}: {why}\n", plain(name));
    }
    text
}

/// Any answer will do.
fn any(_: &str) -> Result<()> {
    Ok(())
}

/// Asks a person who is there, until the answer fits; nobody is asked what a flag says.
fn ask(flag: &str, question: &str, suggestion: Option<&str>, fits: impl Fn(&str) -> Result<()>) -> Result<String> {
    let suggestion = suggestion.filter(|text| !text.is_empty());
    if !std::io::stdin().is_terminal() {
        let example = suggestion.map_or(String::new(), |text| format!(", for example {flag} {}", quoted(text)));
        bail!("{flag} is missing, and there is no terminal to ask at: give it{example}");
    }
    loop {
        let default = suggestion.map_or(String::new(), |text| format!(" [{}]", plain(text)));
        eprint!("{question}{default}: ");
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            bail!("{flag} was not answered, and nothing was written");
        }
        let answer = match (line.trim(), suggestion) {
            ("", None) => continue,
            ("", Some(text)) => text,
            (answer, _) => answer,
        };
        match fits(answer) {
            Ok(()) => return Ok(answer.to_owned()),
            Err(why) => eprintln!("{}", several_lines(&why.to_string())),
        }
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    match plain {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

fn check_name(name: &str) -> Result<()> {
    match is_name(name) {
        true => Ok(()),
        false => {
            bail!("'{name}' cannot be the name of a pipeline: a-z, 0-9, - and _, a letter first, at most 63 characters")
        }
    }
}

/// As pipeline files take it.
fn is_name(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(legal) && text.len() <= 63
}
