//! Everything outside of the service: GitHub, programs, the receiver of models, the database's disk; and what of it
//! goes wrong, as the seed says.

use super::dice::{Dice, Rolls};
use super::endpoint::Reply;
use super::time;
use crate::tiny::{self, Task};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::hash::{DefaultHasher, Hash};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use trainyard_core::ids::CommitSha;
use trainyard_executors::fake::Script;
use trainyard_executors::{AttemptKey, Program};
use trainyard_github::git::scripted::{Scripted, ScriptedCommit};
use trainyard_store::StatementFate;

pub type Shared = Arc<Mutex<World>>;

/// What serves models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Status,
    NoStatus,
    Folder,
}

/// Something that happens at its time.
#[derive(Clone, Debug)]
pub enum Happens {
    /// A webhook arrives, perhaps again.
    Delivery(usize),
    /// A span of data, and word of it.
    Data {
        id: u64,
        span: String,
    },
    Cancel,
    RollBack,
    Hold(bool),
    Crash,
    /// The machine's clock is set.
    Clock(i64),
    /// The executor answers nobody for so many calls.
    Unreachable(u32),
    /// The database fails, after so many statements, so many times.
    Store {
        after: u64,
        times: u64,
        fate: StatementFate,
    },
    /// GitHub fails so many times.
    GitHub(u64),
    /// The status page is away, or is there again.
    Status(bool),
    /// It happens in the middle of what the service does, after so many statements.
    Midst {
        after: u64,
        what: Box<Happens>,
    },
    Finish(AttemptKey),
    Lose(AttemptKey),
    /// The receiver does what it heard long ago.
    Act {
        version: String,
        digest: Option<String>,
    },
}

/// A receiver that takes the first model of a version and keeps it, whatever is sent under that version later.
#[derive(Debug, Default)]
pub struct Receiver {
    taken: BTreeMap<String, String>,
    serving: Option<String>,
    away: bool,
    /// Number and digest of every push it was told of.
    pub told: Vec<(String, String)>,
}

impl Receiver {
    pub fn serves(&self) -> Option<(String, Option<String>)> {
        let version = self.serving.clone()?;
        let digest = self.taken.get(&version).cloned();
        Some((version, digest))
    }

    fn act(&mut self, version: &str, digest: Option<&str>) {
        if let Some(digest) = digest {
            let taken = self.taken.entry(version.to_owned());
            taken.or_insert_with(|| digest.to_owned());
        }
        self.serving = Some(version.to_owned());
    }

    fn says(&self) -> Value {
        match self.serves() {
            None => json!({"version": null}),
            Some((version, digest)) => json!({"version": version, "digest": digest}),
        }
    }
}

/// A webhook that GitHub may send.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: String,
    pub body: String,
}

pub struct World {
    pub dice: Dice,
    pub kind: Kind,
    pub trace: Vec<String>,
    pub deliveries: Vec<Delivery>,
    /// Deliveries that were answered with a 2xx.
    pub accepted: BTreeSet<String>,
    pub receiver: Receiver,
    /// States by commit and context.
    pub statuses: BTreeMap<(String, String), Vec<String>>,
    /// Nothing goes wrong any more.
    pub calm: bool,
    pub crash: Arc<Notify>,
    /// The timeline has something new.
    pub changed: Arc<Notify>,
    later: BTreeMap<(i64, u64), Happens>,
    counts: HashMap<&'static str, u64>,
    github_fails: u64,
    statements: u64,
    /// Of all statements, in their order: histories that only look alike differ in it.
    pub order: DefaultHasher,
    fails: Option<(u64, u64, StatementFate)>,
    midst: Vec<(u64, Happens)>,
}

impl World {
    pub fn new(seed: u64) -> Shared {
        let dice = Dice::new(seed);
        let kind = dice
            .of("kind", 0)
            .pick(&[Kind::Status, Kind::Status, Kind::NoStatus, Kind::Folder]);
        Arc::new(Mutex::new(Self {
            dice,
            kind,
            trace: Vec::new(),
            deliveries: Vec::new(),
            accepted: BTreeSet::new(),
            receiver: Receiver::default(),
            statuses: BTreeMap::new(),
            calm: false,
            crash: Arc::default(),
            changed: Arc::default(),
            later: BTreeMap::new(),
            counts: HashMap::new(),
            github_fails: 0,
            statements: 0,
            order: DefaultHasher::new(),
            fails: None,
            midst: Vec::new(),
        }))
    }

    pub fn say(&mut self, what: impl std::fmt::Display) {
        self.trace.push(format!("{} {what}", time::shown()));
    }

    /// The rolls of a question, which is asked once more.
    pub fn ask(&mut self, question: &'static str) -> Rolls {
        let count = self.counts.entry(question).or_default();
        *count += 1;
        self.dice.of(question, *count)
    }

    pub fn plan(&mut self, at: i64, what: Happens) {
        let planned = self.counts.entry("planned").or_default();
        *planned += 1;
        self.later.insert((at, *planned), what);
        self.changed.notify_one();
    }

    pub fn next_at(&self) -> Option<i64> {
        self.later.keys().next().map(|(at, _)| *at)
    }

