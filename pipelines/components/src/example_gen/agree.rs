//! What the files of a window have in common: every column that any of them has, in one kind.

use anyhow::{Result, bail};
use std::collections::BTreeMap;

use super::feature::{Feature, Form};
use super::source::{Found, Origin, SpanFile};
use crate::csv::asked::Asked;
use crate::csv::columns::{Evidence, Seen};
use crate::features::Kind;

/// Files that a note lists.
const LISTED: usize = 3;

/// The columns of Examples, and what their reader should know about how they came to be.
#[derive(Debug)]
pub struct Agreed {
    /// In the order in which the files have them, those of the first file first.
    pub features: Vec<Feature>,
    /// One sentence each.
    pub notes: Vec<String>,
}

/// Brings the columns of all files together. A column that some files lack is null there, which the schema judges;
/// integers and floating point become floating point; `types` says what a column is, whatever it looks like.
///
/// # Errors
/// When a column is text in one file and a number in another, or holds lists in one and not in another.
pub fn agree(files: &[SpanFile], types: &BTreeMap<String, Kind>) -> Result<Agreed> {
    if files.is_empty() {
        bail!("there is no file to read");
    }
    let mut names: Vec<&str> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for column in files.iter().flat_map(|file| &file.columns) {
        if known.insert(column.name.as_str()) {
            names.push(&column.name);
        }
    }
    if let Some(unknown) = types.keys().find(|name| !known.contains(name.as_str())) {
        bail!("there is no column '{unknown}', which column_types names");
    }
    let places: Vec<BTreeMap<&str, &Found>> = files
        .iter()
        .map(|file| {
            file.columns
                .iter()
                .map(|column| (column.name.as_str(), column))
                .collect()
        })
        .collect();
    let mut agreed = Agreed {
        features: Vec::new(),
        notes: Vec::new(),
    };
    for name in names {
        let found = files.iter().zip(&places);
        let found: Vec<InFile> = found
            .filter_map(|(file, columns)| Some((file, *columns.get(name)?)))
            .collect();
        let form = one_form(name, &found)?;
        let kind = match types.get(name) {
            Some(kind) => Some(*kind),
            None => one_kind(name, &found, &mut agreed.notes)?,
        };
        if found.len() < files.len() {
            let lacking = files
                .iter()
                .zip(&places)
                .filter(|(_, columns)| !columns.contains_key(name));
            let lacking: Vec<&str> = lacking.map(|(file, _)| file.name.as_str()).collect();
            agreed.notes.push(format!(
                "column '{name}' is not in {}: it is missing in those rows",
                listed(&lacking)
            ));
        }
        if kind.is_none() {
            agreed.notes.push(format!(
                "column '{name}' has no value: its type is left open (column_types can say it)"
            ));
        }
        agreed.features.push(Feature {
            name: name.to_owned(),
            kind,
            form,
        });
    }
    Ok(agreed)
}

/// A column in one file.
type InFile<'a> = (&'a SpanFile, &'a Found);

fn one_form(name: &str, found: &[InFile]) -> Result<Form> {
    let mut valued = found.iter().filter(|(_, column)| column.kind.is_some());
    let Some((first, column)) = valued.next() else {
        return Ok(Form::One);
    };
    let mut form = column.form;
    for (file, column) in valued {
        form = match (form, column.form) {
            (same, other) if same == other => same,
            // Text is bytes, too.
            (Form::One, Form::Binary) | (Form::Binary, Form::One) => Form::Binary,
            _ => {
                let lists = |form| if form == Form::List { "lists" } else { "single values" };
                bail!(
                    "column '{name}' has {} in file {} and {} in file {}: make it one or the other, or leave it out with exclude_columns",
                    lists(form),
                    first.name,
                    lists(column.form),
                    file.name
                )
            }
        };
    }
    Ok(form)
}

