//! `trainyard data`.

use super::output::{self, Table, plain};
use super::runs;
use crate::config::Config;
use crate::views::{RunData, SourceView, Sources};
use anyhow::{Result, bail};
use std::fmt::Write as _;
use std::process::ExitCode;
use trainyard_core::inbound::KnownPipeline;
use trainyard_engine::{Engine, JudgedSplit};

/// Show data sources, their spans, and what runs measured of them
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard data\n  trainyard data flights\n  trainyard data flights --pipeline flights --json\n  \
    trainyard data --run 0192f0c1-2b3c"
)]
pub(super) struct Data {
    /// Only this source, with its spans and the runs that read it
    #[arg(conflicts_with = "run")]
    source: Option<String>,
    /// The pipeline whose source it is, where several have one of that name
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// What the validators of this run met; the beginning of its id is enough
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Print as JSON, as the API answers
    #[arg(long)]
    json: bool,
}

impl Data {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        if let Some(run) = &self.run {
            let run = store.load_run(&runs::row(&store, run).await?.id).await?;
            let told = RunData {
                run: run.request.id.to_string(),
                data: trainyard_engine::judged_data(&config.engine()?, run).await?,
            };
            return self.tell(&told, of_run);
        }
        let external = Engine::external_of(&config.engine()?)?;
        let mut known = store.pipelines().await?;
        known.retain(|known| self.pipeline.as_ref().is_none_or(|name| *name == known.name));
        let Some(source) = &self.source else {
            return self.tell(&Sources::read(&external, &known).await, of_all);
        };
        known.retain(|known| known.plan.data.contains_key(source));
        let known = match known.as_slice() {
            [one] => one,
            [] => bail!("no pipeline has a data source '{source}': `trainyard data` lists those there are"),
            several => {
                let name = |known: &KnownPipeline| format!("{} of {}", known.name, known.repo);
                let names: Vec<String> = several.iter().map(name).collect();
                bail!(
                    "several pipelines have a data source '{source}' ({}): name one with --pipeline",
                    names.join(", ")
                )
            }
        };
        match SourceView::read(&store, &external, known, source).await? {
            Some((view, _)) => self.tell(&view, of_source),
            None => bail!("no pipeline has a data source '{source}': `trainyard data` lists those there are"),
        }
    }

    fn tell<T: serde::Serialize>(&self, told: &T, words: impl Fn(&T) -> String) -> Result<ExitCode> {
        match self.json {
            true => output::json(told)?,
            false => output::text(&words(told))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn of_all(all: &Sources) -> String {
    if all.sources.is_empty() {
        return "no pipeline names a data source: write one under `data` of a pipeline file\n".to_owned();
    }
    let mut table = Table::new(&["SOURCE", "PIPELINE", "REPOSITORY", "SPANS", "NEWEST", "WHERE"]);
    for item in &all.sources {
        table.row(vec![
            item.source.clone(),
            item.pipeline.clone(),
            item.repo.clone(),
            item.spans.to_string(),
            item.newest.clone().unwrap_or_else(|| "–".to_owned()),
            item.uri.clone(),
        ]);
    }
    table.render()
}

fn of_source(view: &SourceView) -> String {
    let item = &view.item;
    let mut text = format!("{} of {} in {}, {}\n", item.source, item.pipeline, item.repo, item.uri);
    if let Some(problem) = &item.problem {
        let _ = writeln!(text, "{problem}");
    }
    let mut text = plain(text.trim_end()) + "\n";
    let mut spans = Table::new(&["SPAN", "VERSIONS", "FILES", "READ BY"]);
    for span in &view.spans {
        let versions: Vec<String> = span.versions.iter().map(ToString::to_string).collect();
        let readers: Vec<&str> = span.read_by.iter().map(|run| runs::short(run)).collect();
        spans.row(vec![
            span.span.clone(),
            versions.join(" "),
            span.files.to_string(),
            readers.join(" "),
        ]);
    }
    text.push_str(&spans.render());
    text
}

fn of_run(told: &RunData) -> String {
    let mut text = String::new();
    for data in &told.data {
        let span = data.span.as_ref().map(|span| format!(", span {span}"));
        let _ = writeln!(text, "{}{}", plain(&data.step), plain(&span.unwrap_or_default()));
        for problem in &data.problems {
            let _ = writeln!(text, "! {}", plain(problem));
        }
        for split in &data.splits {
            text.push_str(&of_split(split));
        }
    }
    match text.is_empty() {
        true => format!("run {} measured no data so far\n", told.run),
        false => text,
    }
}

fn of_split(split: &JudgedSplit) -> String {
    let rows = split.rows.now.unwrap_or_default();
    let mut text = format!("split {}: {rows} rows\n", plain(&split.name));
    for anomaly in &split.anomalies {
        let _ = writeln!(text, "✗ {}", plain(&anomaly.sentence));
    }
    let mut table = Table::new(&[
        "COLUMN", "TYPE", "MISSING", "DISTANCE", "VALUE", "ALLOWED", "", "ANOMALY",
    ]);
    for column in &split.features {
        let missing = column.missing.now.map(|share| format!("{:.1}%", share * 100.0));
        let far = column.distances.first();
        let allowed = |far: &trainyard_engine::FeatureDistance| far.null_quantile.unwrap_or(0.0).max(far.threshold);
        table.row(vec![
            column.name.clone(),
            column.kind.to_lowercase(),
            missing.unwrap_or_else(|| "–".to_owned()),
            far.map_or("–", |far| far.words()).to_owned(),
            far.map_or_else(|| "–".to_owned(), |far| format!("{:.4}", far.value)),
            far.map_or_else(|| "–".to_owned(), |far| format!("{:.4}", allowed(far))),
            far.map_or("", |far| if far.fires { "✗" } else { "✓" }).to_owned(),
            column
                .anomalies
                .first()
                .map(|found| found.sentence.clone())
                .unwrap_or_default(),
        ]);
    }
    text + &table.render()
}