    pub fn due(&mut self) -> Option<Happens> {
        let entry = self.later.first_entry()?;
        (entry.key().0 <= time::now()).then(|| entry.remove())
    }

    /// Nothing is planned but ends of programs and late acts.
    pub fn is_told(&self) -> bool {
        let told = |what: &Happens| matches!(what, Happens::Finish(_) | Happens::Lose(_));
        self.later.values().all(told)
    }

    pub fn after(&self, wait: Duration) -> i64 {
        time::now() + i64::try_from(wait.as_micros()).unwrap()
    }

    /// From now on all is well.
    pub fn calm_down(&mut self) {
        self.calm = true;
        self.github_fails = 0;
        self.fails = None;
        self.receiver.away = false;
    }

    /// The service is dead, and what was about to go wrong with it does not.
    pub fn died(&mut self) {
        self.fails = None;
    }

    pub fn apply(&mut self, what: &Happens) {
        match what {
            Happens::Store { after, times, fate } => self.fails = Some((self.statements + after, *times, *fate)),
            Happens::Midst { after, what } => self.midst.push((self.statements + after, (**what).clone())),
            Happens::GitHub(times) => self.github_fails += times,
            Happens::Status(away) => self.receiver.away = *away,
            Happens::Act { version, digest } => {
                self.say(format!("the receiver acts late: {version}"));
                self.receiver.act(version, digest.as_deref());
            }
            _ => {}
        }
    }

    /// What becomes of the next statement.
    fn statement(&mut self, text: &str) -> StatementFate {
        self.statements += 1;
        text.hash(&mut self.order);
        let now = self.statements;
        if self.midst.iter().any(|(at, _)| *at <= now) {
            let (due, later) = std::mem::take(&mut self.midst)
                .into_iter()
                .partition(|(at, _)| *at <= now);
            self.midst = later;
            let due: Vec<(u64, Happens)> = due;
            due.into_iter().for_each(|(_, what)| self.plan(time::now(), what));
        }
        let Some((from, times, fate)) = self.fails else {
            return StatementFate::Well;
        };
        let fits = match fate {
            StatementFate::Unheard => text == "COMMIT",
            // What only reads needs no room, and nobody's leave.
            StatementFate::Full | StatementFate::Busy => !text.starts_with("SELECT") && !text.starts_with("ROLLBACK"),
            StatementFate::Well | StatementFate::DiesBefore | StatementFate::DiesAfter => true,
        };
        if self.statements < from || !fits {
            return StatementFate::Well;
        }
        self.fails = Some((from, times - 1, fate)).filter(|(_, times, _)| *times > 0);
        self.say(format!(
            "{fate:?}: {}",
            text.split_whitespace().take(4).collect::<Vec<_>>().join(" ")
        ));
        if matches!(fate, StatementFate::DiesBefore | StatementFate::DiesAfter) {
            // Whatever else the service has in hand gets no further.
            self.fails = Some((0, u64::MAX, StatementFate::DiesBefore));
            self.crash.notify_one();
        }
        fate
    }

    /// What a program does.
    fn program(&mut self, key: &AttemptKey, program: &Program) -> Script {
        let task = Task::of(program);
        let script = match task.step() {
            "train" => {
                let rows = task.input("examples").join("Split-train/data.parquet");
                tiny::train_on(&task, &[fs::read_to_string(rows).unwrap()])
            }
            _ => tiny::usual(program),
        };
        let mut rolls = self.ask("program");
        let lasts = Duration::from_millis(rolls.pick(&[0, 0, 300, 1_000, 7_000, 20_000]));
        let ends = rolls.below(100);
        self.say(format!("starts {key}"));
        let (at, half) = (self.after(lasts), self.after(lasts / 2));
        if !self.calm {
            match ends {
                0..=3 => return Script::exits(1, "the seed says so"),
                4..=5 => {
                    return Script {
                        out_of_memory: true,
                        ..script
                    };
                }
                6..=7 => {
                    return Script {
                        refused: Some("the seed says so".to_owned()),
                        ..script
                    };
                }
                8..=9 => {
                    return Script {
                        image_gone: true,
                        ..script
                    };
                }
                10..=14 => {
                    self.plan(half, Happens::Lose(key.clone()));
                    return script.hanging();
                }
                15..=16 => {
                    let ignores_sigterm = rolls.percent(50);
                    return Script {
                        ignores_sigterm,
                        ..script.hanging()
                    };
                }
                _ => {}
            }
        }
        if lasts.is_zero() {
            return script;
        }
        self.plan(at, Happens::Finish(key.clone()));
        script.hanging()
    }

    /// A request to GitHub or to the receiver.
    pub fn request(&mut self, method: &str, path: &str, body: &[u8]) -> Reply {
        match (method, path) {
            ("POST", "/hook") => self.hook(&serde_json::from_slice(body).unwrap_or_default()),
            ("GET", "/status") => self.status(),
            _ => self.github(method, path, &serde_json::from_slice(body).unwrap_or_default()),
        }
    }

