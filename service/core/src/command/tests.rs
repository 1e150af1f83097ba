//! Which lines are commands, and what they ask.

use super::{Command, KNOWN, commands, parse};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn commands_are_lines_that_readers_see_as_text() {
    let rows: [(&str, &[&str]); 31] = [
        ("/trainyard run", &["/trainyard run"]),
        ("/trainyard", &["/trainyard"]),
        ("/Trainyard RUN", &["/Trainyard RUN"]),
        ("Thanks!\r\n/trainyard rerun\r\n", &["/trainyard rerun"]),
        ("Thanks!\r\n\r\n/trainyard rerun  \r\nbye", &["/trainyard rerun"]),
        (
            "/trainyard run\n/trainyard cancel",
            &["/trainyard run", "/trainyard cancel"],
        ),
        ("please /trainyard run", &[]),
        (" /trainyard run", &[]),
        ("    /trainyard run", &[]),
        ("\t/trainyard run", &[]),
        ("/trainyards run", &[]),
        ("/trainyard-run", &[]),
        ("`/trainyard run`", &[]),
        ("> /trainyard run", &[]),
        (">/trainyard run", &[]),
        ("> said\n/trainyard run", &[]),
        ("> said\n\n/trainyard run", &["/trainyard run"]),
        ("> ```\n> x\n> ```\n/trainyard run", &["/trainyard run"]),
        ("```\n/trainyard run\n```", &[]),
        ("```\n/trainyard run\n```\n/trainyard help", &["/trainyard help"]),
        ("```sh\n/trainyard run\n~~~\n/trainyard run", &[]),
        ("````\n```\n/trainyard run\n````\n/trainyard help", &["/trainyard help"]),
        ("~~~\n/trainyard run\n~~~", &[]),
        ("   ```\n/trainyard run\n   ```", &[]),
        ("```inline``` code\n/trainyard run", &["/trainyard run"]),
        ("a `code\n/trainyard run\nmore` here", &[]),
        ("a ` sign\n/trainyard run", &["/trainyard run"]),
        (
            "<!--\n/trainyard run\n\n/trainyard run\n-->\n/trainyard help",
            &["/trainyard help"],
        ),
        ("see <!-- this\n/trainyard run\n--> here", &[]),
        ("<pre>\n/trainyard run\n</pre>\n\n/trainyard help", &["/trainyard help"]),
        ("<details>\n\n/trainyard run\n</details>", &["/trainyard run"]),
    ];
    for (body, expected) in rows {
        assert_eq!(commands(body), expected, "{body:?}");
    }
}

#[test]
fn commands_are_taken_apart() {
    let run = |pipeline: Option<&str>, parameters: serde_json::Value| Command::Run {
        pipeline: pipeline.map(str::to_owned),
        parameters: parameters.as_object().unwrap().clone(),
    };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let rows = [
        ("/trainyard", Command::Help),
        ("/TRAINYARD Help me", Command::Help),
        ("/trainyard run", run(None, json!({}))),
        ("/trainyard\u{a0}run  flights ", run(Some("flights"), json!({}))),
        (
            "/trainyard run flights rate=0.05 on=true name=x list=[1,2] e=a=b empty=",
            run(
                Some("flights"),
                json!({"rate": 0.05, "on": true, "name": "x", "list": [1, 2], "e": "a=b", "empty": ""}),
            ),
        ),
        (
            "/trainyard run name=\"two words\" n='7'",
            run(None, json!({"name": "two words", "n": "7"})),
        ),
        ("/trainyard rerun", Command::Rerun { of: None, all: false }),
        (
            "/trainyard rerun flights --all",
            Command::Rerun {
                of: Some("flights".to_owned()),
                all: true,
            },
        ),
        ("/trainyard rerun all", Command::Rerun { of: None, all: true }),
        ("/trainyard cancel", Command::Cancel { of: None }),
        (
            "/trainyard approve it isn't worse",
            Command::Approve(words("it isn't worse")),
        ),
        ("/trainyard reject", Command::Reject(Vec::new())),
        (
            "/trainyard rollback flights too slow",
            Command::RollBack(words("flights too slow")),
        ),
        ("/trainyard explain", Command::Explain { of: None }),
    ];
    for (line, expected) in rows {
        assert_eq!(parse(line).as_ref(), Ok(&expected), "{line}");
    }
}