/// The kind that holds the values of all files.
fn one_kind(name: &str, found: &[InFile], notes: &mut Vec<String>) -> Result<Option<Kind>> {
    let texts = written(name, found, notes);
    let mut agreed: Option<(Kind, &SpanFile, &Found)> = None;
    for (file, column) in found {
        // Text tables are one table in several files, unless a word is in the way.
        let kind = match &column.origin {
            Origin::Csv(_) if column.kind.is_some() => texts.or(column.kind),
            _ => column.kind,
        };
        let Some(kind) = kind else { continue };
        agreed = Some(match agreed {
            None => (kind, file, column),
            Some((known, first, other)) => match known.widened(kind) {
                Some(both) if both == known => (both, first, other),
                Some(both) => (both, file, column),
                None => bail!("{}", conflict(name, (known, first, other), (kind, file, column))),
            },
        });
    }
    let kind = agreed.map(|(kind, _, _)| kind);
    let own = |wanted| found.iter().find(|(_, column)| column.kind == Some(wanted));
    if kind == Some(Kind::Float) {
        let inexact = found.iter().find_map(|(file, column)| Some((file, column.inexact()?)));
        let inexact = inexact.map(|(file, value)| {
            format!(
                "beyond 2^53 that is not exact, and file {} has {value}; column_types: {{ {name}: BYTES }} keeps it",
                file.name
            )
        });
        let widened = own(Kind::Int).zip(own(Kind::Float)).map(|((whole, _), (float, _))| {
            format!("INT in {} and FLOAT in {}: it is read as FLOAT", whole.name, float.name)
        });
        let said: Vec<String> = match widened {
            None if inexact.is_none() => Vec::new(),
            None => ["FLOAT".to_owned()].into_iter().chain(inexact).collect(),
            Some(widened) => [widened].into_iter().chain(inexact).collect(),
        };
        notes.extend((!said.is_empty()).then(|| format!("column '{name}' is {}", said.join("; "))));
    }
    let truth = |column: &Found| matches!(&column.origin, Origin::Parquet { type_name, .. } if type_name == "Boolean");
    let (yes, no): (Vec<InFile>, Vec<InFile>) = found
        .iter()
        .filter(|(_, column)| column.kind.is_some())
        .partition(|(_, column)| truth(column));
    if let ([(one, _), ..], [(other, _), ..]) = (yes.as_slice(), no.as_slice()) {
        notes.push(format!(
            "column '{name}' is true or false in {} and numbers in {}: true and false are read as 1 and 0",
            one.name, other.name
        ));
    }
    Ok(kind)
}

/// What the columns of all text tables are together, as if they were one; `None` where a word or comma is in one.
fn written(name: &str, found: &[InFile], notes: &mut Vec<String>) -> Option<Kind> {
    let of = |(file, column): &InFile<'_>| match &column.origin {
        Origin::Csv(evidence) => Some((file.name.clone(), evidence.as_ref().clone())),
        Origin::Parquet { .. } => None,
    };
    let texts: Vec<(String, Evidence)> = found.iter().filter_map(of).collect();
    if texts.iter().any(|(_, evidence)| evidence.wordy()) {
        return None;
    }
    let mut all = Evidence::default();
    texts.iter().for_each(|(_, evidence)| all.merge(evidence));
    let kind = all.kind();
    let numbers = texts
        .iter()
        .find(|(_, evidence)| evidence.kind().is_some_and(|own| own != Kind::Bytes));
    let codes = texts.iter().find(|(_, evidence)| evidence.kind() == Some(Kind::Bytes));
    if let (Some(Kind::Bytes), Some((one, _)), Some((other, evidence))) = (kind, numbers, codes)
        && let Some(why) = evidence.why_text()
    {
        notes.push(format!(
            "column '{name}' is text, and the numbers of {one} are read as they are written: in {other} {}",
            why.sentence(Asked::Keys)
        ));
    }
    kind
}

fn conflict(name: &str, one: (Kind, &SpanFile, &Found), other: (Kind, &SpanFile, &Found)) -> String {
    let said = |(kind, file, column): (Kind, &SpanFile, &Found)| {
        let value = column
            .first_text()
            .map_or_else(String::new, |seen| format!(" ({seen})"));
        format!("{kind} in file {}{value}", file.name)
    };
    let word = [other.2, one.2].into_iter().find_map(|found| found.word());
    let word = word.map_or_else(String::new, |seen: Seen| {
        format!(", name '{}' in missing_values if it stands for none", seen.value)
    });
    format!(
        "column '{name}' is {} but {}: make it one type{word}, or say what it is with column_types: {{ {name}: BYTES }}",
        said(other),
        said(one)
    )
}

fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(LISTED);
    let named = names[..names.len() - more].join(", ");
    if more == 0 {
        named
    } else {
        format!("{named} and {more} more files")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example_gen::source::Reading;
    use std::fs;

    fn files(texts: &[&str]) -> (tempfile::TempDir, Result<Vec<SpanFile>>) {
        let folder = tempfile::tempdir().unwrap();
        let open = |(month, text): (usize, &&str)| {
            let name = format!("2013-{:02}.csv", month + 1);
            fs::write(folder.path().join(&name), text).unwrap();
            SpanFile::open(folder.path(), &name, &Reading::default())
        };
        let files = texts.iter().enumerate().map(open).collect();
        (folder, files)
    }

    fn agreed(texts: &[&str], types: &[(&str, Kind)]) -> Result<Agreed> {
        let types = types.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        agree(&files(texts).1?, &types)
    }

    /// Columns and notes, a line each, or the error.
    fn said(texts: &[&str]) -> String {
        match agreed(texts, &[]) {
            Ok(Agreed { features, notes }) => {
                let columns: Vec<String> = features
                    .iter()
                    .map(|feature| format!("{} {feature}", feature.name))
                    .collect();
                [columns.join(", ")]
                    .into_iter()
                    .chain(notes)
                    .collect::<Vec<_>>()
                    .join("\n")
            }
            Err(error) => crate::task::sentence(&error),
        }
    }

    #[test]
    fn kinds_of_csv_columns() {
        let text = "\u{feff}n,x,s,day,flag,none,nan\n1,1.5,a,2013-01-01,TRUE,NA,nan\nNA,,NA,,,,2\n";
        insta::assert_snapshot!(said(&[text]), @"
        n INT, x FLOAT, s BYTES, day BYTES, flag BYTES, none null, nan INT
        column 'none' has no value: its type is left open (column_types can say it)
        ");
    }

    #[test]
    fn numbers_widen_and_a_column_that_a_file_lacks_is_missing_there() {
        insta::assert_snapshot!(said(&["a,b\n1,NA\n", "b,a\n7,1.5\n"]), @"
        a FLOAT, b INT
        column 'a' is INT in 2013-01.csv and FLOAT in 2013-02.csv: it is read as FLOAT
        ");
        insta::assert_snapshot!(said(&["a\n9007199254740993\n", "a\n0.5\n"]), @"
        a FLOAT
        column 'a' is INT in 2013-01.csv and FLOAT in 2013-02.csv: it is read as FLOAT; beyond 2^53 that is not exact, and file 2013-01.csv has 9007199254740993; column_types: { a: BYTES } keeps it
        ");
        insta::assert_snapshot!(said(&["a,b\n1,2\n", "a\n1\n", "c,a\nx,1\n"]), @"
        a INT, b INT, c BYTES
        column 'b' is not in 2013-02.csv, 2013-03.csv: it is missing in those rows
        column 'c' is not in 2013-01.csv, 2013-02.csv: it is missing in those rows
        ");
    }

    #[test]
    fn codes_stay_as_they_are_written_in_every_file() {
        insta::assert_snapshot!(said(&["store\n421\n", "store\n0421\n00421\n"]), @"
        store BYTES
        column 'store' is text, and the numbers of 2013-01.csv are read as they are written: in 2013-02.csv row 1 is '0421', whose leading zero a number would lose
        ");
    }

    #[test]
    fn text_and_numbers_do_not_agree() {
        insta::assert_snapshot!(said(&["a\n1\n", "a\n1.5\n", "a\nx\n"]), @"column 'a' is BYTES in file 2013-03.csv (row 1 is 'x') but FLOAT in file 2013-02.csv: make it one type, name 'x' in missing_values if it stands for none, or say what it is with column_types: { a: BYTES }");
        let forced = agreed(&["a\n1\n", "a\nx\n"], &[("a", Kind::Bytes)]).unwrap();
        assert_eq!(forced.features[0].kind, Some(Kind::Bytes));
        let unknown = agreed(&["a\n1\n"], &[("b", Kind::Int)]).unwrap_err();
        insta::assert_snapshot!(unknown.to_string(), @"there is no column 'b', which column_types names");
        insta::assert_snapshot!(said(&["a,a\n1,2\n"]), @"file 2013-01.csv has the column 'a' twice: rename one");
        insta::assert_snapshot!(said(&[""]), @"file 2013-01.csv: it is empty: a CSV file starts with a line of column names");
    }
}
