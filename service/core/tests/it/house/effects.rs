//! Whatever changes something has a crash point: its call stands in `passing(…)`, or its future is given to one.

use super::modules::Sources;
use super::tokens::{Token, tokens};
use std::collections::BTreeSet;

/// What changes something beside the writes of the store, as receiver and method; a function has no receiver.
const EFFECTS: &[(&str, &str)] = &[
    ("executor", "start"),
    ("executor", "stop"),
    ("executor", "remove"),
    ("executor", "show"),
    ("builder", "build"),
    ("builder", "resolve"),
    ("mirror", "fetch"),
    ("mirror", "checkout"),
    ("folder", "store"),
    ("folder", "adopt"),
    ("folder", "discard"),
    ("folder", "write_now"),
    ("request", "send"),
    ("", "rename"),
    ("", "rename_to_free"),
    ("self", "speak"),
    ("", "take_lease"),
];

/// Calls that may stand without, by file, and why.
const EXEMPT: &[(&str, &str, &str)] = &[
    (
        "house/leases.rs",
        "take_named_lease",
        "is of several machines, and a dead holder's beats end as those of one that took nothing",
    ),
    (
        "house/leases.rs",
        "beat_named_lease",
        "is of several machines, and a beat that was the last is waited out, stored or not",
    ),
    (
        "house/leases.rs",
        "release_named_lease",
        "is of several machines, and what was not released ends with its holder's beats",
    ),
    ("run/reconcile.rs", "acquire_lease", "is in take_lease"),
    ("content/backup.rs", "adopt", "restores while no service is at work"),
    ("content/backup.rs", "rename", "restores while no service is at work"),
    ("engine.rs", "check", "asked by `doctor`, without a service"),
    ("engine.rs", "check_writable", "leaves nothing"),
    ("engine.rs", "close", "is the end"),
    ("content/artifacts.rs", "rename", "is in Content::adopt and discard"),
    ("house/identity.rs", "rename", "comes before there is anything"),
    ("run/effects/publish.rs", "rename", "is in the sealing"),
    ("serving/claims.rs", "rename", "is in the note or the version's writing"),
    (
        "serving/config_file.rs",
        "rename",
        "is between the points of its version",
    ),
    (
        "serving/repository.rs",
        "rename",
        "is in the version's writing, whose end it undoes",
    ),
    ("serving/version_folder.rs", "rename", "is in rename_to_free"),
    ("serving/trial.rs", "write_now", "lays out what is thrown away"),
    ("serving/repository/tests.rs", "rename", "is a test"),
    ("serving/repository.rs", "rename_to_free", "is in write_now"),
];

/// The writes of the store, as it declares them.
pub fn writes(store: &Sources) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in store.values() {
        let tokens = tokens(source);
        let text = |at: usize| tokens.get(at).map_or("", |token: &Token| token.text.as_str());
        let (mut depth, mut within) = (0_usize, None);
        for at in 0..tokens.len() {
            match text(at) {
                "impl" if text(at + 1) == "Store" && text(at + 2) == "{" => within = Some(depth),
                "{" => depth += 1,
                "}" => {
                    depth = depth.saturating_sub(1);
                    within = within.filter(|outer| depth > *outer);
                }
                "fn" if within.is_some() && text(at - 1) == "async" && text(at - 2) == "pub" => {
                    found.insert(text(at + 1).to_owned());
                }
                _ => {}
            }
        }
    }
    found
}

/// A call that changes something.
struct Call {
    at: usize,
    name: String,
    within: bool,
}

fn calls(tokens: &[Token], writes: &BTreeSet<String>) -> Vec<Call> {
    let text = |at: usize| tokens.get(at).map_or("", |token: &Token| token.text.as_str());
    let mut found = Vec::new();
    // Of every open bracket, whether it is in `passing(`.
    let mut open: Vec<bool> = Vec::new();
    for at in 0..tokens.len() {
        match text(at) {
            "(" => {
                let outer = open.last().copied().unwrap_or_default();
                let name = at.checked_sub(1).map_or("", &text);
                open.push(outer || name == "passing");
                if at < 2 || !is_effect(&text, at, writes) {
                    continue;
                }
                found.push(Call {
                    at,
                    name: name.to_owned(),
                    within: outer,
                });
            }
            ")" => {
                open.pop();
            }
            _ => {}
        }
    }
    found
}

