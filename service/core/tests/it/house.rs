//! The house: which crate may depend on which, which room may name which, and that no files go round in a circle.

mod arrows;
mod effects;
mod modules;
mod planted;
mod tables;
mod tokens;

use arrows::{Arrow, arrows, circles, told};
use modules::Sources;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tables::{
    CONFINED, CORE, CORE_ROOMS, CRATES, Crate, ENGINE, ENGINE_ROOMS, NOT_YET, NOT_YET_IN_MANIFESTS, OWNERS, SPREAD,
    STORE,
};

#[test]
fn no_circle_of_files_is_in_any_crate() {
    let found = CRATES.iter().flat_map(|of| {
        let arrows = settled_arrows(of);
        let circles = circles(&arrows).into_iter();
        let tell = |circle: Vec<&Arrow>| format!("{} has a circle of files:\n{}", of.name, told(&circle));
        circles.map(tell).collect::<Vec<_>>()
    });
    nothing(found.collect());
}

#[test]
fn rooms_name_only_the_rooms_below_them() {
    let core = (0..CORE_ROOMS.len()).map(|room| (CORE_ROOMS[room], &CORE_ROOMS[..room]));
    let core: Vec<Room> = core.collect();
    let found = [(CORE, core.as_slice()), (ENGINE, ENGINE_ROOMS.as_slice())].map(|(name, rooms)| {
        let of = CRATES.iter().find(|of| of.name == name).unwrap();
        let mut found = nameless(of, rooms);
        found.extend(wrong(of.folder, rooms, &settled_arrows(of)));
        found
    });
    nothing(found.concat());
}

#[test]
fn crates_depend_only_on_those_they_may() {
    let found = CRATES.iter().flat_map(|of| {
        let manifest = fs::read_to_string(root().join(of.folder).join("Cargo.toml")).unwrap();
        let mut found = forbidden(of, &manifest);
        found.retain(|dependency| !NOT_YET_IN_MANIFESTS.contains(&(of.name, dependency)));
        let tell = |dependency: String| format!("{} may not depend on {dependency}", of.name);
        found.into_iter().map(tell).collect::<Vec<_>>()
    });
    nothing(found.collect());
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = workspace.lines().skip_while(|line| *line != "members = [").skip(1);
    let members = members.take_while(|line| *line != "]").count();
    assert_eq!(members, CRATES.len(), "every crate of the workspace is in the table");
}

#[test]
fn only_the_wall_makes_what_a_container_is_given_of_its_host() {
    for (word, owner, file) in CONFINED {
        let (mut found, mut at_home) = (Vec::new(), false);
        for of in &CRATES {
            for (name, source) in sources(of) {
                let here = of.name == owner && name.starts_with(file);
                at_home |= here && source.contains(word);
                if !here && source.contains(word) {
                    found.push(format!("{}/src/{name} names {word}, which only {file} may", of.folder));
                }
            }
        }
        nothing(found);
        assert!(at_home, "{file} has no {word}: is it somewhere else now?");
    }
}

#[test]
fn every_effect_of_the_engine_has_a_crash_point() {
    let of = |name: &str| sources(CRATES.iter().find(|of| of.name == name).unwrap());
    let writes = effects::writes(&of(STORE));
    assert!(writes.len() > 30, "{writes:?}");
    nothing(effects::pointless(&of(ENGINE), &writes));
}

/// A release must not die by an environment variable: what does it is in one file, which a release leaves out.
#[test]
fn a_release_knows_no_crash_point() {
    let engine = sources(CRATES.iter().find(|of| of.name == ENGINE).unwrap());
    let armed = "\n#[cfg(debug_assertions)]\nmod armed;\n";
    assert!(engine["house/crash.rs"].contains(armed));
    for (file, source) in &engine {
        let is_armed = file == "house/crash/armed.rs";
        let says = source.contains("\"TRAINYARD_CRASH_AT\"") || source.contains("Signal::KILL");
        assert!(is_armed || !says, "{file}");
    }
}

fn nothing(found: Vec<String>) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(of: &Crate) -> Sources {
    fn add(folder: &Path, within: &str, sources: &mut Sources) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{within}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                add(&path, &format!("{name}/"), sources);
            } else if name.ends_with(".rs") {
                sources.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut sources = Sources::new();
    add(&root().join(of.folder).join("src"), "", &mut sources);
    sources
}

/// The arrows of a crate that are not set aside.
fn settled_arrows(of: &Crate) -> Vec<Arrow> {
    let files = sources(of);
    let mut arrows = arrows(&files, &SPREAD);
    // A crate of a few files has fewer, and more than it has files.
    let few = files.len().min(10);
    assert!(arrows.len() > few, "{} has few arrows: are its sources read?", of.name);
    arrows.retain(|arrow| !NOT_YET.iter().any(|known| is_set_aside(of, arrow, known)));
    arrows
}

fn is_set_aside(of: &Crate, arrow: &Arrow, (name, from, to): &(&str, &str, &str)) -> bool {
    of.name == *name && arrow.from.starts_with(from) && arrow.to.starts_with(to)
}

/// A room with those that it may name.
type Room<'a> = (&'a str, &'a [&'a str]);

/// The folder or the file just below `src` that a file is, or is in.
fn room(file: &str) -> &str {
    let first = file.split_once('/').map_or(file, |(folder, _)| folder);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// Rooms that have no place in the order.
fn nameless(of: &Crate, rooms: &[Room]) -> Vec<String> {
    let sources = sources(of);
    let found: BTreeSet<&str> = sources.keys().map(|file| room(file)).collect();
    let without = found
        .iter()
        .filter(|found| rooms.iter().all(|(name, _)| name != *found));
    let tell = |found: &&str| format!("{} has the room {found}, which is not in the table", of.name);
    without.map(tell).collect()
}

/// Arrows from room to room that nobody allowed.
fn wrong(folder: &str, rooms: &[Room], arrows: &[Arrow]) -> Vec<String> {
    let is_wrong = |arrow: &&Arrow| {
        let (from, to) = (room(&arrow.from), room(&arrow.to));
        let of = rooms.iter().find(|(name, _)| *name == from);
        from != to && of.is_some_and(|(_, allowed)| !allowed.contains(&to))
    };
    let tell = |arrow: &Arrow| {
        let (from, to) = (room(&arrow.from), room(&arrow.to));
        format!(
            "{folder}/src/{}:{} names {} of {}, and {from} may not name {to}",
            arrow.from, arrow.line, arrow.name, arrow.to
        )
    };
    arrows.iter().filter(is_wrong).map(tell).collect()
}

/// Dependencies that a crate may not have.
fn forbidden(of: &Crate, manifest: &str) -> Vec<String> {
    let mut table = "";
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']');
        }
        let (kind, name) = match table.split_once("dependencies") {
            Some((kind, "")) => (kind, line.split(['.', '=', ' ']).next().unwrap_or_default()),
            // `[dependencies.NAME]`
            Some((kind, name)) if line.starts_with('[') => (kind, name.trim_start_matches('.')),
            _ => continue,
        };
        let in_tests = kind.ends_with("dev-");
        let known = CRATES.iter().any(|other| other.name == name && name != of.name);
        let allowed = of.uses.contains(&name) || in_tests && of.in_tests.contains(&name);
        let owned = OWNERS.iter().any(|(owned, owner)| *owned == name && *owner != of.name);
        if known && !allowed || owned && !in_tests {
            found.push(name.to_owned());
        }
    }
    found
}
