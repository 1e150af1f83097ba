//! Data: sources and their spans, and what a run measured and its validator found, on pages, by the API and the command line.

use crate::browser::world::{REPO, World};
use crate::yard::{API_TOKEN, Answer};

/// Measures two spans, and refuses the newer one for a column that drifted.
pub const PIPELINE: &str = r#"name: measured
on: { push: { branches: [main], paths: ["pipelines/measured/**"] } }
data: { rows: { uri: "rows/{YYYY}-{MM}.csv" } }
steps:
  newest: { uses: example-gen, with: { source: rows, splits: { eval: 1 } } }
  before:
    uses: example-gen
    with: { source: rows, window: { rolling_range: { num_spans: 1, skip_num_recent_spans: 1 } }, splits: { eval: 1 } }
  statistics: { uses: statistics-gen, inputs: { examples: newest } }
  previous: { uses: statistics-gen, inputs: { examples: before } }
  schema: { uses: schema-gen, inputs: { statistics: previous } }
  validate:
    uses: example-validator
    inputs: { statistics: statistics, previous_statistics: previous, schema: schema }
    with:
      drift: { features: { hour: { kolmogorov_smirnov: { threshold: 0.1 } }, carrier: { jensen_shannon_divergence: { threshold: 0.5 } } } }
"#;

