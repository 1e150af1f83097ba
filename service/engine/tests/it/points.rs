//! The service dies once at every named crash point, wherever a story passes it first, and every story ends where it
//! would have ended: nothing lost, nothing done twice.

mod said;
mod stage;
mod stories;

use said::Said;
use stage::{Act, Stage, Story, laws, rest, sent_by_github};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use stories::STORIES;
use tokio::sync::Notify;
use trainyard_engine::{CrashPoint, trap_where};

/// So often the service dies in one playing of a story, which is played again for its other points: else what one
/// death broke would be mended by the next.
const DEATHS: usize = 20;

/// Stories that are played at once: they wait more than they work.
const AT_ONCE: usize = 4;

/// The points at which the service has died already, in whatever story.
type Tried = Arc<Mutex<BTreeSet<String>>>;

/// The service of one playing: it dies at every point that is new.
struct Mortal {
    case: &'static str,
    tried: Tried,
    died_at: Arc<Mutex<Vec<String>>>,
    sprung: Arc<Notify>,
    said: Said,
}

impl Drop for Mortal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let died_at = self.died_at.lock().unwrap().join(", ");
            eprintln!("'{}' with deaths at {died_at}:\n{}", self.case, self.said.text());
        }
    }
}

impl Mortal {
    /// It lives for ever.
    fn new(case: &'static str, tried: &Tried) -> Self {
        Self {
            case,
            tried: Arc::clone(tried),
            died_at: Arc::default(),
            sprung: trap_where(|_| false),
            said: Said::default(),
        }
    }

    /// From now on it may die once.
    fn arm(&mut self) {
        let (tried, died_at, said) = (Arc::clone(&self.tried), Arc::clone(&self.died_at), self.said.clone());
        self.sprung = trap_where(move |point| {
            let mut died_at = died_at.lock().unwrap();
            let dies = died_at.len() < DEATHS && tried.lock().unwrap().insert(point.name());
            if dies {
                said.note(format!("--- dies at {}", point.name()));
                died_at.push(point.name());
            }
            dies
        });
    }

    fn disarm(&mut self) {
        self.sprung = trap_where(|_| false);
    }

    fn deaths(&self) -> usize {
        self.died_at.lock().unwrap().len()
    }

    /// Starts the service again, as often as it dies at that.
    async fn revive(&mut self, stage: &mut Stage) {
        loop {
            self.arm();
            let sprung = Arc::clone(&self.sprung);
            tokio::select! {
                biased;
                () = sprung.notified() => {}
                () = stage.yard().restart() => {
                    return;
                }
            }
        }
    }

    async fn act(&mut self, stage: &mut Stage, act: &Act) {
        match act {
            Act::Outside(does) => does(stage).await,
            Act::Asks(does) => loop {
                let sprung = Arc::clone(&self.sprung);
                tokio::select! {
                    biased;
                    () = sprung.notified() => {}
                    () = does(stage) => return,
                }
                self.revive(stage).await;
            },
        }
    }

    /// Until nothing is left to do.
    async fn rest(&mut self, stage: &mut Stage) {
        loop {
            let sprung = Arc::clone(&self.sprung);
            tokio::select! {
                biased;
                () = sprung.notified() => {}
                () = rest(stage, self.case) => return,
            }
            self.revive(stage).await;
        }
    }
}

/// Plays a story, dies at each point that is new, and looks at what is left; returns how often it died.
fn play(story: &Story, tried: &Tried) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut service = Mortal::new(story.name, tried);
        let _listening = service.said.listen();
        let mut stage = (story.before)().await;
        if !stage.stopped {
            rest(&mut stage, story.name).await;
        }
        stage.sent = sent_by_github(stage.yard());
        service.arm();
        for act in story.acts {
            service.act(&mut stage, act).await;
        }
        service.rest(&mut stage).await;
        service.disarm();
        laws(&mut stage, story.name).await;
        service.deaths()
    })
}

/// Plays these stories, several at once; answers in which of them the service died: they may have more to show, for
/// what it died of before does not happen again in the same playing.
fn round(stories: &[&'static Story], tried: &Tried) -> Vec<&'static Story> {
    let (queue, again) = (Mutex::new(stories.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(story) = queue.lock().unwrap().next() else {
                        return;
                    };
                    if play(story, tried) > 0 {
                        again.lock().unwrap().push(*story);
                    }
                }
            });
        }
    });
    again.into_inner().unwrap()
}

/// A point that no story reaches would never be tried.
#[test]
fn wherever_the_service_dies_it_ends_where_it_would_have_ended() {
    let tried = Tried::default();
    let never = || -> Vec<String> {
        let tried = tried.lock().unwrap();
        let all = CrashPoint::all().map(CrashPoint::name);
        all.filter(|name| !tried.contains(name)).collect()
    };
    let mut stories: Vec<&Story> = STORIES.iter().collect();
    while !stories.is_empty() {
        stories = round(&stories, &tried);
        if never().is_empty() {
            return;
        }
    }
    panic!("no story reaches {:?}", never());
}
