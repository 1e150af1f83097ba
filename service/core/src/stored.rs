//! What is stored as JSON and read by later binaries: each value with the version of its form.
//!
//! The version is the key `format` of the JSON object; without it, it is version 1, since the first
//! binaries wrote none. `tests/samples` has what every version wrote, and a test reads it for ever.

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::Value;

const FORMAT: &str = "format";

/// A value that is stored. None has a field called `format` of its own.
pub trait Stored: Serialize + DeserializeOwned {
    /// What it is, for sentences: `run event`.
    const WHAT: &'static str;

    /// The version that is written today; raised when the form changes.
    const VERSION: u32;

    /// Brings the JSON of version `from`, at most [`Self::VERSION`], into today's form. Today's comes here
    /// too: a stored value inside of it has a version of its own ([`upgrade_inner`]).
    fn upgrade(from: u32, value: Value) -> Result<Value, StoredError> {
        let _ = from;
        Ok(value)
    }
}

/// Why a stored value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// This binary is too old.
    #[error(
        "the {what} was written by a newer Trainyard ({what} version {found}, this one knows {known}): use that version"
    )]
    Newer {
        /// [`Stored::WHAT`].
        what: &'static str,
        /// Its version.
        found: u64,
        /// [`Stored::VERSION`].
        known: u32,
    },
    /// It is damaged.
    #[error("the {what} cannot be read: {error}")]
    Unreadable {
        /// [`Stored::WHAT`].
        what: &'static str,
        /// One sentence.
        error: String,
    },
}

impl StoredError {
    /// A `T` that is damaged.
    pub fn unreadable<T: Stored>(error: impl ToString) -> Self {
        Self::Unreadable {
            what: T::WHAT,
            error: error.to_string(),
        }
    }
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    format: u32,
    #[serde(flatten)]
    value: &'a T,
}

/// The JSON text to store.
pub fn write<T: Stored>(value: &T) -> String {
    let format = T::VERSION;
    // What is stored has string keys only, so that this cannot fail.
    serde_json::to_string(&Versioned { format, value }).unwrap_or_default()
}

/// A value from its stored JSON text, whichever version wrote it.
pub fn read<T: Stored>(text: &str) -> Result<T, StoredError> {
    let value = serde_json::from_str(text).map_err(StoredError::unreadable::<T>)?;
    serde_json::from_value(upgraded::<T>(value)?).map_err(StoredError::unreadable::<T>)
}

/// Writes a stored value as a field of another, for `serialize_with`.
pub(crate) fn serialize_inner<T: Stored, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let format = T::VERSION;
    Versioned { format, value }.serialize(serializer)
}

/// Brings a field of a stored value that is a stored value too into today's form.
pub(crate) fn upgrade_inner<T: Stored>(outer: &mut Value, field: &str) -> Result<(), StoredError> {
    if let Some(inner) = outer.get_mut(field) {
        *inner = upgraded::<T>(inner.take())?;
    }
    Ok(())
}

fn upgraded<T: Stored>(mut value: Value) -> Result<Value, StoredError> {
    let Some(fields) = value.as_object_mut() else {
        return Err(StoredError::unreadable::<T>("it is not an object"));
    };
    let found = match fields.shift_remove(FORMAT) {
        None => 1,
        Some(version) => version
            .as_u64()
            .filter(|version| *version > 0)
            .ok_or_else(|| StoredError::unreadable::<T>(format!("its {FORMAT} {version} is no version")))?,
    };
    match u32::try_from(found) {
        Ok(from) if from <= T::VERSION => T::upgrade(from, value),
        _ => Err(StoredError::Newer {
            what: T::WHAT,
            found,
            known: T::VERSION,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    /// Version 1 called its number a text; version 2 holds a `Part`, whose own version is 1.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Whole {
        number: u64,
        #[serde(serialize_with = "serialize_inner")]
        part: Part,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    enum Part {
        Wheel { spokes: u32 },
    }

    impl Stored for Part {
        const WHAT: &'static str = "part";
        const VERSION: u32 = 1;
    }

    impl Stored for Whole {
        const WHAT: &'static str = "whole";
        const VERSION: u32 = 2;

        fn upgrade(from: u32, mut value: Value) -> Result<Value, StoredError> {
            if from < 2 {
                let text = value["number"].as_str().unwrap_or_default();
                value["number"] = text.parse::<u64>().map_err(StoredError::unreadable::<Self>)?.into();
            }
            upgrade_inner::<Part>(&mut value, "part")?;
            Ok(value)
        }
    }

    #[test]
    fn what_is_written_has_its_version_first_and_is_read_again() {
        let part = Part::Wheel { spokes: 7 };
        let whole = Whole { number: 3, part };
        let text = write(&whole);
        assert_eq!(
            text,
            r#"{"format":2,"number":3,"part":{"format":1,"kind":"wheel","spokes":7}}"#
        );
        assert_eq!(read::<Whole>(&text), Ok(whole));
        let old = r#"{"number":"3","part":{"kind":"wheel","spokes":7}}"#;
        assert_eq!(read::<Whole>(old), read(&text));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let part = json!({"kind": "wheel", "spokes": 7});
        let newer = json!({"format": 9, "kind": "wheel", "spokes": 7});
        let table = [
            json!({"format": 3, "number": 1, "part": part}),
            json!({"format": u64::MAX, "anything": true}),
            json!({"format": 2, "number": 1, "part": newer}),
            json!({"format": 0, "number": 1, "part": part}),
            json!({"format": "2", "number": 1, "part": part}),
            json!({"number": "three", "part": part}),
            json!({"format": 2, "number": "3", "part": part}),
            json!({"format": 2, "number": 3}),
            json!([1]),
        ];
        let said = table.map(|value| read::<Whole>(&value.to_string()).unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n"), @r#"
        the whole was written by a newer Trainyard (whole version 3, this one knows 2): use that version
        the whole was written by a newer Trainyard (whole version 18446744073709551615, this one knows 2): use that version
        the part was written by a newer Trainyard (part version 9, this one knows 1): use that version
        the whole cannot be read: its format 0 is no version
        the whole cannot be read: its format "2" is no version
        the whole cannot be read: invalid digit found in string
        the whole cannot be read: invalid type: string "3", expected u64
        the whole cannot be read: missing field `part`
        the whole cannot be read: it is not an object
        "#);
        assert!(matches!(read::<Whole>("{"), Err(StoredError::Unreadable { .. })));
    }
}
