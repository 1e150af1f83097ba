//! How every page looks, and what axe-core finds on it: light, dark and on a phone. `make screenshots` runs this.

use super::driver::Browser;
use super::every_page::{Page, SIGN_IN, all};
use super::world::FLIGHTS;
use serde_json::json;
use std::path::PathBuf;

/// A way to look: its folder, the scheme that the person likes, and the width of the window.
const LOOKS: [(&str, &str, u32); 3] = [
    ("light", "light", 1280),
    ("dark", "dark", 1280),
    ("phone", "light", 390),
];

/// What keeps somebody from using a page.
const FINDINGS: &str = r"
    const told = await axe.run(document, { resultTypes: ['violations'] });
    return told.violations
        .filter((rule) => ['serious', 'critical'].includes(rule.impact))
        .flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary}`));
";

fn from_environment(name: &str) -> PathBuf {
    let path = std::env::var_os(name);
    path.unwrap_or_else(|| panic!("{name} is missing: start this with `make screenshots`"))
        .into()
}

/// Has the browser show pages as one way to look wants it, in a window of this height.
async fn look(browser: &Browser, (_, scheme, width): (&str, &str, u32), height: u64) {
    let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
    browser.command("Emulation.setDeviceMetricsOverride", size).await;
    let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
    browser.command("Emulation.setEmulatedMedia", features).await;
}

/// What axe-core finds on the page that the browser shows, and whether its user must scroll sideways.
async fn findings(browser: &Browser, axe: &str) -> Vec<String> {
    browser.script(axe, &[]).await;
    let mut found: Vec<String> = serde_json::from_value(browser.script(FINDINGS, &[]).await).unwrap();
    let sideways = "const page = document.documentElement; return page.scrollWidth - page.clientWidth";
    let beyond = browser.script(sideways, &[]).await;
    if beyond != json!(0) {
        found.push(format!("it is {beyond} pixels wider than its window"));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "`make screenshots` installs axe-core and says where pictures go"]
async fn every_page_is_drawn_and_usable_by_everybody() {
    let folder = from_environment("TRAINYARD_SCREENSHOTS");
    let axe = from_environment("TRAINYARD_AXE").join("node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(&axe).unwrap_or_else(|error| panic!("{}: {error}", axe.display()));
    let (world, mut pages) = all().await;
    let signed_out = Browser::open(&world.yard.url).await;
    let signed_in = world.browser().await;
    pages.push(Page::signed_out());
    let mut found = Vec::new();
    for kind in LOOKS {
        std::fs::create_dir_all(folder.join(kind.0)).unwrap();
        for page in &pages {
            let browser = if page.name == SIGN_IN { &signed_out } else { &signed_in };
            look(browser, kind, 800).await;
            browser.go(&page.path).await;
            let told = findings(browser, &axe).await.into_iter();
            found.extend(told.map(|finding| format!("{} {}: {finding}", kind.0, page.name)));
            let height = browser
                .script("return document.documentElement.scrollHeight", &[])
                .await;
            look(browser, kind, height.as_u64().unwrap()).await;
            browser
                .picture(&folder.join(kind.0).join(format!("{}.png", page.name)))
                .await;
        }
    }
    println!("{} pictures are in {}", LOOKS.len() * pages.len(), folder.display());
    assert!(found.is_empty(), "{}", found.join("\n"));
    world.finish();
    world.newest(FLIGHTS, "succeeded").await;
    world.yard.stop().await;
}
