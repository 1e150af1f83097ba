//! A named token as it is made: its text for the holder, and what is kept of it.

use crate::secret::secret;
use std::collections::BTreeSet;
use trainyard_core::access::{Role, Scope};
use trainyard_core::ids::Micros;
use trainyard_store::Token;

/// Every token begins so, for scanners of secrets and for people.
pub(crate) const PREFIX: &str = "trainyard_";
const DAY: i64 = 86_400 * 1_000_000;
/// Days; who wants one for ever leaves the end out.
const LONGEST: u32 = 3650;
const LONGEST_NAME: usize = 60;
/// Who is called so is somebody else.
pub(crate) const RESERVED: [&str; 4] = ["api_token", "local", "api", "gate"];

/// A token to be made.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) role: String,
    /// By name, or as `owner/name:pipeline`; all of them, and the service itself, if absent.
    pub(crate) pipelines: Option<BTreeSet<String>>,
    /// How long it is good, in days.
    pub(crate) days: Option<u32>,
}

impl Wanted {
    /// The text, and what is kept of it; or a sentence on what is wrong.
    pub(crate) fn made(self, by: String, at: Micros) -> Result<(String, Token), String> {
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let name = self.name;
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fine) {
            return Err(format!(
                "'{name}' cannot be a token's name: use letters, digits, '-', '_' and '.', at most {LONGEST_NAME}"
            ));
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(format!("'{name}' cannot be a token's name: the audit calls others so"));
        }
        // A list that came out empty must not be one of everything.
        let nameless =
            |pipelines: &BTreeSet<String>| pipelines.is_empty() || pipelines.iter().any(|name| name.trim().is_empty());
        if self.pipelines.as_ref().is_some_and(nameless) {
            return Err("name at least one pipeline, or leave pipelines out for all".to_owned());
        }
        let role = Role::parse(&self.role).ok_or_else(|| {
            format!(
                "'{}' is not a role: ask for viewer, operator, approver or admin",
                self.role
            )
        })?;
        let expires_at = match self.days {
            None => None,
            Some(days @ 1..=LONGEST) => Some(Micros(at.0.saturating_add(i64::from(days) * DAY))),
            Some(days) => {
                return Err(format!(
                    "a token cannot end in {days} days: ask for 1 to {LONGEST}, or leave the end out"
                ));
            }
        };
        let random = secret().map_err(|error| format!("this machine gives no random numbers: {error}"))?;
        let token = Token {
            name,
            scope: Scope {
                role,
                pipelines: self.pipelines,
            },
            created_by: by,
            created_at: at,
            expires_at,
            used_at: None,
            revoked: None,
        };
        Ok((format!("{PREFIX}{random}"), token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str, role: &str, days: Option<u32>) -> Result<(String, Token), String> {
        let wanted = Wanted {
            name: name.to_owned(),
            role: role.to_owned(),
            pipelines: None,
            days,
        };
        wanted.made("ada".to_owned(), Micros(0))
    }

    #[test]
    fn a_token_is_for_everything_or_for_a_while_as_it_is_asked_for() {
        let (text, token) = wanted("ci", "operator", Some(90)).unwrap();
        assert!(text.starts_with(PREFIX) && text.len() == PREFIX.len() + 64);
        assert_eq!((token.scope.role, token.scope.pipelines), (Role::Operator, None));
        assert_eq!(token.expires_at, Some(Micros(90 * DAY)));
        assert_eq!(wanted("ci", "viewer", None).unwrap().1.expires_at, None);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let wrong = [
            wanted("", "viewer", None),
            wanted("a b", "viewer", None),
            wanted("ci", "root", None),
            wanted("ci", "viewer", Some(0)),
        ];
        let told: Vec<String> = wrong.into_iter().map(|wrong| wrong.unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        '' cannot be a token's name: use letters, digits, '-', '_' and '.', at most 60
        'a b' cannot be a token's name: use letters, digits, '-', '_' and '.', at most 60
        'root' is not a role: ask for viewer, operator, approver or admin
        a token cannot end in 0 days: ask for 1 to 3650, or leave the end out
        ");
    }
}