/// Whether the call whose arguments begin at `at` changes something.
fn is_effect<'a>(text: &impl Fn(usize) -> &'a str, at: usize, writes: &BTreeSet<String>) -> bool {
    let (name, before) = (text(at - 1), text(at - 2));
    let receiver = at.checked_sub(3).map_or("", text);
    let known = |receiver: &str| EFFECTS.contains(&(receiver, name));
    let method = before == "." && (known(receiver) || receiver == "store" && writes.contains(name));
    let function = before != "." && before != "fn" && known("");
    method || function
}

/// Whether the call's future has a name, and that name stands in a later `passing(…)`.
fn is_passed_later(tokens: &[Token], call: usize) -> bool {
    let text = |at: usize| tokens.get(at).map_or("", |token: &Token| token.text.as_str());
    let Some(start) = (0..call).rev().find(|at| text(*at) == "let" || text(*at) == ";") else {
        return false;
    };
    if text(start) != "let" {
        return false;
    }
    let name = text(start + 1);
    let near = call..tokens.len().min(call + 200);
    let mut passing = near.filter(|at| text(*at) == "passing" && text(at + 1) == "(");
    passing.any(|at| {
        let mut depth = 0;
        let mut within = (at + 1..tokens.len()).take_while(|at| {
            match text(*at) {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            depth > 0
        });
        within.any(|at| text(at) == name)
    })
}

/// Calls without a point, and rules that nothing follows any more.
pub fn pointless(sources: &Sources, writes: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let (mut met, mut excused) = (BTreeSet::new(), BTreeSet::new());
    for (file, source) in sources {
        let tokens = tokens(source);
        for call in calls(&tokens, writes) {
            met.insert(call.name.clone());
            if call.within || is_passed_later(&tokens, call.at) {
                continue;
            }
            match EXEMPT.iter().find(|(of, name, _)| of == file && *name == call.name) {
                Some(exempt) => {
                    excused.insert(exempt);
                }
                None => found.push(format!(
                    "engine/src/{file}:{} calls {} without a crash point: let it go through house::crash::passing",
                    tokens[call.at].line, call.name
                )),
            }
        }
    }
    let rules = EFFECTS
        .iter()
        .map(|(_, name)| *name)
        .filter(|name| !met.contains(*name));
    found.extend(rules.map(|name| format!("nothing in the engine calls {name}: does the table know its name?")));
    let needless = EXEMPT.iter().filter(|exempt| !excused.contains(exempt));
    found.extend(needless.map(|(file, name, _)| format!("{name} of {file} needs no exemption")));
    found
}

#[test]
fn what_goes_round_the_points_is_found() {
    let store = Sources::from([(
        "a.rs".to_owned(),
        "impl Store { pub async fn put(&self) {} fn own(&self) {} } impl Reads { pub async fn read(&self) {} }"
            .to_owned(),
    )]);
    let writes = writes(&store);
    assert_eq!(writes, BTreeSet::from(["put".to_owned()]));
    let bare = "fn f() { self.store.put(1).await; self.store.read(1).await; }";
    let named = "fn f() { let put = store.put(1); passing(Effect::Put, put).await; }";
    let around = "fn f() { passing(Effect::Put, async { store.put(1).await }).await; }";
    let forgotten = "fn f() { let put = store.put(1); passing(Effect::Other, other).await; }";
    let told = |source: &str| {
        let sources = Sources::from([("a.rs".to_owned(), source.to_owned())]);
        let found = pointless(&sources, &writes);
        found
            .iter()
            .filter(|said| said.contains("without a crash point"))
            .count()
    };
    assert_eq!([bare, named, around, forgotten].map(told), [1, 0, 0, 1]);
}
