//! What a candidate is compared with.

use crate::suggest;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The model that a candidate is compared with; in the file a text, as [`fmt::Display`] writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Baseline {
    /// `serving`: what the push target serves; without a push target the latest blessed.
    #[default]
    Serving,
    /// `latest_blessed`: the newest blessed model of this pipeline; pull requests do not count.
    LatestBlessed,
    /// `latest_pushed`: what the push target was given last, whether or not it was rolled back since.
    LatestPushed,
    /// `none`: nothing.
    None,
    /// `alias:NAME`: the version of the push target that bears this name.
    Alias(String),
    /// `pinned:VERSION`: this version of the push target.
    Pinned(String),
}

const KNOWN: [&str; 6] = [
    "serving",
    "latest_blessed",
    "latest_pushed",
    "none",
    "alias:NAME",
    "pinned:VERSION",
];

/// Characters of an alias or a version.
const LONGEST_NAME: usize = 64;

/// Whether this can be the name of an alias or of a version: `[A-Za-z0-9][A-Za-z0-9._-]*`, at most 64.
pub fn is_model_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

impl Baseline {
    /// The heading of its column, for people.
    pub fn heading(&self) -> String {
        match self {
            Self::Serving => "serving".to_owned(),
            Self::LatestBlessed => "latest blessed".to_owned(),
            Self::LatestPushed => "latest pushed".to_owned(),
            Self::None => "baseline".to_owned(),
            Self::Alias(name) => name.clone(),
            Self::Pinned(version) => format!("version {version}"),
        }
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serving => f.write_str("serving"),
            Self::LatestBlessed => f.write_str("latest_blessed"),
            Self::LatestPushed => f.write_str("latest_pushed"),
            Self::None => f.write_str("none"),
            Self::Alias(name) => write!(f, "alias:{name}"),
            Self::Pinned(version) => write!(f, "pinned:{version}"),
        }
    }
}

/// Why a text is no baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseline {
    /// Nothing like it is known.
    #[error("'{0}' is no baseline: {hint}", hint = suggest::hint(.0, KNOWN))]
    Unknown(String),
    /// What follows `alias:` or `pinned:` is no [`is_model_name`].
    #[error("'{0}' has no name that a model can have: write letters, digits, '.', '_' or '-', at most {LONGEST_NAME}")]
    Name(String),
}

impl FromStr for Baseline {
    type Err = InvalidBaseline;

    fn from_str(text: &str) -> Result<Self, InvalidBaseline> {
        let named = |name: &str| {
            let fine = is_model_name(name).then(|| name.to_owned());
            fine.ok_or_else(|| InvalidBaseline::Name(text.to_owned()))
        };
        match text {
            "serving" => Ok(Self::Serving),
            "latest_blessed" => Ok(Self::LatestBlessed),
            "latest_pushed" => Ok(Self::LatestPushed),
            "none" => Ok(Self::None),
            _ => match text.split_once(':') {
                Some(("alias", name)) => named(name).map(Self::Alias),
                Some(("pinned", version)) => named(version).map(Self::Pinned),
                _ => Err(InvalidBaseline::Unknown(text.to_owned())),
            },
        }
    }
}

impl TryFrom<String> for Baseline {
    type Error = InvalidBaseline;

    fn try_from(text: String) -> Result<Self, InvalidBaseline> {
        text.parse()
    }
}

impl From<Baseline> for String {
    fn from(baseline: Baseline) -> Self {
        baseline.to_string()
    }
}

impl JsonSchema for Baseline {
    fn schema_name() -> Cow<'static, str> {
        "Baseline".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The model that a candidate is compared with: serving, latest_blessed, latest_pushed, none, alias:NAME or pinned:VERSION.",
            "type": "string",
            "pattern": "^(serving|latest_blessed|latest_pushed|none|(alias|pinned):[A-Za-z0-9][A-Za-z0-9._-]{0,63})$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mistake_says_what_is_known() {
        let said = |text: &str| text.parse::<Baseline>().unwrap_err();
        insta::assert_snapshot!(said("servin"), @"'servin' is no baseline: did you mean 'serving'? known are serving, latest_blessed, latest_pushed, none, alias:NAME, pinned:VERSION");
        insta::assert_snapshot!(said("pinned:"), @"'pinned:' has no name that a model can have: write letters, digits, '.', '_' or '-', at most 64");
        insta::assert_snapshot!(said("alias:../x"), @"'alias:../x' has no name that a model can have: write letters, digits, '.', '_' or '-', at most 64");
    }

    proptest! {
        #[test]
        fn the_text_is_the_value(text in "(serving|latest_blessed|latest_pushed|none|(alias|pinned):[A-Za-z0-9][A-Za-z0-9._-]{0,63})") {
            let baseline: Baseline = text.parse().unwrap();
            prop_assert_eq!(baseline.to_string(), text.clone());
            let json = serde_json::to_value(&baseline).unwrap();
            prop_assert_eq!(&json, &serde_json::Value::from(text));
            prop_assert_eq!(serde_json::from_value::<Baseline>(json).unwrap(), baseline);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Baseline>();
        }
    }
}
