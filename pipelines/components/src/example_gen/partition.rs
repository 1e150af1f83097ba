//! Which split a row is in: by its own values as its own file has them, and by nothing else.

use anyhow::{Result, anyhow, bail};
use arrow_array::RecordBatch;

use super::feature::{Feature, Values};
use super::partition_key::{EntityKey, RecordKey};
use super::source::SpanFile;
use super::splits::Splits;
use crate::features::Kind;

/// The columns of one file as it has them, beside the features that all files agreed on.
pub struct OwnColumns {
    columns: Vec<OwnColumn>,
}

struct OwnColumn {
    feature: Feature,
    /// The feature of all files.
    agreed: usize,
    /// Whether both read the same values.
    same: bool,
    /// Where its own values are in a batch.
    place: usize,
}

impl OwnColumns {
    /// Of a file whose columns are among these features.
    pub fn new(file: &SpanFile, features: &[Feature]) -> Self {
        let own_places = file.own_places(features);
        let own = |(agreed, column): (usize, Option<usize>)| {
            let column = column?;
            let found = &file.columns[column];
            let feature = Feature {
                name: found.name.clone(),
                kind: found.kind,
                form: found.form,
            };
            Some(OwnColumn {
                same: feature == features[agreed],
                feature,
                agreed,
                place: own_places[column],
            })
        };
        Self {
            columns: file.places(features).into_iter().enumerate().filter_map(own).collect(),
        }
    }

    /// The file's own values of a batch, of which the agreed ones are known; names column and row of one that cannot
    /// be read.
    pub fn values(
        &self,
        agreed: &[Values],
        batch: &RecordBatch,
    ) -> Result<Vec<Values>, (String, usize, anyhow::Error)> {
        let values = |own: &OwnColumn| {
            if own.same {
                return Ok(agreed[own.agreed].clone());
            }
            let array = batch.column(own.place);
            let values = own.feature.values(Some(array), batch.num_rows());
            values.map_err(|(row, error)| (own.feature.name.clone(), row, error))
        };
        self.columns.iter().map(values).collect()
    }
}

/// What decides a row's split.
pub enum Partition {
    /// All of it.
    Record,
    /// The value of this feature, by its place among them.
    Feature(usize),
}

/// How the rows of one file are assigned.
pub enum Assignment {
    /// By all of the row.
    Record(RecordKey),
    /// By the value at this place among the file's own columns; `None` where it has no such column.
    Feature(Option<usize>, Box<EntityKey>),
}

impl Partition {
    /// By the value of one feature.
    ///
    /// # Errors
    /// When there is none of the name, or it is floating point.
    pub fn feature(features: &[Feature], name: &str) -> Result<Self> {
        let place = features.iter().position(|feature| feature.name == name);
        let place = place.ok_or_else(|| anyhow!("there is no column '{name}', which partition_feature_name names"))?;
        if features[place].kind == Some(Kind::Float) {
            bail!("column '{name}' is FLOAT: set partition_feature_name to a column of whole numbers or text");
        }
        Ok(Self::Feature(place))
    }

    /// For the rows of one file.
    pub fn of(&self, own: &OwnColumns) -> Assignment {
        match self {
            Self::Record => {
                let features: Vec<Feature> = own.columns.iter().map(|own| own.feature.clone()).collect();
                Assignment::Record(RecordKey::new(&features))
            }
            Self::Feature(feature) => {
                let place = own.columns.iter().position(|own| own.agreed == *feature);
                Assignment::Feature(place, Box::default())
            }
        }
    }
}

