//! Notices as the programs take them that bring them to people: Slack and its like, mail, receivers of Prometheus's
//! Alertmanager, and CloudEvents.

use super::made::What;
use super::notice::Notice;
use crate::ids::Micros;
use crate::log;
use crate::plan::Condition;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// Characters of a message; Slack takes 40,000, and nobody reads them.
const MOST_TEXT: usize = 3000;
/// Characters of a line that is all that many people see.
const MOST_TITLE: usize = 200;
/// The source of events of a service that has no address.
const NAMELESS: &str = "/trainyard";
/// What Alertmanager writes for an alert that is not over.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A mail's subject and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

impl Notice {
    fn heading(&self) -> String {
        cut(&log::one_line(&self.title()), MOST_TITLE)
    }

    fn text(&self) -> String {
        let lines: Vec<String> = self.lines().iter().map(|line| log::one_line(line)).collect();
        cut(&lines.join("\n"), MOST_TEXT)
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// The JSON of Slack's incoming webhooks, which Mattermost, Rocket.Chat and others take as well. Source: Slack's
/// "Sending messages using incoming webhooks" and "Formatting text for app surfaces".
pub fn slack(notice: &Notice, base: Option<&str>) -> Value {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut text = format!("*{}*\n{}", escaped(&notice.heading()), escaped(&notice.text()));
    if let Some(url) = notice.url(base) {
        let url: String = url
            .chars()
            .filter(|c| !c.is_whitespace() && !"<>|".contains(*c))
            .collect();
        text.push_str(&format!("\n<{url}|details>"));
    }
    json!({"text": text})
}

/// The mail that says it.
pub fn mail(notice: &Notice, base: Option<&str>) -> Mail {
    let mut text = format!("{}\n\n{}\n", notice.heading(), notice.text());
    if let Some(url) = notice.url(base) {
        text.push_str(&format!("\n{url}\n"));
    }
    Mail {
        subject: format!("[trainyard] {}", notice.heading()),
        text,
    }
}

/// A CloudEvent in structured JSON (CloudEvents 1.0); its source is `base`, the address of the service, where it has one.
pub fn cloud_event(notice: &Notice, base: Option<&str>) -> Value {
    json!({
        "specversion": "1.0",
        "id": notice.id(),
        "source": base.unwrap_or(NAMELESS),
        "type": event_type(notice.condition),
        "subject": notice.news.about.pipeline,
        "time": notice.news.at.rfc3339(),
        "datacontenttype": "application/json",
        "data": data(notice, base),
    })
}

fn event_type(condition: Condition) -> &'static str {
    match condition {
        Condition::Finished => "io.trainyard.run.finished",
        Condition::Judged => "io.trainyard.gate.judged",
        Condition::Pushed => "io.trainyard.model.pushed",
        Condition::RolledBack => "io.trainyard.model.rolled_back",
        Condition::ScheduleMissed => "io.trainyard.schedule.missed",
        Condition::Failed => "io.trainyard.pipeline.failed",
        Condition::Rejected => "io.trainyard.pipeline.rejected",
        Condition::Recovered => "io.trainyard.pipeline.recovered",
        Condition::WaitingForApproval => "io.trainyard.approval.requested",
        Condition::Drift => "io.trainyard.data.drifted",
    }
}

/// What programs read: of what it is, and what happened.
fn data(notice: &Notice, base: Option<&str>) -> Value {
    let (news, about) = (&notice.news, &notice.news.about);
    let mut data = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            data.insert(key.to_owned(), value);
        }
    };
    put("condition", json!(notice.condition));
    put("title", json!(notice.heading()));
    put("text", json!(notice.text()));
    put("pipeline", json!(about.pipeline));
    put("repository", json!(about.repo));
    put("branch", json!(about.branch));
    put("pull_request", json!(about.pull_request));
    put("commit", json!(about.commit));
    put("run", json!(about.run));
    put("cause", json!(about.cause));
    put("url", json!(notice.url(base)));
    put("trial", if about.trial { json!(true) } else { Value::Null });
    put("over", if notice.over { json!(true) } else { Value::Null });
    if let Some(since) = &notice.since {
        put(
            "since",
            json!({"what": since.what, "run": since.run, "at": since.at.rfc3339()}),
        );
    }
    match &news.what {
        What::Finished {
            state,
            blessing,
            failures,
            drifted,
            ..
        } => {
            put("state", json!(state));
            put("blessing", json!(blessing));
            put(
                "failures",
                if failures.is_empty() {
                    Value::Null
                } else {
                    json!(failures)
                },
            );
            put("drifted", json!(drifted));
        }
        What::Judged {
            blessing,
            model,
            failures,
        } => {
            put("blessing", json!(blessing));
            put("model", json!(model));
            put(
                "failures",
                if failures.is_empty() {
                    Value::Null
                } else {
                    json!(failures)
                },
            );
        }
        What::Pushed { change } => put("serving", json!(change)),
        What::RolledBack { change, from } => {
            put("serving", json!(change));
            put("withdrawn", json!(from));
        }
        What::WaitingForApproval { .. } => {}
        What::ScheduleMissed { cron, timezone, missed } => {
            put("cron", json!(cron));
            put("timezone", json!(timezone));
            put("first", json!(missed.first.rfc3339()));
            put("last", json!(missed.last.rfc3339()));
            put("count", json!(missed.count));
            put("caught_up", json!(missed.caught_up));
        }
    }
    Value::Object(data)
}

