//! The way in, with the real Docker: three commands from a folder of data to a judged model, and no line written by hand.

use crate::binary::{Ended, Place};
use crate::docker::{Leftovers, docker};
use serde_json::Value;
use std::fmt::Write as _;

/// Customers of a month: the longer one is there and the cheaper the plan, the likelier one stays.
fn month(number: u32) -> String {
    let mut text = "customer_id,tenure,monthly charges,plan,churned\n".to_owned();
    let mut state = u64::from(number) * 7919 + 1;
    let mut dice = |sides: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % sides
    };
    for row in 0..600 {
        let (tenure, plan) = (dice(72), ["basic", "plus", "premium, family"][dice(3) as usize]);
        let charges = 20 + dice(80);
        let leaves = dice(100) < 20 + if tenure < 24 { 50 } else { 0 } + if charges > 70 { 20 } else { 0 };
        let shown = if dice(40) == 0 {
            String::new()
        } else {
            tenure.to_string()
        };
        let churned = if leaves { "yes" } else { "no" };
        writeln!(text, "{number}-{row},{shown},{charges}.5,\"{plan}\",{churned}").unwrap();
    }
    text
}

fn place(months: u32) -> Place {
    let place = Place::new(
        "data_dir = \"{folder}/yard\"\ndata_root = \"{folder}/data\"\n\
         [executor]\ncomponents_image = \"trainyard/components:test\"\n",
    );
    for number in 1..=months {
        place.write(&format!("data/churn/2024-{number:02}.csv"), &month(number));
    }
    place
}

fn well(ended: Ended) -> Ended {
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.err, ended.out);
    ended
}

/// Images that the test's pipelines are trained in; their layers stay, for the next time.
struct Images(&'static str);

impl Drop for Images {
    fn drop(&mut self) {
        let label = format!("label=io.trainyard.image={}/train", self.0);
        for image in docker(&["images", "--quiet", "--filter", &label]).lines() {
            docker(&["rmi", "--force", "--no-prune", image]);
        }
    }
}

#[test]
fn a_folder_of_tables_becomes_a_judged_model_by_three_commands() {
    let place = place(3);
    let _images = Images("churn");
    well(place.run(&["init", "--data", "data/churn", "--label", "churned", "--name", "churn"]));
    well(place.run(&["lint", "pipelines/churn"]));
    let ran = place.run(&["run", "pipelines/churn", "--json"]);
    let _leftovers = Leftovers(std::fs::read_to_string(place.path().join("yard/instance")).unwrap());
    let run = well(ran).json();
    assert_eq!(run["verdict"]["blessing"], "blessed", "{run:#}");
    let auc = candidate(&run, "auc");
    assert!((0.6..0.95).contains(&auc), "{auc}");

    // Once the schema knows the columns, a strange month ends the run.
    let id = run["id"].as_str().unwrap();
    well(place.run(&["schema-diff", id, "--write"]));
    let file = place.path().join("pipelines/churn/pipeline.yaml");
    let strict = std::fs::read_to_string(&file)
        .unwrap()
        .replace("SCHEMA_NEW_COLUMN: WARNING\n", "");
    std::fs::write(&file, strict).unwrap();
    place.write("data/churn/2024-04.csv", &month(4).replace(",plan,", ",tariff,"));
    let stopped = place.run(&["run", "pipelines/churn"]);
    assert_eq!(stopped.code, Some(1), "{stopped:?}");
    assert!(stopped.out.contains("column 'tariff'"), "{stopped:?}");
}

/// One file, and a number to predict: rows that were left out of training judge.
#[test]
fn a_single_table_is_judged_by_rows_of_its_own() {
    let place = place(0);
    let _images = Images("charges");
    let file = place.write("data/customers.csv", &month(1));
    let data = [
        "--sample",
        file.to_str().unwrap(),
        "--label",
        "monthly charges",
        "--name",
        "charges",
    ];
    well(place.run(&[&["init"], &data[..]].concat()));
    // What people pay is drawn by dice: no model is better than the mean.
    let ran = place.run(&["run", "pipelines/charges", "--json"]);
    let _leftovers = Leftovers(std::fs::read_to_string(place.path().join("yard/instance")).unwrap());
    assert_eq!(ran.code, Some(2), "{}\n{}", ran.err, ran.out);
    let run = ran.json();
    assert_eq!(run["verdict"]["blessing"], "not_blessed", "{run:#}");
    assert!(candidate(&run, "r_squared") < 0.1, "{run:#}");
}

fn candidate(run: &Value, metric: &str) -> f64 {
    let rows = run["verdict"]["comparisons"].as_array().unwrap();
    let row = rows.iter().find(|row| row["metric"] == metric).unwrap();
    row["candidate"].as_f64().unwrap()
}