#[test]
fn what_is_unclear_is_said() {
    let lines = [
        "/trainyard rnu",
        "/trainyard re-run",
        "/trainyard deploy now",
        "/trainyard run flights weather",
        "/trainyard run --push",
        "/trainyard run rate=1 flights",
        "/trainyard run =1",
        "/trainyard run a=1 a=2",
        "/trainyard run a=\"open",
        "/trainyard cancel this run",
        "/trainyard rerun --fast",
    ];
    let said = lines.map(|line| format!("{line}: {}", parse(line).unwrap_err().sentence()));
    insta::assert_snapshot!(said.join("\n"), @r#"
    /trainyard rnu: there is no command 'rnu': did you mean 'run'? known are run, rerun, cancel, approve, reject, rollback, explain, help
    /trainyard re-run: there is no command 're-run': did you mean 'rerun'? known are run, rerun, cancel, approve, reject, rollback, explain, help
    /trainyard deploy now: there is no command 'deploy': known are run, rerun, cancel, approve, reject, rollback, explain, help
    /trainyard run flights weather: 'run' does not take 'weather': write /trainyard run [pipeline] [key=value …]
    /trainyard run --push: 'run' does not take '--push': write /trainyard run [pipeline] [key=value …]
    /trainyard run rate=1 flights: 'run' does not take 'flights': write /trainyard run [pipeline] [key=value …]
    /trainyard run =1: '=1' has no name before its '=': write key=value
    /trainyard run a=1 a=2: parameter 'a' is given twice: give it once
    /trainyard run a="open: a quotation mark has no second one: write key="some words"
    /trainyard cancel this run: 'cancel' does not take 'run': write /trainyard cancel [pipeline or run]
    /trainyard rerun --fast: 'rerun' does not take '--fast': write /trainyard rerun [pipeline or run] [--all]
    "#);
}

fn bodies() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("/trainyard run".to_owned()),
        Just("```".to_owned()),
        Just("~~~~".to_owned()),
        Just("> quoted".to_owned()),
        Just("<!-- x".to_owned()),
        Just("-->".to_owned()),
        Just("<pre>".to_owned()),
        Just("a ` b".to_owned()),
        Just(String::new()),
        "\\PC{0,30}",
    ];
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(?s).{0,200}") {
        for line in commands(&text) {
            let _ = parse(&line);
        }
        let _ = parse(&text);
    }

    #[test]
    fn what_is_found_begins_a_line(body in bodies()) {
        let found = commands(&body);
        let lines = body.lines().filter(|line| line.starts_with("/trainyard"));
        prop_assert!(found.len() <= lines.count());
    }

    /// Whatever stands in it.
    #[test]
    fn nothing_in_a_fence_or_quote_is_a_command(body in bodies()) {
        let fenced = format!("```````\n{body}\n```````");
        prop_assert_eq!(commands(&fenced), Vec::<String>::new());
        let quoted: String = body.lines().map(|line| format!("> {line}\n")).collect();
        prop_assert_eq!(commands(&quoted), Vec::<String>::new());
    }

    #[test]
    fn a_command_alone_is_found_whatever_was_written_before(body in "[a-z .,!?\n]{0,80}") {
        let found = commands(&format!("{body}\n\n/trainyard rerun"));
        prop_assert_eq!(found, vec!["/trainyard rerun".to_owned()]);
    }

    #[test]
    fn every_known_command_is_one(which in 0..KNOWN.len()) {
        let line = format!("/trainyard {}", KNOWN[which].0);
        prop_assert!(parse(&line).is_ok());
    }
}
