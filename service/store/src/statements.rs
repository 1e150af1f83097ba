//! Every SQL text is a [`Statement`], made by one macro that also lists it, so that a test can
//! prepare each one against both databases.

/// One SQL text with `$1` placeholders, understood by SQLite and PostgreSQL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement(&'static str);

impl Statement {
    /// Only for [`statements!`].
    pub(crate) const fn listed(text: &'static str) -> Self {
        Self(text)
    }

    pub(crate) const fn text(self) -> &'static str {
        self.0
    }
}

/// Declares statements of a module and its list of them.
macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(const $name: $crate::statements::Statement = $crate::statements::Statement::listed($text);)*
        /// The statements of this file by name.
        pub(crate) const STATEMENTS: &[(&str, $crate::statements::Statement)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use statements;

/// The lists of all files.
pub(crate) const ALL: &[(&str, &[(&str, Statement)])] = &[
    ("aliases", crate::aliases::STATEMENTS),
    ("deliveries", crate::deliveries::STATEMENTS),
    ("events", crate::events::STATEMENTS),
    ("holds", crate::holds::STATEMENTS),
    ("leases", crate::leases::STATEMENTS),
    ("listing", crate::listing::STATEMENTS),
    ("metadata/cached", crate::metadata::cached::STATEMENTS),
    ("metadata/lineage", crate::metadata::lineage::STATEMENTS),
    ("metadata/nodes", crate::metadata::nodes::STATEMENTS),
    ("metadata/properties", crate::metadata::properties::STATEMENTS),
    ("metadata/published", crate::metadata::published::STATEMENTS),
    ("metadata/retention", crate::metadata::retention::STATEMENTS),
    ("metadata/types", crate::metadata::types::STATEMENTS),
    ("outbox", crate::outbox::STATEMENTS),
    ("pipelines", crate::pipelines::STATEMENTS),
    ("preimages", crate::preimages::STATEMENTS),
    ("promotions", crate::promotions::STATEMENTS),
    ("runs", crate::runs::STATEMENTS),
    ("schedules", crate::schedules::STATEMENTS),
    ("stats", crate::stats::STATEMENTS),
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
