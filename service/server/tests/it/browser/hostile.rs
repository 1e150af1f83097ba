//! What strangers write: it is text in a browser too, and no script would run if it were more.

use super::world::{REPO, World};
use serde_json::json;

/// Scripts in a parameter, a step's failure and its log, beside what a terminal obeys.
const PIPELINE: &str = r#"name: hostile
parameters: { note: "<img src=x onerror='window.owned = 1'>" }
on: { push: { branches: [main] } }
steps:
  train:
    image: none
    command:
      - sh
      - -c
      - |
        printf '<script>window.owned = 2; document.title = "owned"</script>\n'
        printf '</pre></main><svg onload="window.owned = 3"></svg><iframe srcdoc="<script>parent.owned = 4</script>"></iframe>\n'
        printf '\033]8;;javascript:window.owned=5\033\\a link\033]8;;\033\\ \033]0;owned\007 \033[31mred\033[0m \033[2J\342\200\256reversed\n'
        printf '${window.owned = 6} "\047><a href="javascript:window.owned=7">b</a>\n'
        printf 'error: <style>body { display: none }</style><base href="https://evil.example/">\n'
        exit 1
    outputs: { model: Model }
"#;

/// Elements that only a stranger's text would bring.
const FOREIGN: &str = "main script, img, iframe, style, base, svg[onload], [href^='javascript'], [onerror]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_write_runs_no_script() {
    let world = World::empty().await;
    world.push("hostile", PIPELINE, "<script>window.owned = 8</script>");
    let run = world.newest("hostile", "failed").await;
    let browser = world.browser().await;
    for (path, text) in [
        ("/".to_owned(), "hostile"),
        ("/runs".to_owned(), "hostile"),
        (format!("/runs/{run}"), "<img src=x onerror="),
        (format!("/runs/{run}/logs/train"), "<script>window.owned = 2;"),
        ("/deliveries".to_owned(), "push"),
    ] {
        browser.go(&path).await;
        browser.says("main", text).await;
        assert_eq!(
            browser.script("return window.owned ?? null", &[]).await,
            json!(null),
            "{path}"
        );
        assert_eq!(browser.texts(FOREIGN).await, Vec::<String>::new(), "{path}");
        assert!(browser.texts("title").await[0].ends_with("· Trainyard"), "{path}");
        assert_eq!(browser.errors().await, Vec::<String>::new(), "{path}");
    }
    browser.go(&format!("/runs/{run}/logs/train")).await;
    let log = browser.texts("#log").await.concat();
    assert!(
        log.contains("</pre></main><svg onload=") && log.contains("a link"),
        "{log}"
    );
    assert!(!log.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{log:?}");

    // The second line of defence: what came into a page nevertheless is stopped by its policy.
    let slipped = "const script = document.createElement('script'); script.textContent = 'window.owned = 9';
        const button = document.createElement('button'); button.setAttribute('onclick', 'window.owned = 10');
        document.body.append(script, button); button.click(); return window.owned ?? null";
    assert_eq!(browser.script(slipped, &[]).await, json!(null));
    let errors = browser.errors().await;
    assert!(
        errors.len() == 2 && errors.iter().all(|error| error.contains("Content Security Policy")),
        "{errors:?}"
    );
    world.yard.stop().await;
}

/// Columns, values and tags that are scripts.
const MEASURED: &str = r#"name: odd
on: { push: { branches: [main], paths: ["pipelines/odd/**"] } }
data: { odd: { uri: "odd/{YYYY}-{MM}.csv" } }
steps:
  newest: { uses: example-gen, with: { source: odd, splits: { eval: 1 } } }
  statistics: { uses: statistics-gen, inputs: { examples: newest } }
  train:
    image: none
    command: [sh, -c, 'mkdir "$1"; cp "$2" "$1/events.out.tfevents.1.<b>host"; head -c 99 "$2" >"$1/events.out.tfevents.2"', sh, "{{outputs.logs}}", "SAMPLE"]
    inputs: { statistics: statistics }
    outputs: { logs: Logs }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_columns_tags_and_addresses_are_text_and_what_is_gone_is_said() {
    let world = World::empty().await;
    let mut rows =
        "\"<script>window.owned = 11</script>\",\"<img src=x onerror=\"\"window.owned = 12\"\">\",plain\n".to_owned();
    for row in 0..60 {
        rows.push_str(&format!(
            "\"</svg><script>window.owned = {row}</script>{}\",{row},1\n",
            row % 3
        ));
    }
    world.write_data("odd/2014-05.csv", &rows);
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../core/tests/event_files/events.out.tfevents.hostile"
    );
    world.push("odd", &MEASURED.replace("SAMPLE", sample), "Measure");
    let run = world.newest("odd", "succeeded").await;
    let other = world.start("odd", json!({})).await;
    world.newest("odd", "succeeded").await;
    let browser = world.browser().await;
    let shown = [
        (format!("/runs/{run}"), "<script>window.owned = 13"),
        (format!("/runs/{run}/data"), "<script>window.owned = 11"),
        (format!("/compare?runs={run},{other}"), "<script>window.owned = 13"),
        (format!("/data/{REPO}/odd/odd"), "2014-05"),
        (format!("/lineage/{run}/statistics/statistics"), "statistics"),
        ("/pipelines".to_owned(), "odd"),
        ("/sessions".to_owned(), "this browser"),
        (
            "/runs?pipeline=%3Cscript%3E&branch=%22%3E".to_owned(),
            "No run is like that",
        ),
        ("/runs?verdict=%3Cb%3Eno".to_owned(), "<b>no"),
        ("/runs?since=yesterday".to_owned(), "yesterday"),
        ("/runs/%3Cscript%3E".to_owned(), "<script>"),
        ("/runs?limit=x".to_owned(), "not a whole number"),
        (format!("/runs/{run}/logs/%3Cb%3E"), "<b>"),
        ("/nothing/%3Cscript%3E".to_owned(), "/nothing/"),
    ];
    let innocent = async |path: &str, text: &str| {
        browser.go(path).await;
        browser.says("main", text).await;
        let owned = browser.script("return window.owned ?? null", &[]).await;
        assert_eq!(
            (owned, browser.texts(FOREIGN).await),
            (json!(null), Vec::new()),
            "{path}"
        );
        // A page of what went wrong is told by its status, and nothing else is.
        let errors = browser.errors().await;
        assert!(
            errors.iter().all(|error| error.contains("status of 4")),
            "{path}: {errors:?}"
        );
    };
    for (path, text) in &shown {
        innocent(path, text).await;
    }
    world.remove_artifacts();
    innocent(&format!("/runs/{run}/data"), "retention removed them").await;
    innocent(&format!("/runs/{run}/evaluation"), "Evaluation of odd").await;
    innocent(&format!("/runs/{run}"), "odd").await;
    world.yard.stop().await;
}
