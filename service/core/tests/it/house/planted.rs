//! What the readers of this test make of sources in which something was planted.

use super::arrows::{Arrow, arrows, circles, told};
use super::modules::Sources;
use super::tables::{CRATES, SERVER};
use super::{Room, forbidden, wrong};

fn sources(files: &[(&str, &str)]) -> Sources {
    let owned = |(file, source): &(&str, &str)| ((*file).to_owned(), (*source).to_owned());
    files.iter().map(owned).collect()
}

fn planted(files: &[(&str, &str)]) -> Vec<Arrow> {
    arrows(&sources(files), &["Engine"])
}

/// The arrows in short: `a.rs:1 -> b.rs B`.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let arrows = planted(files);
    let said = arrows.iter().map(|arrow| {
        let Arrow { from, to, name, line } = arrow;
        format!("{from}:{line} -> {to} {name}")
    });
    said.collect()
}

#[test]
fn a_circle_is_found_and_told_with_the_names_that_tie_it() {
    let arrows = planted(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;"),
        ("a.rs", "use crate::b::B;\npub struct A(B);"),
        (
            "b.rs",
            "use super::c::{self, C};\npub struct B(C);\npub fn b() { c::c() }",
        ),
        ("c.rs", "pub struct C;\npub fn c() -> crate::A { todo!() }"),
    ]);
    let circles = circles(&arrows);
    assert_eq!(circles.len(), 1);
    assert_eq!(
        told(&circles[0]),
        "  a.rs -> b.rs: B\n  b.rs -> c.rs: C, c\n  c.rs -> a.rs: A\n"
    );
}

#[test]
fn a_facade_stands_for_its_folder_and_hides_nobody() {
    let files = [
        ("lib.rs", "pub mod gate;\nmod run;\nmod told;"),
        (
            "gate/mod.rs",
            "mod judge;\nmod verdict;\npub use judge::judge;\npub use verdict::*;\nuse verdict::Verdict;\npub struct Gate(Verdict);",
        ),
        (
            "gate/judge.rs",
            "use super::{Gate, Verdict};\npub fn judge(_: Gate) -> Verdict { Verdict }",
        ),
        ("gate/verdict.rs", "pub struct Verdict;"),
        (
            "run.rs",
            "use crate::gate as g;\nfn f() { g::judge(x); }\nfn v() -> g::Verdict { g::Verdict }",
        ),
        ("told.rs", "use crate::gate::{judge as j};\npub use crate::run;"),
    ];
    assert!(circles(&planted(&files)).is_empty());
    assert_eq!(
        said(&files),
        [
            "gate/judge.rs:1 -> gate/mod.rs Gate",
            "gate/judge.rs:1 -> gate/verdict.rs Verdict",
            "run.rs:2 -> gate/judge.rs judge",
            "run.rs:3 -> gate/verdict.rs Verdict",
            "told.rs:1 -> gate/judge.rs judge",
            "told.rs:2 -> run.rs run",
        ]
    );
}

#[test]
fn only_code_counts_and_all_of_it() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            r##"//! crate::b::Documented
use crate::b::{
    self,
    nested::{Deep, Other as Renamed},
    Plain,
};
/* crate::b::Commented /* nested */ crate::b::StillCommented */
fn f<'a>(_: &'a str) -> char { g("crate::b::Quoted \" crate::b::Still", r#"crate::b::"Raw"#, b'"', '\'', '"') }
pub(in crate::b) fn g() { let x = b::called(crate::b::Inline::new()); x.crate_b() }
mod inner {
    use super::super::b::FromInside;
}
#[cfg(test)]
use crate::b::Tested;
#[cfg(test)]
mod tests { use crate::b::InTests; }
#[cfg(test)]
mod only_tests;
#[derive(Debug)]
pub struct Last(b::AfterTests);
"##,
        ),
        ("a/only_tests.rs", "use crate::b::NotRead;"),
        (
            "b.rs",
            "pub mod nested { pub struct Deep; pub struct Other; }\npub struct Plain; pub struct FromInside;\nmade!(Inline);",
        ),
    ];
    assert_eq!(
        said(&files),
        [
            "a.rs:20 -> b.rs AfterTests",
            "a.rs:4 -> b.rs Deep",
            "a.rs:11 -> b.rs FromInside",
            "a.rs:9 -> b.rs Inline",
            "a.rs:4 -> b.rs Other",
            "a.rs:5 -> b.rs Plain",
            "a.rs:3 -> b.rs b",
            "a.rs:9 -> b.rs called",
        ]
    );
}

#[test]
fn another_impl_block_is_no_arrow_to_its_type() {
    let of = |room: &str| {
        said(&[
            ("lib.rs", "mod engine; mod room;"),
            ("engine.rs", "pub struct Engine;"),
            ("room.rs", room),
        ])
    };
    assert!(of("use crate::engine::Engine;\nimpl Engine { fn f(&self) {} }").is_empty());
    assert!(of("impl<T: Fn() -> u8> Room<T> for crate::engine::Engine { fn f(&self) {} }").is_empty());
    let arrow = ["room.rs:1 -> engine.rs Engine"];
    assert_eq!(of("use crate::engine::Engine;\nimpl From<Engine> for Room { }"), arrow);
    assert_eq!(of("use crate::engine::Engine;\nfn f(_: impl Fn(Engine)) { }"), arrow);
}

#[test]
fn an_arrow_to_a_higher_room_is_named_with_file_and_line() {
    let arrows = planted(&[
        ("lib.rs", "mod plan;\nmod spec;\nmod other;"),
        ("plan/mod.rs", "mod gate;"),
        (
            "plan/gate.rs",
            "use crate::other::Other;\n\nuse crate::spec::{\n    Spec,\n};",
        ),
        ("spec.rs", "use crate::plan;"),
        ("other.rs", "pub struct Other;\nuse crate::spec::Spec;"),
    ]);
    let rooms: [Room; 2] = [("plan", &["other"]), ("spec", &["plan"])];
    assert_eq!(
        wrong("service/core", &rooms, &arrows),
        ["service/core/src/plan/gate.rs:4 names Spec of spec.rs, and plan may not name spec"]
    );
}

#[test]
fn a_dependency_is_found_in_every_notation() {
    let server = CRATES.iter().find(|of| of.name == SERVER).unwrap();
    let manifest = r#"
[package]
name = "trainyard"

[dependencies]
trainyard-core.workspace = true
trainyard-github = { workspace = true }
sqlx = "0.9"

[target.'cfg(unix)'.dependencies]
trainyard-executors.workspace = true

[dependencies.bollard]
version = "1"

[dev-dependencies]
trainyard-github = { workspace = true, features = ["simulator"] }
trainyard-tfdv.workspace = true
octocrab.workspace = true

[[bench]]
name = "trainyard-components"
"#;
    let found = forbidden(server, manifest);
    assert_eq!(
        found,
        [
            "trainyard-github",
            "sqlx",
            "trainyard-executors",
            "bollard",
            "trainyard-tfdv"
        ]
    );
}
