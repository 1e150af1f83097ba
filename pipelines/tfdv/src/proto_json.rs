//! The two places where proto3 JSON is not plain JSON: 64-bit integers and non-finite numbers are strings.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Integer(i64),
    Number(f64),
    Text(String),
}

/// A 64-bit integer, read from a string or a number.
pub mod int64 {
    use super::*;

    pub fn serialize<S: Serializer>(value: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Integer(value) => Ok(value),
            // A whole number up to 2^53 is exact.
            Written::Number(value) if value.fract() == 0.0 && value.abs() < 9e15 => Ok(value as i64),
            Written::Number(value) => Err(D::Error::custom(format!("{value} is not an integer"))),
            Written::Text(text) => text
                .parse()
                .map_err(|_| D::Error::custom(format!("'{text}' is not an integer"))),
        }
    }
}

/// An optional 64-bit integer.
pub mod optional_int64 {
    use super::*;

    pub fn serialize<S: Serializer>(value: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => int64::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
        int64::deserialize(deserializer).map(Some)
    }
}

/// A number that may be NaN or infinite.
pub mod double {
    use super::*;

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        match *value {
            value if value.is_finite() => serializer.serialize_f64(value),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value if value > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Integer(value) => Ok(value as f64),
            Written::Number(value) => Ok(value),
            Written::Text(text) => text
                .parse()
                .map_err(|_| D::Error::custom(format!("'{text}' is not a number"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Both {
        #[serde(with = "super::int64")]
        count: i64,
        #[serde(with = "super::double")]
        value: f64,
    }

    #[test]
    fn integers_and_infinities_are_strings() {
        let both = Both {
            count: 9_007_199_254_740_993,
            value: f64::NEG_INFINITY,
        };
        let text = serde_json::to_string(&both).unwrap();
        assert_eq!(text, r#"{"count":"9007199254740993","value":"-Infinity"}"#);
        assert_eq!(serde_json::from_str::<Both>(&text).unwrap(), both);
        let plain: Both = serde_json::from_str(r#"{"count":3.0,"value":1}"#).unwrap();
        assert_eq!(plain, Both { count: 3, value: 1.0 });
        assert!(serde_json::from_str::<Both>(r#"{"count":1.5,"value":1}"#).is_err());
    }
}
