//! All SQL of this crate in one list, which a test and `trainyard doctor` prepare against the schema.

use crate::statement::Statement;

/// The lists of all files.
pub(crate) const ALL: &[(&str, &[(&str, Statement)])] = &[
    ("accepts", crate::accepts::STATEMENTS),
    ("again", crate::again::STATEMENTS),
    ("aliases", crate::aliases::STATEMENTS),
    ("approvals", crate::approvals::STATEMENTS),
    ("asks", crate::asks::STATEMENTS),
    ("audit", crate::audit::STATEMENTS),
    ("check_runs", crate::check_runs::STATEMENTS),
    ("checks", crate::checks::STATEMENTS),
    ("crashes", crate::crashes::STATEMENTS),
    ("deliveries", crate::deliveries::STATEMENTS),
    ("ends", crate::ends::STATEMENTS),
    ("events", crate::events::STATEMENTS),
    ("explain", crate::explain::STATEMENTS),
    ("fence", crate::fence::STATEMENTS),
    ("gone", crate::gone::STATEMENTS),
    ("holds", crate::holds::STATEMENTS),
    ("intents", crate::intents::STATEMENTS),
    ("leases", crate::leases::STATEMENTS),
    ("listing", crate::listing::STATEMENTS),
    ("metadata/cached", crate::metadata::cached::STATEMENTS),
    ("metadata/lineage", crate::metadata::lineage::STATEMENTS),
    ("metadata/nodes", crate::metadata::nodes::STATEMENTS),
    ("metadata/properties", crate::metadata::properties::STATEMENTS),
    ("metadata/published", crate::metadata::published::STATEMENTS),
    ("metadata/retention", crate::metadata::retention::STATEMENTS),
    ("metadata/types", crate::metadata::types::STATEMENTS),
    ("news", crate::news::STATEMENTS),
    ("number", crate::number::STATEMENTS),
    ("outbox", crate::outbox::STATEMENTS),
    ("pipelines", crate::pipelines::STATEMENTS),
    ("preimages", crate::preimages::STATEMENTS),
    ("promotions", crate::promotions::STATEMENTS),
    ("repositories", crate::repositories::STATEMENTS),
    ("requests", crate::requests::STATEMENTS),
    ("retention", crate::retention::STATEMENTS),
    ("run_waits", crate::run_waits::STATEMENTS),
    ("runs", crate::runs::STATEMENTS),
    ("schedules", crate::schedules::STATEMENTS),
    ("sessions", crate::sessions::STATEMENTS),
    ("stats", crate::stats::STATEMENTS),
    ("sweeps", crate::sweeps::STATEMENTS),
    ("target_holds", crate::target_holds::STATEMENTS),
    ("tokens", crate::tokens::STATEMENTS),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// A file whose statements are not in the list would escape the test that prepares them.
    #[test]
    fn every_file_with_statements_is_in_the_list() {
        let mut found = Vec::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for folder in [source.clone(), source.join("metadata")] {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() && fs::read_to_string(&path).unwrap().contains("\nstatements! {") {
                    let name = path.strip_prefix(&source).unwrap().with_extension("");
                    found.push(name.to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        let listed: Vec<_> = super::ALL.iter().map(|(file, _)| (*file).to_owned()).collect();
        assert_eq!(found, listed);
    }

    /// What a page, a command or a loop reads again and again looks nothing through: with 100,000 rows that takes
    /// a second.
    #[tokio::test]
    async fn no_statement_scans_what_grows() {
        use crate::{DatabaseUrl, Store};
        use sqlx::{Connection, Row, SqliteConnection};
        /// Statements of the retention, which looks at everything now and then.
        const MAY: [&str; 1] = ["metadata/retention"];
        const GROWS: [&str; 5] = ["runs", "deliveries", "delivery_bodies", "events", "run_events"];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trainyard.db");
        Store::open(&DatabaseUrl::Sqlite(path.clone()))
            .await
            .unwrap()
            .close()
            .await;
        let mut db = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
            .await
            .unwrap();
        let mut scans = Vec::new();
        for (file, statements) in super::ALL.iter().filter(|(file, _)| !MAY.contains(file)) {
            for (name, statement) in *statements {
                let text = statement.text();
                let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
                // A name after FROM, JOIN or UPDATE, and the short name after it.
                let words: Vec<&str> = text
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .filter(|word| !word.is_empty())
                    .collect();
                let short = |named: &str| {
                    let at = words
                        .windows(2)
                        .find(|pair| pair[1] == named && GROWS.contains(&pair[0]));
                    at.map(|pair| pair[0])
                };
                for row in sqlx::raw_sql(explain).fetch_all(&mut db).await.unwrap() {
                    let detail: String = row.get("detail");
                    let Some(table) = detail.strip_prefix("SCAN ") else {
                        continue;
                    };
                    let table = table.split(' ').next().unwrap();
                    if GROWS.contains(&table) || short(table).is_some() {
                        scans.push(format!("{file} {name}: {detail}"));
                    }
                }
            }
        }
        assert_eq!(scans, Vec::<String>::new());
    }
}
