//! Who is told beside GitHub: real requests and real SMTP, to receivers that keep what arrives.

use crate::schedule;
use crate::tiny;
use crate::yard::{SECRET, Yard, until};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::post;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use trainyard_core::notify::{Channel, Condition};
use trainyard_engine::{ChannelConfig, ChannelKind, MailSettings, MailTls, verify_signature};
use trainyard_executors::fake::Script;

/// What arrived, in order: the channel, the headers and the body.
type Inbox = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

/// Receivers of all channels. `busy` ones ask to wait a second.
#[derive(Clone, Default)]
struct Kept {
    arrived: Inbox,
    mails: Arc<Mutex<Vec<String>>>,
    busy: Arc<Mutex<Vec<String>>>,
}

pub struct Receivers {
    url: String,
    smtp: u16,
    kept: Kept,
    _tasks: JoinSet<()>,
}

impl Receivers {
    pub async fn start() -> Self {
        let kept = Kept::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let keep = |State(kept): State<Kept>, Path(name): Path<String>, headers: HeaderMap, body: Bytes| async move {
            if kept.busy.lock().unwrap().contains(&name) {
                return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response();
            }
            kept.arrived.lock().unwrap().push((name, headers, body));
            StatusCode::OK.into_response()
        };
        let router = Router::new().route("/{name}", post(keep)).with_state(kept.clone());
        let mail = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (smtp, mails) = (mail.local_addr().unwrap().port(), Arc::clone(&kept.mails));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        tasks.spawn(async move {
            while let Ok((connection, _)) = mail.accept().await {
                tokio::spawn(take_mail(connection, Arc::clone(&mails)));
            }
        });
        Self {
            url,
            smtp,
            kept,
            _tasks: tasks,
        }
    }

    /// Channels of every kind, which hear what they hear when nobody says.
    pub fn channels(&self) -> Vec<ChannelConfig> {
        let url = |name: &str| SecretString::from(format!("{}/{name}", self.url));
        let mail = MailSettings {
            host: "127.0.0.1".to_owned(),
            port: self.smtp,
            tls: MailTls::None,
            login: None,
            from: "Trainyard <trainyard@example.org>".parse().unwrap(),
            to: vec!["ml@example.org".parse().unwrap()],
        };
        let kinds = [
            ("team", ChannelKind::Slack { url: url("team") }),
            ("mail", ChannelKind::Email(mail)),
            (
                "hook",
                ChannelKind::Webhook {
                    url: url("hook"),
                    secret: SecretString::from(SECRET),
                },
            ),
            (
                "bus",
                ChannelKind::CloudEvents {
                    url: url("bus"),
                    token: Some(SecretString::from("opens the bus")),
                    secret: None,
                },
            ),
        ];
        let channel = |(name, kind): (&str, ChannelKind)| ChannelConfig {
            channel: Channel {
                name: name.to_owned(),
                on: trainyard_engine::usual(&kind).to_vec(),
                pipelines: vec!["*".to_owned()],
            },
            kind,
        };
        kinds.into_iter().map(channel).collect()
    }

    fn arrived(&self, channel: &str) -> Vec<(HeaderMap, Value)> {
        let all = self.kept.arrived.lock().unwrap();
        let of = all.iter().filter(|(name, _, _)| name == channel);
        of.map(|(_, headers, body)| (headers.clone(), serde_json::from_slice(body).unwrap()))
            .collect()
    }

    /// The titles that a channel heard.
    pub fn titles(&self, channel: &str) -> Vec<String> {
        let title = |(_, body): (HeaderMap, Value)| match body["text"].as_str() {
            Some(text) => text.lines().next().unwrap().to_owned(),
            None => body["data"]["title"].as_str().unwrap().to_owned(),
        };
        self.arrived(channel).into_iter().map(title).collect()
    }

    async fn heard(&self, channel: &str, count: usize) -> Vec<String> {
        until(&format!("{count} messages to {channel}"), async || {
            let titles = self.titles(channel);
            (titles.len() >= count).then_some(titles)
        })
        .await
    }
}

