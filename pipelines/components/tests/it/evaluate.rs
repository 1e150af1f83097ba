//! `trainyard-components evaluate`, as people and CI run it: two files of predictions.

use crate::yard::{Ended, Yard, parquet};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// Twelve flights; the baseline is less sure of everything.
fn flights(sharpness: f64) -> String {
    let row = |row: u32| {
        let (late, certain) = (row.is_multiple_of(3), !row.is_multiple_of(4));
        let toward = if late == certain { sharpness } else { -sharpness };
        let score = 0.5 + toward + f64::from(row) / 100.0;
        format!(
            "{row},{},{score:.3},{}\n",
            u8::from(late),
            ["EWR", "JFK"][row as usize % 2]
        )
    };
    format!("flight,late,score,origin\n{}", (0..12).map(row).collect::<String>())
}

/// The same rows, the last one first.
fn turned(text: &str) -> String {
    let (head, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    format!("{head}\n{}\n", rows.join("\n"))
}

fn without_last_row(text: &str) -> String {
    text.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n"
}

/// Writes files into a folder of their own and evaluates them there.
fn evaluate(files: &[(&str, &str)], arguments: &str) -> (Yard, Ended) {
    evaluate_by(files, &arguments.split(' ').collect::<Vec<_>>())
}

fn evaluate_by(files: &[(&str, &str)], arguments: &[&str]) -> (Yard, Ended) {
    let yard = Yard::new();
    for (name, text) in files {
        let bytes = if name.ends_with(".parquet") {
            parquet(text)
        } else {
            text.as_bytes().to_vec()
        };
        fs::write(yard.path(name), bytes).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainyard-components"));
    command.arg("evaluate").args(arguments).current_dir(yard.path("."));
    let ended = Ended::of(&command.output().unwrap(), &yard);
    (yard, ended)
}

/// The evaluation of a file, and of a baseline of the same kind where there is one.
fn evaluation(files: &[(&str, &str)], arguments: &str) -> Value {
    let (yard, ended) = evaluate(files, &format!("{arguments} --out e.json"));
    ended.success();
    yard.json("e.json")
}

const LATE: &str = "--label late --prediction score --bootstrap-samples 50";

/// Candidate and baseline by these texts, and how evaluating them fails.
fn failure(candidate: &str, baseline: &str, more: &str) -> String {
    let files = [("c.csv", candidate), ("b.csv", baseline)];
    let arguments = format!("--predictions c.csv --baseline b.csv {LATE} --out e.json{more}");
    evaluate(&files, &arguments).1.failure()
}

#[test]
fn csv_and_parquet_in_order_and_by_key_are_the_same_to_the_bit() {
    let (candidate, baseline) = (flights(0.3), flights(0.1));
    let slices = "--slice origin --bins flight=4,8";
    let in_order = evaluation(
        &[("c.csv", &candidate), ("b.csv", &baseline)],
        &format!("--predictions c.csv --baseline b.csv {LATE} {slices}"),
    );
    assert_eq!(in_order["slices"].as_array().unwrap().len(), 6);
    assert!(in_order["slices"][0]["metrics"]["log_loss"]["difference"]["standard_error"].as_f64() > Some(0.0));
    let by_key = evaluation(
        &[("c.parquet", &candidate), ("b.parquet", &turned(&baseline))],
        &format!("--predictions c.parquet --baseline b.parquet --key flight {LATE} {slices}"),
    );
    assert_eq!(in_order, by_key);
}

#[test]
fn slices_less_other_slices() {
    let text = flights(0.3);
    let crosses = ["origin", "origin=JFK against origin=EWR", "origin=EWR against flight"];
    let crosses: Vec<&str> = crosses.iter().flat_map(|cross| ["--cross-slice", cross]).collect();
    let arguments = format!("--predictions c.csv {LATE} --bins flight=6 --out e.json");
    let arguments: Vec<&str> = arguments.split(' ').chain(crosses).collect();
    let (yard, ended) = evaluate_by(&[("c.csv", &text)], &arguments);
    ended.success();
    let read = yard.json("e.json");
    let pair = |cross: &Value| format!("{} less {}", cross["slice_key"], cross["baseline_slice_key"]);
    let pairs: Vec<String> = read["cross_slices"].as_array().unwrap().iter().map(pair).collect();
    insta::assert_snapshot!(pairs.join("\n"), @r#"
    {"origin":"EWR"} less {}
    {"origin":"JFK"} less {}
    {"origin":"JFK"} less {"origin":"EWR"}
    {"origin":"EWR"} less {"flight":"(-inf, 6)"}
    {"origin":"EWR"} less {"flight":"[6, inf)"}
    "#);
}

#[test]
fn what_is_said_on_the_way() {
    let files = [("c.csv", flights(0.3)), ("b.csv", flights(0.1))];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let arguments = format!("--predictions c.csv --baseline b.csv {LATE} --slice origin --out e.json");
    let said = evaluate(&files, &arguments).1.success().stdout;
    insta::assert_snapshot!(said.lines().take(4).collect::<Vec<_>>().join("\n"), @"
    binary_classification: 12 examples, 2 slices
    metric                       candidate    baseline  difference (interval)
    accuracy                        0.7500      0.6667  +0.0833 (+0.0000 to +0.3197)
    auc                             0.6562      0.6562  +0.0000 (+0.0000 to +0.0000)
    ");
    // On stdout there is nothing but the evaluation.
    let out = evaluate(&files, &format!("--predictions c.csv {LATE} --out -"))
        .1
        .success()
        .stdout;
    let read: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(read["baseline"], false);
}

#[test]
fn rows_that_do_not_pair() {
    let (candidate, baseline) = (flights(0.3), flights(0.1));
    let short = without_last_row(&baseline);
    let twice = format!("{baseline}3,1,0.5,EWR\n4,0,0.5,EWR\n");
    let nameless = baseline.replace("\n3,", "\n,");
    let relabeled = baseline.replace("\n3,1,", "\n3,0,");
    let (order, key) = ("", " --key flight");
    let said = [
        failure(&candidate, &short, order),
        failure(&candidate, &turned(&baseline), order),
        failure(&candidate, &short, key),
        failure(&short, &baseline, key),
        failure(&candidate, &twice, key),
        failure(&twice, &baseline, key),
        failure(&candidate, &nameless, key),
        failure(&candidate, &relabeled, key),
        failure(&candidate, &baseline, " --key fligth"),
        failure(&candidate, "flight,late,score\n", key),
        failure("flight,late,score\n", "flight,late,score\n", key),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    the candidate has 12 predictions and the baseline 11: let both predict the same examples, in the same order
    row 1 has the label 1 for the candidate and 0 for the baseline: let both predict the same examples, in the same order
    the baseline lacks 1 of the candidate's 12 keys ('11'): let both predict the same examples
    the candidate lacks 1 of the baseline's 12 keys ('11'): let both predict the same examples
    the baseline repeats a key in 2 rows of 14 ('3', '4'): pair rows by a key that is unique
    the candidate repeats a key in 2 rows of 14 ('3', '4'): pair rows by a key that is unique
    column 'flight' of the baseline's predictions: row 4 has no value, and a key is needed: pair rows by a column that has one in every row
    key '3' has the label 1 for the candidate and 0 for the baseline: let both predict the same examples
    the candidate's predictions have no column 'fligth' (did you mean 'flight'?), only flight, late, score, origin: write it where the predictions are made, or ask for another (in a pipeline under the step's 'with')
    b.csv has no rows: leave --baseline out if there is no model to compare with
    c.csv has no rows: there is nothing to measure
    ");
}

/// The model type and AUC (or what is measured in its place) of labels and predictions as text.
fn guessed(rows: &[(&str, &str)]) -> String {
    let rows: String = rows
        .iter()
        .map(|(label, prediction)| format!("{label},{prediction}\n"))
        .collect();
    let files = [("c.csv", format!("late,score\n{rows}"))];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let (yard, ended) = evaluate(&files, &format!("--predictions c.csv {LATE} --out e.json"));
    if ended.code != 0 {
        return ended.failure();
    }
    let read = yard.json("e.json");
    let metrics = read["slices"][0]["metrics"].as_object().unwrap();
    let measured = ["auc", "mean_squared_error"].map(|name| metrics.get(name).map(|found| &found["candidate"]));
    let measured: Vec<String> = measured.into_iter().flatten().map(Value::to_string).collect();
    format!("{} {}", read["model_type"].as_str().unwrap(), measured.join(" "))
}

#[test]
fn what_a_model_predicts_is_guessed() {
    let said = [
        guessed(&[("1", "0.75"), ("0", "0.25")]),
        guessed(&[("True", "0.75"), ("False", "0.25")]),
        guessed(&[("1.0", "1"), ("0.0", "0")]),
        guessed(&[("1", "1.5"), ("0", "0.5")]),
        guessed(&[("ant", "ant"), ("bee", "ant")]),
        guessed(&[("ant", "0.75"), ("bee", "0.25")]),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    binary_classification 1.0
    binary_classification 1.0
    binary_classification 1.0
    column 'score' of the candidate's predictions: row 1 is 1.5, and a prediction of binary_classification is a probability from 0 to 1: look at what the model makes of this row
    multiclass_classification null
    column 'late' of the candidate's predictions holds 'ant' and 'bee', and a label of binary_classification is 0 or 1, or false or true: write 1 for the one that the predictions are of where these are made, or name the column of the predicted classes as --prediction
    ");
}

#[test]
fn classes_and_their_probabilities() {
    // Figures of scikit-learn 1.9: accuracy_score, f1_score(average="macro"), log_loss, and the mean over
    // the classes of roc_auc_score one against the rest.
    let text = "kind,said,said_ant,said_bee,said_cat\n\
        ant,ant,0.7,0.2,0.1\nbee,bee,0.1,0.6,0.3\ncat,bee,0.2,0.5,0.3\nant,cat,0.3,0.3,0.4\ncat,cat,0.1,0.2,0.7\nbee,ant,0.5,0.4,0.1\n";
    let arguments = "--predictions c.parquet --label kind --prediction said --bootstrap-samples 0";
    let read = evaluation(&[("c.parquet", text)], arguments);
    assert_eq!(read["model_type"], "multiclass_classification");
    let value = |name: &str| read["slices"][0]["metrics"][name]["candidate"].as_f64().unwrap();
    let figures = ["accuracy", "macro_f1", "log_loss", "auc", "recall:cat"].map(|name| (name, value(name)));
    let right = [0.5, 0.5, 0.758_068_6, 0.854_166_7, 0.5];
    for ((name, said), right) in figures.into_iter().zip(right) {
        assert!((said - right).abs() < 1e-6, "{name} {said}");
    }
    // Columns by name, and one that is no probability.
    let named = evaluation(
        &[("c.csv", &text.replace("said_", ""))],
        "--predictions c.csv --label kind --prediction said --probabilities ant,bee,cat --bootstrap-samples 0",
    );
    assert_eq!(named["slices"], read["slices"]);
    let scores = evaluate(
        &[("c.csv", text)],
        "--predictions c.csv --label kind --prediction said_ant --model-type multiclass_classification --out e.json",
    );
    insta::assert_snapshot!(scores.1.failure(), @"column 'said_ant' of the candidate's predictions: row 1 is 0.7, and a class is needed: name the column of the predicted classes, and their probabilities apart");
    assert_eq!(json!(null), read["slices"][0]["metrics"]["auc"]["baseline"]);
}

#[test]
fn an_evaluation_replaces_nothing_that_is_read_and_nothing_by_a_part() {
    let files = [("c.csv", flights(0.3)), ("e.json", "before".to_owned())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (yard, ended) = evaluate(&files, &format!("--predictions c.csv {LATE} --out ./c.csv"));
    insta::assert_snapshot!(ended.failure(), @"--out is c.csv, which is read: give the evaluation a file of its own");
    assert_eq!(fs::read_to_string(yard.path("c.csv")).unwrap(), flights(0.3));

    let (yard, ended) = evaluate(&files, &format!("--predictions c.csv {LATE} --out e.json"));
    ended.success();
    assert_eq!(yard.json("e.json")["schema_version"], 2);
    assert!(!yard.path("e.json.part").exists());

    // Whatever stops the writing, here a folder in its way, leaves the file of before.
    let files = [&files[..], &[("e.json.part/in-the-way", "")]].concat();
    let yard = Yard::new();
    fs::create_dir(yard.path("e.json.part")).unwrap();
    for (name, text) in files {
        fs::write(yard.path(name), text).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainyard-components"));
    let arguments = format!("evaluate --predictions c.csv {LATE} --out e.json");
    command.args(arguments.split(' ')).current_dir(yard.path("."));
    Ended::of(&command.output().unwrap(), &yard).failure();
    assert_eq!(fs::read_to_string(yard.path("e.json")).unwrap(), "before");
}

#[test]
fn how_tables_are_written_is_said_by_flags() {
    let right = evaluation(
        &[("c.csv", "late,score\n1,0.75\n0,0.25\n")],
        &format!("--predictions c.csv {LATE}"),
    );
    for (text, flags) in [
        ("late;score\n1;0,75\n0;0,25\n", "--decimal ,"),
        ("late;score\n1;0,75\n0;0,25\n", "--decimal , --separator ;"),
        ("late,score,\n1,0.75,x\n0,0.25,y\n", "--exclude-columns "),
        (
            "late,score,x\n1,0.75,\"a\n1,0.5,b\"\n0,0.25,c\n",
            "--line-breaks-in-values",
        ),
        ("late,score,x\n1,0.75,1\n0,0.25,-\n", "--missing-values - --bins x=2"),
        (
            "late,score,x\n1,0.75,1\n0,0.25,-oo\n",
            "--infinite-values -oo,oo --bins x=0",
        ),
    ] {
        let read = evaluation(&[("c.csv", text)], &format!("--predictions c.csv {LATE} {flags}"));
        assert_eq!(read["slices"][0], right["slices"][0], "{flags}");
    }
    let said = |text: &str, flags: &str| {
        let arguments = format!("--predictions c.csv {LATE} --out e.json{flags}");
        evaluate(&[("c.csv", text)], &arguments).1.failure()
    };
    let said = [
        said("late;score\n1;0,75\n0;0,25\n", ""),
        said("late;score\n1;0,75\n", " --decimal x"),
        said("late;score\n1;0,75\n", " --separator ab"),
        said("late,score\n1,0.75,2\n", ""),
        said("late,score,\n1,0.75,2\n", ""),
        said("late,score,x\n1,0.75,\"a\n1,0.5,b\"\n0,0.25,c\n", ""),
        said("late,score\n1,0.75\n", " --exclude-columns score"),
        said("late,score\n1,1e400\n0,0.5\n", ""),
        said(
            &format!("late,score\n1,{}\n0,0.5\n", "x".repeat(100_000)),
            " --model-type regression",
        ),
        said("late,score\n,0.5\n,0.25\n", ""),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    column 'score' of the candidate's predictions is text: row 1 is '0,75', with a comma: if commas separate fractions, give --decimal ',', and write thousands without them
    file c.csv: --decimal is 'x': it is '.' or ','
    file c.csv: --separator is 'ab': give it one character, such as ';' or '|', or tab
    file c.csv: line 2 has 3 values and the first line names 2 columns: put a value with ',' in it into quotes (values are separated by ','; --separator sets another)
    file c.csv: column 3 of 3 has no name: name it in the first line, or leave it out with --exclude-columns ''
    file c.csv: a quote in line 2 joins lines that look like rows of their own, up to line 3: close it or write it twice, or give --line-breaks-in-values if all of it is one value
    column 'score' of the candidate's predictions is left out by --exclude-columns: take it out there, or name another
    column 'score' of the candidate's predictions: row 1 is '1e400', and a prediction of binary_classification is a probability from 0 to 1: look at what the model makes of this row
    column 'score' of the candidate's predictions: row 1 is a text of 100000 bytes, and a prediction is a finite number: look at what the model makes of this row
    column 'late' of the candidate's predictions has no value in any row: write it where the predictions are made, or name another
    ");
}

#[test]
fn a_class_with_a_long_name_is_cut_in_the_summary_only() {
    let text = format!("late,score\na,a\n{},a\n", "x".repeat(100_000));
    let ended = evaluate(&[("c.csv", &text)], &format!("--predictions c.csv {LATE} --out e.json")).1;
    assert!(ended.success().stdout.lines().all(|line| line.chars().count() < 200));
}
