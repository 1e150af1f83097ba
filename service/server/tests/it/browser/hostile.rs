//! What strangers write: it is text in a browser too, and no script would run if it were more.

use super::world::World;
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
