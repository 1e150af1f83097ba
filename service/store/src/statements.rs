//! All SQL of this crate in one list, which a test and `trainyard doctor` prepare against the schema.

use crate::statement::Statement;

/// The lists of all files.
pub(crate) const ALL: &[(&str, &[(&str, Statement)])] = &[
    ("aliases", crate::aliases::STATEMENTS),
    ("crashes", crate::crashes::STATEMENTS),
    ("deliveries", crate::deliveries::STATEMENTS),
    ("events", crate::events::STATEMENTS),
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
    ("number", crate::number::STATEMENTS),
    ("outbox", crate::outbox::STATEMENTS),
    ("pipelines", crate::pipelines::STATEMENTS),
    ("preimages", crate::preimages::STATEMENTS),
    ("promotions", crate::promotions::STATEMENTS),
    ("retention", crate::retention::STATEMENTS),
    ("runs", crate::runs::STATEMENTS),
    ("schedules", crate::schedules::STATEMENTS),
    ("stats", crate::stats::STATEMENTS),
    ("target_holds", crate::target_holds::STATEMENTS),
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
}
