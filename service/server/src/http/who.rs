//! Who asks: a program with a token, or a person with a session.

use super::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use trainyard_core::access::{Identity, Role, Scope};
use trainyard_core::command;
use trainyard_core::ids::RepoName;
use trainyard_core::run::{Permission, Person};

/// Whoever passed the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Whoever works on this machine, where the service has no token.
    Machine,
    /// Whoever has the service's own token.
    Service,
    /// Whoever has the token of this name.
    Token {
        /// The name.
        name: String,
        /// How far it reaches.
        scope: Scope,
    },
    /// Who is signed in.
    Person(Identity),
}

/// So long a name may be, in characters.
const LONGEST: usize = 100;

impl Who {
    /// The name for the record. What a request says of itself stands behind it in parentheses: nobody proved it.
    pub(super) fn actor(&self, said: Option<&str>) -> String {
        let clean = said
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control() && !"()".contains(*c));
        let said: String = clean.take(LONGEST).collect();
        let proved = self.name();
        match said.trim() {
            "" => proved.to_owned(),
            said if said == proved => proved.to_owned(),
            said => format!("{proved} ({said})"),
        }
    }

    /// The name that was proved.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Machine => "local",
            Self::Service => "api_token",
            Self::Token { name, .. } => name,
            Self::Person(identity) => identity.name(),
        }
    }

    /// As whoever decides on a run of this repository, with the role that was found there.
    pub(super) fn person(&self, repo: Option<&RepoName>, role: Role, said: Option<&str>) -> Person {
        match (self, repo) {
            (Self::Person(Identity::Account { id, login }), Some(repo)) => Person::Account {
                id: *id,
                login: login.clone(),
                repo: repo.clone(),
                permission: Permission::parse(role.at_github()),
            },
            _ => Person::Operator { name: self.actor(said) },
        }
    }

    /// The account of GitHub, if it is one.
    pub(super) fn account(&self) -> Option<command::Person> {
        match self {
            Self::Person(Identity::Account { id, login }) => Some(command::Person {
                id: *id,
                login: login.clone(),
            }),
            _ => None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, "nobody is signed in: open /sign-in"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_says_of_itself_is_marked_as_such() {
        let table = [
            (Who::Service, None, "api_token"),
            (Who::Service, Some("ada"), "api_token (ada)"),
            (Who::Service, Some(" \u{7}"), "api_token"),
            (Who::Machine, Some("local"), "local"),
            // A name that pretends to be proved.
            (Who::Machine, Some("x) ada ("), "local (x ada)"),
            (Who::Person(Identity::Service), Some("ada"), "api_token (ada)"),
        ];
        for (who, said, actor) in table {
            assert_eq!(who.actor(said), actor, "{who:?} {said:?}");
        }
    }

    #[test]
    fn an_account_decides_by_its_right_where_the_run_is() {
        let ada = Who::Person(Identity::Account {
            id: 7,
            login: "ada".to_owned(),
        });
        let repo = RepoName::parse("acme/flights").unwrap();
        let person = ada.person(Some(&repo), Role::Approver, Some("eve"));
        let Person::Account {
            id, login, permission, ..
        } = person
        else {
            panic!("{person:?}")
        };
        assert_eq!((id, login.as_str(), permission), (7, "ada", Permission::Write));
        // Of a local run there is no repository.
        assert_eq!(
            ada.person(None, Role::Admin, None),
            Person::Operator { name: "ada".to_owned() }
        );
    }
}
