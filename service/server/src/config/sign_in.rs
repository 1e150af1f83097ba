//! How people sign in.

use super::{Config, ConfigError, values};
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;
use trainyard_core::access::{Identity, Role};
use trainyard_engine::SignIn;

/// `[oidc]`: an OpenID Connect provider, and what its claims make of people.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Its address, as in its own description.
    #[serde(deserialize_with = "values::url")]
    pub issuer: String,
    /// What the button says.
    #[serde(default = "name")]
    pub name: String,
    /// This service, as the provider knows it.
    pub client_id: String,
    /// What proves that it is the one.
    #[serde(default)]
    pub client_secret: Option<SecretString>,
    /// A file with that secret alone in it.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for beside `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The claim that says what somebody may do: a word or a list of words.
    #[serde(default = "claim")]
    pub claim: String,
    /// Its words for viewers; for everybody who signs in if it has a `*`.
    #[serde(default)]
    pub viewer: Vec<String>,
    /// Its words for operators.
    #[serde(default)]
    pub operator: Vec<String>,
    /// Its words for approvers.
    #[serde(default)]
    pub approver: Vec<String>,
    /// Its words for admins.
    #[serde(default)]
    pub admin: Vec<String>,
}

fn name() -> String {
    "single sign-on".to_owned()
}

fn scopes() -> Vec<String> {
    ["profile", "email"].map(str::to_owned).into()
}

fn claim() -> String {
    "groups".to_owned()
}

impl Oidc {
    pub(super) fn read_secret(&mut self) -> Result<(), ConfigError> {
        let file = self.client_secret_file.clone();
        values::read_secret("oidc.client_secret", file.as_deref(), &mut self.client_secret)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let all = [&self.viewer, &self.operator, &self.approver, &self.admin];
        if all.iter().all(|words| words.is_empty()) {
            return Err(ConfigError(format!(
                "[oidc] lets nobody in: say which words of the claim '{}' make a viewer, operator, approver or admin",
                self.claim
            )));
        }
        if all[1..].iter().any(|words| words.iter().any(|word| word == "*")) {
            return Err(ConfigError(
                "[oidc]: '*' stands for whoever signs in, and those can be viewers only: name the words of the others"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// The highest role that a person's words give; `None` for whoever is not let in.
    pub fn role(&self, words: &[String]) -> Option<Role> {
        let has = |wanted: &[String]| wanted.iter().any(|word| words.contains(word));
        let everybody = self.viewer.iter().any(|word| word == "*");
        [
            (Role::Admin, has(&self.admin)),
            (Role::Approver, has(&self.approver)),
            (Role::Operator, has(&self.operator)),
            (Role::Viewer, has(&self.viewer) || everybody),
        ]
        .into_iter()
        .find_map(|(role, has)| has.then_some(role))
    }
}

/// The ways in: the token only where there is no other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaysIn {
    /// The service's own token.
    pub token: bool,
    /// An account of GitHub.
    pub github: bool,
    /// A provider, by what its button says.
    pub oidc: Option<String>,
    /// Its address.
    pub issuer: Option<String>,
}

impl WaysIn {
    /// Whether anybody need sign in.
    pub fn any(&self) -> bool {
        self.token || self.github || self.oidc.is_some()
    }

    /// Whether this is a way in.
    pub fn takes(&self, identity: &Identity) -> bool {
        match identity {
            Identity::Service => self.token,
            Identity::Account { .. } => self.github,
            Identity::Claimed { issuer, .. } => self.issuer.as_ref() == Some(issuer),
        }
    }
}

impl Config {
    /// How people sign in.
    pub fn ways_in(&self) -> WaysIn {
        let github = self.github.client_id.is_some();
        let oidc = self.oidc.as_ref().map(|oidc| oidc.name.clone());
        WaysIn {
            token: self.api_token.is_some() && !github && oidc.is_none(),
            github,
            oidc,
            issuer: self.oidc.as_ref().map(|oidc| oidc.issuer.clone()),
        }
    }

    /// How they do at GitHub.
    pub fn sign_in_at_github(&self) -> Option<SignIn> {
        let github = &self.github;
        let (id, secret) = (github.client_id.as_ref()?, github.client_secret.clone()?);
        // The addresses were read as such.
        SignIn::new(&github.api_url, &github.git_url, id, secret).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oidc(text: &str) -> Oidc {
        toml::from_str(&format!(
            "issuer = \"https://id.example.org\"\nclient_id = \"trainyard\"\n{text}"
        ))
        .unwrap()
    }

    #[test]
    fn the_highest_word_counts_and_no_word_is_no_role() {
        let some = oidc("operator = [\"ml\"]\napprover = [\"leads\"]\nadmin = [\"ops\"]");
        let role = |words: &[&str]| some.role(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(role(&["ml", "ops"]), Some(Role::Admin));
        assert_eq!(role(&["leads", "ml"]), Some(Role::Approver));
        assert_eq!(role(&["ml"]), Some(Role::Operator));
        assert_eq!((role(&["OPS"]), role(&[])), (None, None));
        let open = oidc("viewer = [\"*\"]\nadmin = [\"ops\"]");
        assert_eq!(open.role(&[]), Some(Role::Viewer));
        assert!(some.check().is_ok() && open.check().is_ok());
    }

    #[test]
    fn who_lets_nobody_in_or_everybody_do_all_is_told() {
        let wrong = ["", "admin = [\"*\"]"].map(|text| oidc(text).check().unwrap_err().to_string());
        insta::assert_snapshot!(wrong.join("\n"), @"
        [oidc] lets nobody in: say which words of the claim 'groups' make a viewer, operator, approver or admin
        [oidc]: '*' stands for whoever signs in, and those can be viewers only: name the words of the others
        ");
    }

    #[test]
    fn the_token_is_a_way_in_where_there_is_no_other() {
        let mut config = Config::default();
        assert!(!config.ways_in().any());
        config.api_token = Some("t".into());
        assert!(config.ways_in().takes(&Identity::Service));
        config.github.client_id = Some("Iv1".to_owned());
        assert!(config.ways_in().any() && !config.ways_in().takes(&Identity::Service));
    }
}
