//! `trainyard deliveries`.

use super::door::Door;
use super::output::{self, Table, Tone, plain};
use super::runs::{short, when};
use crate::config::Config;
use crate::views::{
    self, Deliveries as List, DeliveryExplanation, DeliveryItem, ExplainedItem, FilterItem, LookItem, TriggerItem,
};
use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::json;
use std::process::ExitCode;
use trainyard_core::ids::DeliveryId;
use trainyard_core::trigger::FilterResult;
use trainyard_store::{Reads, Unreadable};

/// List what came in, newest first, explain one, or have it looked at anew
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
    trainyard deliveries --limit 5\n  \
    trainyard deliveries explain 72d3162e-cc78      the beginning of the id is enough\n  \
    trainyard deliveries replay 72d3162e-cc78\n  \
    trainyard deliveries --json\n\n\
    The ids of GitHub's webhooks stand in the settings of its App or webhook, below 'Recent deliveries'."
)]
pub(super) struct Deliveries {
    #[command(subcommand)]
    command: Option<Command>,
    /// At most so many, up to 500
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Print as JSON, as GET /api/v1/deliveries answers
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Explain(Explain),
    Replay(Replay),
}

/// Say how a delivery was taken: every trigger, every filter, and which one failed
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard deliveries explain 72d3162e-cc78-11e3-81ab-4c9367dc0958\n  \
    trainyard deliveries explain 72d3162e --json")]
struct Explain {
    /// The delivery; the beginning of its id is enough
    #[arg(value_name = "GUID")]
    id: String,
    /// Print as JSON, as GET /api/v1/deliveries/explain/GUID answers
    #[arg(long)]
    json: bool,
}

/// Have a delivery looked at anew: the pipeline file, the settings or the access may be others now
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard deliveries replay 72d3162e-cc78-11e3-81ab-4c9367dc0958\n  \
    trainyard deliveries replay 72d3162e --force\n\n\
    A running service looks at once; without one the delivery waits for the next `trainyard serve`.")]
