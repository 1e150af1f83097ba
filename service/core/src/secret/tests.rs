use super::*;
use crate::ids::RepoName;
use proptest::prelude::*;

fn value(text: &str) -> SecretValue {
    SecretValue::new(text.as_bytes().to_vec()).unwrap()
}

fn shown(secrets: &[&str], said: &str) -> String {
    let values: Vec<_> = secrets.iter().map(|secret| value(secret)).collect();
    Mask::new(&values).masked_text(said)
}

#[test]
fn a_secret_is_hidden_in_every_form() {
    let secret = "p@ss wörd/1";
    // As `printf %s … | base64`, `xxd -p`, Python's urllib and json, and `curl --data-urlencode` write it.
    let cases = [
        ("raw", "x p@ss wörd/1 y"),
        ("base64", "x cEBzcyB3w7ZyZC8x y"),
        ("base64, one byte in", "xhwQHNzIHfDtnJkLzEx y"),
        ("hex", "704073732077c3b672642f31"),
        ("HEX", "704073732077C3B672642F31"),
        ("quote", "p%40ss%20w%C3%B6rd/1"),
        ("quote_plus", "p%40ss+w%C3%B6rd%2F1"),
        ("lower case", "p%40ss%20w%c3%b6rd%2f1"),
        ("every byte", "%70%40%73%73%20%77%C3%B6%72%64%2F%31"),
        ("json", r#"{"p": "p@ss w\u00f6rd\/1"}"#),
        ("json as text", r#"{"p": "p@ss wörd/1"}"#),
    ];
    for (form, said) in cases {
        let shown = shown(&[secret], said);
        assert!(shown.contains(HIDDEN), "{form}: {shown}");
        assert!(!shown.contains("%40") && !shown.contains("zcyB3"), "{form}: {shown}");
    }
}

#[test]
fn what_is_around_a_secret_stays() {
    let table = [
        (vec!["hunter22"], "a hunter22 b", "a *** b"),
        (vec!["hunter22"], "hunter22hunter22", "******"),
        (vec!["abcdef", "defghi"], "1abcdefghi2", "1***2"),
        (vec!["abcdef", "bcde"], "abcdefg bcdex", "***g ***x"),
        (vec!["hunter22"], "hunter2 hunter", "hunter2 hunter"),
        (vec!["hunter22"], "hunt\nthe\nhunter", "hunt\nthe\nhunter"),
        // Broken into lines, as `fold -w 3` does it, or across two lines of a log.
        (vec!["hunter22"], "a\nhun\nter\n22\nb", "a\n***\nb"),
        (vec!["hunter22"], "no\nh\nunter22", "no\nh\n***"),
        (vec!["line one\nline two"], "> line one\nline two <", "> *** <"),
        (vec!["line one\nline two"], r#""line one\nline two""#, r#""***""#),
        // A line of a longer secret, such as a key.
        (
            vec!["-----BEGIN-----\nMIIEvQIBADANBgkqhkiG\nZZ\n"],
            "key MIIEvQIBADANBgkqhkiG",
            "key ***",
        ),
    ];
    for (secrets, said, expected) in table {
        assert_eq!(shown(&secrets, said), expected, "{secrets:?} in {said:?}");
    }
}

#[test]
fn the_end_of_a_line_is_shown_at_once() {
    let mut masking = Mask::new([&value("hunter22")]).masking();
    let mut pass = |piece: &str| String::from_utf8(masking.pass(piece.as_bytes())).unwrap();
    assert_eq!(pass("oh\n"), "oh\n", "although the secret begins with h");
    assert_eq!(pass("the hunt"), "the ", "it may go on");
    assert_eq!(pass("\n"), "");
    assert_eq!(pass("er22\nend"), "***\nend");
    assert_eq!(masking.finish(), b"");
}

#[test]
fn no_secret_is_too_short_to_be_hidden() {
    let made = |bytes: &[u8]| SecretValue::new(bytes.to_vec()).map(|value| value.bytes().to_vec());
    assert_eq!(made(b"abcd\r\n"), Ok(b"abcd".to_vec()));
    assert_eq!(
        made(b"a b c d\n\n"),
        Ok(b"a b c d\n".to_vec()),
        "one line end is the editor's"
    );
    assert_eq!(made(b" a b\tc\n"), Err(Unusable::Short));
    assert_eq!(made(b" \n"), Err(Unusable::Empty));
    assert_eq!(made(&vec![b'x'; LONGEST + 1]), Err(Unusable::Long));
    assert_eq!(value("hunter22").text(), Ok("hunter22"));
    for no_text in [&b"hunter\0twentytwo"[..], b"hunter\xff\xfe"] {
        let value = SecretValue::new(no_text.to_vec()).unwrap();
        assert_eq!(value.text(), Err(Unusable::NotText));
    }
    assert_eq!(format!("{:?}", value("hunter22")), "[hidden]");
    let all = [Unusable::Empty, Unusable::Short, Unusable::Long, Unusable::NotText];
    insta::assert_snapshot!(all.map(|why| format!("the secret 'lake' {}", why.sentence())).join("\n"), @"
    the secret 'lake' is empty: set its value
    the secret 'lake' has fewer than 4 characters, so that logs could not be kept free of it: take a longer one
    the secret 'lake' is longer than 64 KiB: give it to the step as data
    the secret 'lake' is no text, which an environment variable is: give it to the step under secrets, as a file
    ");
}

#[test]
fn names_are_plain() {
    for (name, is) in [
        ("warehouse-password", true),
        ("a.b_c", true),
        ("", false),
        (".a", false),
        ("a/b", false),
    ] {
        assert_eq!(is_name(name), is, "{name}");
    }
    for (place, is) in [
        ("DB_PASSWORD", true),
        ("_x1", true),
        ("1x", false),
        ("a-b", false),
        ("..", false),
        ("", false),
    ] {
        assert_eq!(is_place(place), is, "{place}");
    }
    assert!(!is_name(&"x".repeat(65)) && !is_place(&"x".repeat(65)));
}

#[test]
fn the_operator_says_who_has_a_secret() {
    let repo = RepoName::parse("acme/flights").unwrap();
    let rule = SecretRule {
        repositories: vec!["acme/*".to_owned()],
        pipelines: Some(vec!["flights".to_owned()]),
        branches: Some(vec!["main".to_owned(), "release/*".to_owned()]),
        pull_requests: false,
    };
    let asked = SecretUse {
        repo: Some(&repo),
        pipeline: "flights",
        branch: Some("main"),
        pull_request: false,
        fork: false,
        reviewed: true,
    };
    let mut told = Vec::new();
    let mut ask = |what: &str, rule: &SecretRule, asked: SecretUse<'_>| {
        let answer = rule.permits(&asked).map_err(|why| why.sentence("lake"));
        told.push(format!("{what}: {}", answer.err().unwrap_or_else(|| "yes".to_owned())));
    };
    ask("main", &rule, asked);
    let release = SecretUse {
        branch: Some("release/1"),
        ..asked
    };
    ask("another branch of the list", &rule, release);
    ask(
        "a branch",
        &rule,
        SecretUse {
            branch: Some("try"),
            ..asked
        },
    );
    ask("no branch", &rule, SecretUse { branch: None, ..asked });
    let pull = SecretUse {
        pull_request: true,
        ..asked
    };
    ask("a pull request", &rule, pull);
    let open = SecretRule {
        pull_requests: true,
        ..rule.clone()
    };
    ask("one that may", &open, pull);
    ask("a fork that may", &open, SecretUse { fork: true, ..pull });
    ask(
        "a commit alone",
        &open,
        SecretUse {
            reviewed: false,
            ..pull
        },
    );
    ask(
        "another pipeline",
        &rule,
        SecretUse {
            pipeline: "rails",
            ..asked
        },
    );
    let other = RepoName::parse("evil/flights").unwrap();
    ask(
        "another repository",
        &rule,
        SecretUse {
            repo: Some(&other),
            ..asked
        },
    );
    let local = SecretUse {
        repo: None,
        branch: None,
        ..asked
    };
    ask("a folder on this machine", &rule, local);
    ask("a repository that nobody named", &SecretRule::default(), asked);
    ask("a folder, nobody named", &SecretRule::default(), local);
    insta::assert_snapshot!(told.join("\n"), @"
    main: yes
    another branch of the list: yes
    a branch: the secret 'lake' is not for branch 'try': who runs the service can name it in branches of [secrets.lake]
    no branch: the secret 'lake' is not for branch '': who runs the service can name it in branches of [secrets.lake]
    a pull request: the secret 'lake' is not for pull requests: who runs the service can set pull_requests = true in [secrets.lake]
    one that may: yes
    a fork that may: the secret 'lake' is given to no fork: a step without it can run for one, or a person pushes the commit to a branch of the repository
    a commit alone: the secret 'lake' is asked for by this commit alone: merge the step with its secrets into the default branch first
    another pipeline: the secret 'lake' is not for pipeline 'rails': who runs the service can name it in pipelines of [secrets.lake]
    another repository: the secret 'lake' is not for evil/flights: who runs the service can name it in repositories of [secrets.lake]
    a folder on this machine: yes
    a repository that nobody named: the secret 'lake' is not for acme/flights: who runs the service can name it in repositories of [secrets.lake]
    a folder, nobody named: yes
    ");
}

/// A thousand secrets in a log of some size: what is slow for each of them would take minutes.
#[test]
fn a_thousand_secrets_cost_as_much_as_one() {
    let mut seed = 7_u64;
    let mut digits = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        format!("{seed:016x}")
    };
    let secrets: Vec<String> = (0..1000).map(|_| digits() + &digits()).collect();
    let values: Vec<_> = secrets.iter().map(|secret| value(secret)).collect();
    let mask = Mask::new(&values);
    let line = "epoch 12: loss 0.123456, auc 0.712345, lr 0.000123, 4711 rows of rows.csv\n";
    let mut said = line.repeat(20_000);
    said.push_str(&secrets.join("\n"));
    let shown = mask.masked_text(&said);
    assert!(shown.starts_with(&line.repeat(20_000)));
    assert_eq!(shown.matches(HIDDEN).count(), 1000);
    assert!(!secrets.iter().any(|secret| shown.ends_with(secret)));
}

/// Secrets of letters that meet each other often, so that they overlap and begin anew.
fn secrets() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let secret = prop_oneof![
        prop::collection::vec(prop::sample::select(b"ab".to_vec()), 4..8),
        prop::collection::vec(any::<u8>(), 6..40),
        "[a-zA-Z0-9+/=_-]{8,40}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(secret, 1..5)
}

/// What a program says: letters, line ends, and secrets in all their forms.
fn said(secrets: &[SecretValue], picks: &[(u8, usize, Vec<u8>)]) -> Vec<u8> {
    let all: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms::forms(secret.bytes())).collect();
    let mut said = Vec::new();
    for (kind, which, noise) in picks {
        match kind % 3 {
            0 => said.extend_from_slice(noise),
            1 => said.extend_from_slice(&all[which % all.len()]),
            _ => {
                let form = &all[which % all.len()];
                said.extend(form.chunks(3).collect::<Vec<_>>().join(&b'\n'));
            }
        }
    }
    said
}

fn values(secrets: Vec<Vec<u8>>) -> Vec<SecretValue> {
    secrets
        .into_iter()
        .filter_map(|secret| SecretValue::new(secret).ok())
        .collect()
}

fn noise() -> impl Strategy<Value = Vec<(u8, usize, Vec<u8>)>> {
    let noise = prop::collection::vec(prop::sample::select(b"ab \n\r%Aa4".to_vec()), 0..6);
    prop::collection::vec((any::<u8>(), any::<usize>(), noise), 0..12)
}

/// Every byte that is part of a form of a secret, line ends read over: the same in the simplest way.
fn hidden_bytes(secrets: &[SecretValue], said: &[u8]) -> Vec<bool> {
    let places: Vec<usize> = (0..said.len())
        .filter(|place| !forms::is_line_end(said[*place]))
        .collect();
    let plain: Vec<u8> = places.iter().map(|place| said[*place]).collect();
    let mut hidden = vec![false; said.len()];
    for form in secrets.iter().flat_map(|secret| forms::forms(secret.bytes())) {
        for (start, window) in plain.windows(form.len()).enumerate() {
            if window == form {
                hidden[places[start]..=places[start + form.len() - 1]].fill(true);
            }
        }
    }
    hidden
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// Nothing of a secret's forms is left beyond its first letters, and nothing else is taken away.
    #[test]
    fn what_is_shown_is_what_is_not_secret(secrets in secrets(), picks in noise()) {
        let values = values(secrets);
        prop_assume!(!values.is_empty());
        let said = said(&values, &picks);
        let shown = Mask::new(&values).masked(&said);
        let hidden = hidden_bytes(&values, &said);
        // What is shown, mark by mark, against what was said, hidden byte by byte.
        let left: Vec<u8> = said.iter().zip(&hidden).filter(|(_, hidden)| !**hidden).map(|(byte, _)| *byte).collect();
        let mut at = 0;
        let mut rest = Vec::new();
        while at < shown.len() {
            if shown[at..].starts_with(HIDDEN.as_bytes()) {
                at += HIDDEN.len();
            } else {
                rest.push(shown[at]);
                at += 1;
            }
        }
        // Only the first letters of a secret that a line end cuts off are shown as well.
        let mut of_left = left.iter().filter(|byte| **byte != b'*').peekable();
        for byte in rest.iter().filter(|byte| **byte != b'*') {
            if of_left.peek() == Some(&byte) {
                of_left.next();
            }
        }
        prop_assert_eq!(of_left.next(), None, "something else is gone");
        let forms: Vec<Vec<u8>> = values.iter().flat_map(|value| forms::forms(value.bytes())).collect();
        let plain: Vec<u8> = shown.iter().copied().filter(|byte| !forms::is_line_end(*byte)).collect();
        for form in forms.iter().filter(|form| !form.iter().all(|byte| *byte == b'*')) {
            prop_assert!(!plain.windows(form.len()).any(|window| window == form.as_slice()), "{:?} in {:?}", form, shown);
        }
    }

    /// However an output is cut into pieces, the same is shown; also by who begins anew where nothing is kept back.
    #[test]
    fn pieces_change_nothing(secrets in secrets(), picks in noise(), cuts in prop::collection::vec(1usize..9, 1..20)) {
        let values = values(secrets);
        prop_assume!(!values.is_empty());
        let said = said(&values, &picks);
        let mask = Mask::new(&values);
        let whole = mask.masked(&said);
        let mut masking = mask.masking();
        let (mut shown, mut at, mut cuts) = (Vec::new(), 0, cuts.into_iter().cycle());
        while at < said.len() {
            let end = said.len().min(at + cuts.next().unwrap_or(1));
            shown.extend(masking.pass(&said[at..end]));
            at = end;
            if masking.is_clean() {
                let anew = mask.masked(&said[at..]);
                prop_assert_eq!(&[shown.as_slice(), &anew].concat(), &whole, "from {}", at);
            }
        }
        shown.extend(masking.finish());
        prop_assert_eq!(shown, whole);
    }
}