/// The JSON that Alertmanager posts to its receivers (version 4), with our own `id` and `data` beside it. What lasts is
/// *firing* until it is told as *resolved*, with the labels and the fingerprint that it had. Source: Prometheus's
/// "Alerting: configuration, webhook_config".
pub fn alert(notice: &Notice, base: Option<&str>) -> Value {
    let about = &notice.news.about;
    let labels = |condition: Condition| {
        let mut labels = Map::new();
        let mut put = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                labels.insert(key.to_owned(), value.into());
            }
        };
        put("alertname", Some(alert_name(condition).to_owned()));
        put("branch", about.branch.clone());
        put("pipeline", Some(about.pipeline.clone()));
        put("pull_request", about.pull_request.map(|number| number.to_string()));
        put("repository", about.repo.as_ref().map(ToString::to_string));
        put("severity", Some(severity(condition).to_owned()));
        labels
    };
    let annotations = json!({"summary": notice.heading(), "description": notice.text()});
    let alert = |condition: Condition, starts: Micros, ends: Option<Micros>| {
        let labels = labels(condition);
        let mut print = hex::encode(Sha256::digest(Value::Object(labels.clone()).to_string().as_bytes()));
        print.truncate(16);
        json!({
            "status": if ends.is_some() { "resolved" } else { "firing" },
            "labels": labels,
            "annotations": annotations,
            "startsAt": starts.rfc3339(),
            "endsAt": ends.map_or_else(|| NEVER.to_owned(), Micros::rfc3339),
            "generatorURL": notice.url(base).unwrap_or_default(),
            "fingerprint": print,
        })
    };
    let at = notice.news.at;
    let ended = notice.since.as_ref().map(|since| alert(since.what, since.at, Some(at)));
    let own = (!notice.over).then(|| alert(notice.condition, at, None));
    let alerts: Vec<Value> = own.into_iter().chain(ended).collect();
    let firing = alerts.iter().any(|alert| alert["status"] == "firing");
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{{pipeline={}}}", json!(about.pipeline)),
        "truncatedAlerts": 0,
        "status": if firing { "firing" } else { "resolved" },
        "receiver": notice.channel,
        "groupLabels": {"pipeline": about.pipeline},
        "commonLabels": {"pipeline": about.pipeline},
        "commonAnnotations": annotations,
        "externalURL": base.unwrap_or_default(),
        "alerts": alerts,
        "id": notice.id(),
        "data": data(notice, base),
    })
}

fn alert_name(condition: Condition) -> &'static str {
    match condition {
        Condition::Failed => "TrainyardFailed",
        Condition::Rejected => "TrainyardRejected",
        Condition::Recovered => "TrainyardRecovered",
        Condition::Pushed => "TrainyardPushed",
        Condition::RolledBack => "TrainyardRolledBack",
        Condition::WaitingForApproval => "TrainyardWaitingForApproval",
        Condition::Drift => "TrainyardDrift",
        Condition::ScheduleMissed => "TrainyardScheduleMissed",
        Condition::Finished => "TrainyardFinished",
        Condition::Judged => "TrainyardJudged",
    }
}

fn severity(condition: Condition) -> &'static str {
    match condition {
        Condition::Failed => "critical",
        Condition::Rejected | Condition::Drift | Condition::ScheduleMissed | Condition::RolledBack => "warning",
        _ => "info",
    }
}