struct Replay {
    /// The delivery; the beginning of its id is enough
    #[arg(value_name = "GUID")]
    id: String,
    /// Also where runs followed from it: new ones start
    #[arg(long)]
    force: bool,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

impl Deliveries {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        match &self.command {
            None => self.list(&store).await?,
            Some(Command::Explain(explain)) => explain.perform(&store).await?,
            Some(Command::Replay(replay)) => replay.perform(config, &store).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn list(&self, store: &Reads) -> Result<()> {
        let found = store.deliveries(self.limit).await?;
        let list = List {
            deliveries: found.into_iter().map(Into::into).collect(),
            unreadable: views::sentences(store, Unreadable::is_of_delivery),
        };
        if self.json {
            return output::json(&list);
        }
        let mut text = match list.deliveries.as_slice() {
            [] => "no deliveries\n".to_owned(),
            some => table(some),
        };
        for sentence in &list.unreadable {
            text.push_str(&format!("{} {}\n", Tone::Bad.paint("set aside:"), plain(sentence)));
        }
        output::text(&text)
    }
}

impl Explain {
    async fn perform(&self, store: &Reads) -> Result<()> {
        let id = named(store, &self.id).await?;
        let Some(told) = store.explain_delivery(&id).await? else {
            bail!("there is no delivery '{id}' any more");
        };
        let told = DeliveryExplanation::from(told);
        match self.json {
            true => output::json(&told),
            false => output::text(&render(&told)),
        }
    }
}

impl Replay {
    async fn perform(&self, config: &Config, store: &Reads) -> Result<()> {
        let id = named(store, &self.id).await?;
        let door = Door::open(config).await?;
        let waits = match door.is_service() {
            true => "",
            false => "; it waits for the next `trainyard serve`",
        };
        let asked = door.replay(&id, &super::actor(), self.force).await;
        door.close().await;
        let status = asked?;
        if self.json {
            return output::json(&json!({"delivery": id, "status": status}));
        }
        let said = match status.as_str() {
            "waiting" => "had not been looked at yet",
            _ => "is looked at anew",
        };
        output::text(&format!("delivery {id} {said}{waits}\n"))
    }
}

/// The id of a delivery by its beginning.
async fn named(store: &Reads, asked: &str) -> Result<DeliveryId> {
    match store.delivery_named(asked).await? {
        Some(id) => Ok(id),
        None => bail!("{}", views::no_delivery(store, asked, "").await?),
    }
}

fn table(deliveries: &[DeliveryItem]) -> String {
    let mut table = Table::new(&["DELIVERY", "RECEIVED", "KIND", "RUNS", "OUTCOME"]);
    for delivery in deliveries {
        let runs: Vec<&str> = delivery
            .events
            .iter()
            .flat_map(|event| &event.runs)
            .map(|run| short(run))
            .collect();
        let runs = if runs.is_empty() {
            "–".to_owned()
        } else {
            runs.join(", ")
        };
        table.row(vec![
            delivery.id.clone(),
            when(&delivery.received_at),
            delivery.kind.clone(),
            runs,
            outcome(delivery),
        ]);
    }
    table.render()
}

fn outcome(delivery: &DeliveryItem) -> String {
    match (&delivery.outcome, &delivery.waits_for) {
        (Some(outcome), _) if delivery.flagged.is_some() => format!("flagged: {outcome}"),
        (Some(outcome), _) => outcome.clone(),
        (None, Some(why)) => format!("waits: {why}"),
        (None, None) => "waits to be looked at".to_owned(),
    }
}

fn render(told: &DeliveryExplanation) -> String {
    let delivery = &told.delivery;
    let mut text = format!(
        "delivery {}\n  {} from {}, received {}, {} bytes{}\n",
        plain(&delivery.id),
        plain(&delivery.kind),
        plain(&delivery.origin),
        when(&delivery.received_at),
        told.bytes,
        told.body_sha256
            .as_ref()
            .map_or_else(String::new, |digest| format!(", sha256 {digest}")),
    );
    if let Some(by) = &told.replayed_by {
        let how = if told.forced {
            ", whatever had followed from it"
        } else {
            ""
        };
        text.push_str(&format!("  looked at anew for {}{how}\n", plain(by)));
    }
    text.push_str(&format!("  {}\n", plain(&outcome(delivery))));
    for (event, seen) in told.events.iter().zip(&delivery.events) {
        text.push_str(&of_event(event));
        for run in &seen.runs {
            text.push_str(&format!("  {} run {} started\n", Tone::Good.paint("✓"), plain(run)));
        }
    }
    text
}

fn of_event(event: &ExplainedItem) -> String {
    let what = event.what.as_deref().unwrap_or("an event that cannot be read any more");
    let mut text = format!("\n{}\n", plain(what));
    if event.pipelines.is_empty() {
        text.push_str("  no pipeline was looked at\n");
    }
    for look in &event.pipelines {
        text.push_str(&of_pipeline(look));
    }
    text
}

/// How a pipeline met an event: every trigger, every filter.
pub(super) fn of_pipeline(look: &LookItem) -> String {
    let mut text = format!("  pipeline {} ({})\n", plain(&look.pipeline), plain(&look.folder));
    if let Some(problem) = &look.problem {
        text.push_str(&format!("    {} {}\n", Tone::Bad.paint("✗"), plain(problem)));
    }
    for trigger in &look.triggers {
        text.push_str(&of_trigger(trigger));
        trigger
            .filters
            .iter()
            .for_each(|filter| text.push_str(&of_filter(filter)));
    }
    text
}

fn of_trigger(trigger: &TriggerItem) -> String {
    let (mark, why) = match (trigger.met, trigger.listens) {
        (true, true) => ("✓", "it listens"),
        (true, false) => ("✗", "it does not listen"),
        (false, _) => ("–", "not for this event"),
    };
    format!(
        "    {} {:<14} {why}\n",
        Tone::of(mark).paint(mark),
        plain(&trigger.trigger)
    )
}

fn of_filter(filter: &FilterItem) -> String {
    let mark = match filter.result {
        FilterResult::Passed => "✓",
        FilterResult::Failed => "✗",
        FilterResult::Unknown => "–",
    };
    format!(
        "      {} {:<12} {}\n",
        Tone::of(mark).paint(mark),
        plain(&filter.filter),
        plain(&filter.sentence)
    )
}