impl Assignment {
    /// Appends each row's number to its split's list; the number of a row without a value is the error.
    pub fn assign(&self, own: &[Values], count: usize, splits: &Splits, rows: &mut [Vec<u32>]) -> Result<(), usize> {
        let mut key = Vec::new();
        for (row, number) in (0..count).zip(0u32..) {
            key.clear();
            match self {
                Self::Record(record) => record.write(own, row, &mut key),
                Self::Feature(Some(column), entity) => entity.write(&own[*column], row, &mut key),
                Self::Feature(None, _) => {}
            }
            if key.is_empty() {
                return Err(row);
            }
            rows[splits.of(&key)].push(number);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example_gen::agree::agree;
    use crate::example_gen::source::Reading;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::fs;

    /// The split of every row of the first of these files, a thousand of them, so that equal splits are equal keys.
    fn splits(texts: &[&str], partition: Option<&str>) -> Option<Vec<usize>> {
        let folder = tempfile::tempdir().unwrap();
        let open = |(month, text): (usize, &&str)| {
            let name = format!("2013-{:02}.csv", month + 1);
            fs::write(folder.path().join(&name), text).unwrap();
            SpanFile::open(folder.path(), &name, &Reading::default()).unwrap()
        };
        let files: Vec<SpanFile> = texts.iter().enumerate().map(open).collect();
        // What is a number here and a word there needs to be said; and so does saying it move nothing.
        let all = files.iter().flat_map(|file| &file.columns);
        let forced = all.map(|column| (column.name.clone(), Kind::Bytes)).collect();
        let agreed = agree(&files, &BTreeMap::new())
            .or_else(|_| agree(&files, &forced))
            .unwrap();
        let features = agreed.features;
        let partition = partition.map_or(Ok(Partition::Record), |name| Partition::feature(&features, name));
        let (file, partition) = (&files[0], partition.ok()?);
        let own = OwnColumns::new(file, &features);
        let assignment = partition.of(&own);
        let shares = (0..1000).map(|split| (format!("s{split}"), serde_json::json!(1)));
        let splits = Splits::parse(&shares.collect()).unwrap();
        let mut found = Vec::new();
        for batch in file.batches(&features).unwrap() {
            let batch = batch.unwrap();
            let mut rows = vec![Vec::new(); 1000];
            let places = file.places(&features);
            let columns = super::super::columns(&features, &places, &batch).unwrap();
            let values = own.values(&columns, &batch).unwrap();
            assignment.assign(&values, batch.num_rows(), &splits, &mut rows).ok()?;
            let mut of: Vec<usize> = vec![0; batch.num_rows()];
            for (split, rows) in rows.iter().enumerate() {
                rows.iter().for_each(|row| of[*row as usize] = split);
            }
            found.extend(of);
        }
        Some(found)
    }

    #[test]
    fn no_later_month_moves_a_row() {
        let january = "id,n,gust\n421,1,\n422,2,3.5\n423,3,NA\n";
        let alone = splits(&[january], None);
        for later in [
            "id,n,gust\n421,1.5,\n",
            "id,n,gust\n421,inf,\n",
            "id,n,gust\n0421,1,\n",
            "id,n,gust\n421,many,\n",
            "id,n\n421,1\n",
            "gust,id,n,tail\n1,421,1,N1\n",
            "other\nx\n",
        ] {
            assert_eq!(splits(&[january, later], None), alone, "{later}");
        }
        let alone = splits(&[january], Some("id"));
        assert_eq!(splits(&[january, "id,n,gust\n0421,1,\n"], Some("id")), alone);
        assert_eq!(
            splits(&["id,n\n421,x\nA,y\n"], Some("id")).unwrap()[0],
            alone.unwrap()[0]
        );
        // The order of the columns is no part of it.
        assert_eq!(splits(&["a,b\n1,x\n"], None), splits(&["b,a\nx,1\n"], None));
    }

    fn month() -> impl Strategy<Value = String> {
        let value = prop::sample::select(vec![
            "",
            "NA",
            "0",
            "7",
            "-3",
            "+7",
            "1.5",
            "7.0",
            "1e3",
            "inf",
            "0421",
            "12345678901234567890",
            "x",
            "2013-01-01",
            "1 234",
        ]);
        let rows = prop::collection::vec(prop::collection::vec(value, 4), 0..5);
        (
            prop::sample::subsequence(vec!["a", "b", "c", "d"], 1..=4).prop_shuffle(),
            rows,
        )
            .prop_map(|(names, rows)| {
                // A last column keeps lines from being empty.
                let line = |row: Vec<&str>| row[..names.len()].join(",") + ",z\n";
                names.join(",") + ",last\n" + &rows.into_iter().map(line).collect::<String>()
            })
    }

    proptest! {
        #[test]
        fn a_row_is_where_it_was_whatever_comes_later(first in month(), second in month(), third in month()) {
            let alone = splits(&[&first], None);
            prop_assert_eq!(&splits(&[&first, &second], None), &alone);
            prop_assert_eq!(&splits(&[&first, &second, &third], None), &alone);
            let by_entity = [splits(&[&first, &second], Some("a")), splits(&[&first], Some("a"))];
            if let [Some(together), Some(alone)] = by_entity {
                prop_assert_eq!(together, alone);
            }
        }
    }
}