/// Two spans: hours are later in the second one, a carrier is new, and its name is as hostile as it may be.
pub fn write_rows(mut write: impl FnMut(&str, &str)) {
    for (span, later, carrier) in [("2014-05", 0, "AA"), ("2014-06", 6, "<b>ZZ</b>")] {
        let mut rows = "hour,carrier,delay\n".to_owned();
        for row in 0..400 {
            let delay = if row % 5 == 0 { "" } else { "1" };
            let carrier = if row % 4 == 0 { carrier } else { "UA" };
            rows.push_str(&format!("{},{carrier},{delay}\n", row % 12 + later));
        }
        write(&format!("rows/{span}.csv"), &rows);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_run_measured_and_why_its_validator_refused_it() {
    let world = World::empty().await;
    write_rows(|name, text| world.write_data(name, text));
    world.push("measured", PIPELINE, "Add measured");
    let run = world.newest("measured", "failed").await;
    let get = async |path: &str| -> Answer {
        let request = world.yard.request("GET", path).bearer_auth(API_TOKEN);
        world.yard.send(request).await
    };
    let told = get(&format!("/api/v1/runs/{run}/data")).await.json();
    let judged = &told["data"][0];
    assert_eq!(
        (
            judged["step"].as_str(),
            judged["span"].as_str(),
            judged["before_span"].as_str()
        ),
        (Some("validate"), Some("2014-06"), Some("2014-05")),
        "{told}"
    );
    let split = &judged["splits"][0];
    assert_eq!(
        (split["rows"]["now"].as_i64(), split["rows"]["before"].as_i64()),
        (Some(400), Some(400))
    );
    // The one that is too far away comes first, with what chance would have made of it.
    let hour = &split["features"][0];
    assert_eq!(hour["name"], "hour", "{split}");
    let distance = &hour["distances"][0];
    assert_eq!(
        (distance["fires"].as_bool(), distance["value"].as_f64()),
        (Some(true), Some(0.505)),
        "{distance}"
    );
    assert!(
        distance["null_quantile"]
            .as_f64()
            .is_some_and(|quantile| quantile < 0.3),
        "{distance}"
    );
    let delay = split["features"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["name"] == "delay");
    assert_eq!(delay.unwrap()["missing"]["now"].as_f64(), Some(0.2));
    let change = &judged["schema"]["changes"][0];
    assert_eq!(change["feature"], "carrier", "{judged}");

    let sources = get("/api/v1/data").await.json();
    let listed = &sources["sources"][0];
    assert_eq!(
        (
            listed["source"].as_str(),
            listed["spans"].as_u64(),
            listed["newest"].as_str()
        ),
        (Some("rows"), Some(2), Some("2014-06"))
    );
    let path = format!("/api/v1/data/{REPO}/measured/rows");
    let source = get(&path).await.json();
    assert_eq!(source["spans"][0]["read_by"][0], run.as_str(), "{source}");
    assert_eq!(source["missing"][0]["feature"], "delay", "{source}");
    assert_eq!(get(&format!("{path}x")).await.status, 404);

    let listed = world.command(&["data"]);
    insta::assert_snapshot!(listed, @"
    SOURCE  PIPELINE  REPOSITORY   SPANS  NEWEST   WHERE
    rows    measured  acme/models      2  2014-06  rows/{YYYY}-{MM}.csv
    ");
    let source = world.command(&["data", "rows"]).replace(&run[..13], "RUN");
    insta::assert_snapshot!(source, @"
    rows of measured in acme/models, rows/{YYYY}-{MM}.csv
    SPAN     VERSIONS  FILES  READ BY
    2014-06                1  RUN
    2014-05                1  RUN
    ");
    let told = world.command(&["data", "--run", &run]);
    insta::assert_snapshot!(told, @"
    validate, span 2014-06
    split eval: 400 rows
    COLUMN   TYPE    MISSING  DISTANCE                      VALUE  ALLOWED     ANOMALY
    hour     int     0.0%     Kolmogorov-Smirnov distance  0.5050   0.1025  ✗  the Kolmogorov-Smirnov distance from the previous data is 0.505, and at most 0.1 is allowed; 400 and 400 values of the same origin are farther apart than 0.103 only 1% of the time
    carrier  string  0.0%     Jensen-Shannon divergence    0.2500   0.5000  ✓  100 of 400 values (25%) are outside of the domain, such as '<b>ZZ</b>', and the schema allows only 'AA' and 'UA'
    delay    int     20.0%    –                                 –        –
    ");

    let cookie = world.signed_in().await;
    let page = async |path: &str| -> Answer {
        let request = world
            .yard
            .request("GET", path)
            .header("accept", "text/html")
            .header("cookie", &cookie);
        world.yard.send(request).await
    };
    let shown = page(&format!("/runs/{run}/data")).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text.contains("found again by its rules"), "{}", shown.text);
    assert!(
        shown.text.contains("too far") && shown.text.contains("Kolmogorov-Smirnov distance"),
        "{}",
        shown.text
    );
    assert!(
        !shown.text.contains("<b>ZZ") && shown.text.contains("&#60;b&#62;ZZ"),
        "{}",
        shown.text
    );
    assert!(shown.text.len() < 150_000);
    for (path, status) in [
        (format!("/runs/{run}/data?split=nope"), 404),
        (format!("/runs/{run}/data?from=99"), 200),
        (format!("/runs/{run}/data?from=x"), 400),
        (format!("/data/{REPO}/measured/rows"), 200),
        (format!("/data/{REPO}/measured/nope"), 404),
        (format!("/data/{REPO}/nope/rows"), 404),
    ] {
        assert_eq!(page(&path).await.status, status, "{path}");
    }
    let run_page = page(&format!("/runs/{run}")).await;
    assert!(run_page.text.contains(&format!("/runs/{run}/data")), "the way to it");

    // From what was measured to the data it was measured on.
    let lineage = page(&format!("/lineage/{run}/statistics/statistics")).await;
    assert_eq!(lineage.status, 200, "{lineage:?}");
    assert!(
        lineage.text.contains(">data rows</text>") && lineage.text.contains(">newest</text>"),
        "{}",
        lineage.text
    );
    let commit = get(&format!("/api/v1/runs/{run}")).await.json()["commit"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(lineage.text.contains(&commit[..10]), "{}", lineage.text);
    assert!(
        run_page
            .text
            .contains(&format!("href=\"/lineage/{run}/statistics/statistics\"")),
        "the way to it"
    );
    for (path, status) in [
        ("x", 404),
        ("x?hops=101", 400),
        ("x?direction=sideways", 400),
        ("x?y=1", 400),
    ] {
        assert_eq!(page(&format!("/lineage/{path}")).await.status, status, "{path}");
    }

    // A row and a file that are gone are no reason for a page to be gone.
    world.remove_artifacts();
    let shown = page(&format!("/runs/{run}/data")).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert!(shown.text.contains("retention removed them"), "{}", shown.text);
    world.yard.stop().await;
}