    fn hook(&mut self, request: &Value) -> Reply {
        let mut rolls = self.ask("hook");
        let text = |key: &str| request[key].as_str().map(str::to_owned);
        let (version, digest) = (text("version").unwrap_or_default(), text("digest"));
        self.say(format!(
            "asked to {} {version} {:?}",
            request["action"],
            digest.as_deref().map(|d| &d[..14])
        ));
        if request["action"] == "push" {
            self.receiver
                .told
                .push((version.clone(), digest.clone().unwrap_or_default()));
        }
        let manner = if self.calm { 99 } else { rolls.below(100) };
        let late = Duration::from_millis(rolls.pick(&[50, 700, 5_000, 29_000, 31_000, 90_000]));
        let acts = |world: &mut Self| {
            world.receiver.act(&version, digest.as_deref());
            world.receiver.says()
        };
        match manner {
            0..=6 => {
                acts(self);
                Reply::closes()
            }
            7..=10 => Reply::closes(),
            11..=14 => {
                acts(self);
                Reply::hangs()
            }
            15..=17 => Reply::hangs(),
            18..=23 => Reply::json(200, &acts(self)).after(late),
            // It closes, and does it when nobody expects it any more.
            24..=26 => {
                let at = self.after(late);
                self.plan(at, Happens::Act { version, digest });
                Reply::closes()
            }
            27..=30 => Reply {
                twice: true,
                ..Reply::json(200, &acts(self))
            },
            31..=32 => {
                acts(self);
                Reply::json(200, &json!({"version": "blue"}))
            }
            33..=35 => Reply::json(rolls.pick(&[400, 409, 422]), &json!({"error": "no"})),
            36..=38 => Reply::json(rolls.pick(&[500, 502, 503, 504]), &json!({"error": "broken"})),
            39..=41 => {
                acts(self);
                Reply::json(rolls.pick(&[500, 502, 504]), &json!({"error": "broken"}))
            }
            _ => Reply::json(200, &acts(self)),
        }
    }

    fn status(&mut self) -> Reply {
        let mut rolls = self.ask("status");
        let manner = if self.calm { 99 } else { rolls.below(100) };
        let says = self.receiver.says();
        if self.receiver.away {
            return Reply::json(503, &json!({"error": "away"}));
        }
        match manner {
            0..=2 => Reply::closes(),
            3 => Reply::hangs(),
            4..=5 => Reply::json(500, &json!({"error": "broken"})),
            6..=7 => Reply::json(200, &json!(["nonsense"])),
            8..=10 => Reply::json(200, &says).after(Duration::from_millis(900)),
            _ => Reply::json(200, &says),
        }
    }

    fn github(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        if self.github_fails > 0 {
            self.github_fails -= 1;
            let mut rolls = self.ask("github");
            return match rolls.below(6) {
                0 => Reply::closes(),
                1 => Reply::hangs(),
                2 => Reply {
                    headers: "retry-after: 3\r\n",
                    ..Reply::json(429, &json!({"message": "slow down"}))
                },
                3 => Reply::json(404, &json!({"message": "Not Found"})),
                _ => Reply::json(rolls.pick(&[500, 502, 503]), &json!({"message": "broken"})),
            };
        }
        let Some(sha) = path
            .strip_prefix("/repos/acme/tiny/statuses/")
            .filter(|_| method == "POST")
        else {
            return Reply::json(404, &json!({"message": "Not Found"}));
        };
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        self.say(format!(
            "status of {}: {} {}",
            &sha[..6],
            text("state"),
            text("description")
        ));
        let told = self.statuses.entry((sha.to_owned(), text("context"))).or_default();
        told.push(text("state"));
        Reply::json(201, &json!({"id": told.len()}))
    }
}

/// The world's part of a statement.
pub fn statements(world: &Shared) -> Rc<dyn Fn(&str) -> StatementFate> {
    let world = Arc::clone(world);
    Rc::new(move |text| world.lock().unwrap().statement(text))
}

/// The world's part of a program.
pub fn programs(world: &Shared) -> impl Fn(&AttemptKey, &Program) -> Script + Send + 'static {
    let world = Arc::clone(world);
    move |key, program| world.lock().unwrap().program(key, program)
}

/// The repository, which outlives every crash.
pub struct Repository {
    pub world: Shared,
    pub commits: RefCell<BTreeMap<CommitSha, ScriptedCommit>>,
    mirrored: RefCell<BTreeSet<CommitSha>>,
}

impl Repository {
    pub fn new(world: &Shared) -> Self {
        Self {
            world: Arc::clone(world),
            commits: RefCell::default(),
            mirrored: RefCell::default(),
        }
    }
}

impl Scripted for Repository {
    fn commit(&self, sha: &CommitSha) -> Option<ScriptedCommit> {
        self.commits.borrow().get(sha).cloned()
    }

    fn asked(&self, sha: &CommitSha) -> bool {
        if self.mirrored.borrow().contains(sha) {
            return true;
        }
        let mut world = self.world.lock().unwrap();
        if world.github_fails > 0 {
            world.github_fails -= 1;
            return false;
        }
        self.mirrored.borrow_mut().insert(sha.clone())
    }
}