/// One SMTP session (RFC 5321), without extensions.
async fn take_mail(connection: TcpStream, mails: Arc<Mutex<Vec<String>>>) {
    let (read, mut write) = connection.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test ESMTP\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.split(' ').next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" => "250 test",
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.unwrap();
                let mut mail = String::new();
                while let Ok(Some(line)) = lines.next_line().await
                    && line != "."
                {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                mails.lock().unwrap().push(mail);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_first_failure_its_end_and_a_rollback_are_told_to_every_channel_once() {
    let receivers = Receivers::start().await;
    let channels = receivers.channels();
    let yard = Yard::with(|config| config.notify = channels).await;
    yard.script("left", |_, _| Script::exits(1, "no left half"));
    yard.push(&[]).await;
    yard.last(1).await;
    yard.push(&[("auc: 0.7", "auc: 0.71")]).await;
    yard.last(2).await;
    yard.script("left", |_, program| tiny::usual(program));
    yard.push(&[("auc: 0.7", "auc: 0.72")]).await;
    yard.last(3).await;
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    yard.last(4).await;
    yard.engine.roll_back("tiny", "ada", Some("too eager")).await.unwrap();

    let mut team = receivers.heard("team", 5).await;
    yard.all_told().await;
    // Of one run all is told in one order; which of them is over first is another matter.
    team[1..3].sort();
    insta::assert_snapshot!(team.join("\n"), @"
    *tiny failed on main of acme/tiny*
    *tiny is well again on main of acme/tiny*
    *tiny: version 000001 serves at tiny*
    *tiny: version 000002 serves at tiny*
    *tiny: target tiny was rolled back to version 000001*
    ");
    insta::assert_snapshot!(receivers.titles("bus").join("\n"), @"
    tiny failed on main of acme/tiny
    tiny failed on main of acme/tiny
    tiny: model approved on main of acme/tiny
    tiny: version 000001 serves at tiny
    tiny succeeded on main of acme/tiny
    tiny: model approved on main of acme/tiny
    tiny: version 000002 serves at tiny
    tiny succeeded on main of acme/tiny
    tiny: target tiny was rolled back to version 000001
    ");
    assert_eq!(receivers.titles("hook").len(), 5);
    assert_eq!(receivers.kept.mails.lock().unwrap().len(), 5);

    let (headers, event) = receivers.arrived("bus").remove(0);
    assert_eq!(headers["authorization"], "Bearer opens the bus");
    assert_eq!(headers["content-type"], "application/cloudevents+json; charset=utf-8");
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "io.trainyard.run.finished");
    let kept = receivers.kept.arrived.lock().unwrap();
    let (_, headers, body) = kept.iter().find(|(name, _, _)| name == "hook").unwrap();
    let signature = headers["x-trainyard-signature-256"].to_str().unwrap();
    assert!(verify_signature(&[SecretString::from(SECRET)], Some(signature), body).is_ok());
    assert!(verify_signature(&[SecretString::from("another")], Some(signature), body).is_err());
    let mail = receivers.kept.mails.lock().unwrap()[0].clone();
    for line in [
        "From: Trainyard <trainyard@example.org>",
        "To: ml@example.org",
        "Subject: [trainyard] tiny failed on main",
    ] {
        assert!(mail.contains(line), "{mail}");
    }
}

#[tokio::test]
async fn a_channel_that_is_busy_hears_later_and_keeps_nobody_from_hearing() {
    let receivers = Receivers::start().await;
    let channels = receivers.channels();
    receivers.kept.busy.lock().unwrap().push("team".to_owned());
    let mut yard = Yard::with(|config| config.notify = channels).await;
    yard.push(&[]).await;
    yard.last(1).await;
    receivers.heard("hook", 1).await;
    assert!(receivers.titles("team").is_empty());
    yard.crash().await;
    receivers.kept.busy.lock().unwrap().clear();
    yard.restart().await;
    receivers.heard("team", 1).await;
    yard.all_told().await;
    assert_eq!(receivers.titles("team"), ["*tiny: version 000001 serves at tiny*"]);
}

#[tokio::test]
async fn the_default_branchs_file_says_who_is_told() {
    let receivers = Receivers::start().await;
    let mut channels = receivers.channels();
    channels.retain(|config| config.channel.name != "mail");
    channels[0].channel.on = vec![Condition::Failed];
    let yard = Yard::with(|config| config.notify = channels).await;
    let rules = (
        "push: { target: tiny }",
        "push: { target: tiny }\nnotify: { team: [pushed], hook: [], gone: [failed] }",
    );
    yard.push(&[rules]).await;
    yard.last(1).await;
    receivers.heard("team", 1).await;
    receivers.heard("bus", 3).await;
    yard.all_told().await;
    assert_eq!(receivers.titles("team"), ["*tiny: version 000001 serves at tiny*"]);
    assert!(receivers.titles("hook").is_empty());
}

#[tokio::test]
async fn drift_is_told_of_a_run_that_it_stops_and_again_when_it_is_over() {
    let receivers = Receivers::start().await;
    let mut channels = receivers.channels();
    channels[0].channel.on = vec![Condition::Drift];
    let yard = Yard::with(|config| config.notify = channels).await;
    let says = |drifted: Value| json!({"artifacts": {"half": {"properties": {"drifted": drifted}}}}).to_string();
    let drifts = says(json!(["column 'temp' drifted by 0.7"]));
    yard.script("left", move |_, _| {
        Script::exits(1, "drift").and("executor_output.json", drifts.clone())
    });
    yard.push(&[]).await;
    yard.last(1).await;
    yard.push(&[("auc: 0.7", "auc: 0.71")]).await;
    yard.last(2).await;
    let well = says(json!([]));
    yard.script("left", move |_, program| {
        tiny::usual(program).and("executor_output.json", well.clone())
    });
    yard.push(&[("auc: 0.7", "auc: 0.72")]).await;
    yard.last(3).await;
    receivers.heard("team", 2).await;
    yard.all_told().await;
    let said: Vec<String> = receivers
        .arrived("team")
        .into_iter()
        .map(|(_, body)| body["text"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        said[0].contains("*tiny: the data drift on main of acme/tiny*\ncolumn 'temp' drifted by 0.7\n"),
        "{said:?}"
    );
    assert!(
        said[1].contains("*tiny: the data no longer drift on main of acme/tiny*"),
        "{said:?}"
    );
    assert_eq!(said.len(), 2);
}

#[tokio::test]
async fn a_schedule_that_was_missed_is_told_once() {
    let receivers = Receivers::start().await;
    let mut yard = schedule::missed().await;
    yard.config.notify = receivers.channels();
    yard.restart().await;
    yard.finished(2).await;
    receivers.heard("team", 1).await;
    yard.restart().await;
    yard.all_told().await;
    let told = receivers.titles("team");
    let missed: Vec<_> = told.iter().filter(|title| title.contains("schedule")).collect();
    assert_eq!(missed, ["*tiny: its schedule was missed*"]);
}
