//! Accounts and what they may do: a name can be changed and taken by somebody else, a number cannot.

use super::{Shared, Simulator};
use std::collections::{HashMap, HashSet};
use trainyard_core::ids::RepoName;

/// What is known of accounts beside their names.
#[derive(Default)]
pub(crate) struct People {
    /// Numbers of names that do not follow from the name.
    numbers: HashMap<String, u32>,
    /// Names that nobody has.
    gone: HashSet<String>,
    /// Roles by repository and number.
    roles: HashMap<(RepoName, u32), String>,
}

impl Shared {
    /// The number of an account.
    pub(crate) fn number_of(&self, login: &str) -> u32 {
        let hash = |hash: u32, byte: u8| hash.wrapping_mul(33) ^ u32::from(byte);
        // Any number will do, as long as it is always the same for a name.
        let number = login.bytes().fold(5381_u32, hash);
        *self.people().numbers.entry(login.to_owned()).or_insert(number)
    }

    /// Whether somebody has this name.
    pub(crate) fn is_account(&self, login: &str) -> bool {
        !self.people().gone.contains(login)
    }

    /// The name of the account with this number, as far as it was named to us.
    pub(crate) fn login_of(&self, number: u32) -> Option<String> {
        let named = self
            .people()
            .numbers
            .iter()
            .find(|(_, id)| **id == number)
            .map(|(login, _)| login.clone());
        named.filter(|login| self.is_account(login))
    }

    /// The role of an account in a repository; the owner and the token's account administer it.
    pub(crate) fn role(&self, repo: &RepoName, private: bool, login: &str) -> String {
        let number = self.number_of(login);
        if let Some(role) = self.people().roles.get(&(repo.clone(), number)) {
            return role.clone();
        }
        let administers = login == repo.owner() || login == self.config.login;
        match (administers, private) {
            (true, _) => "admin",
            (false, false) => "read",
            (false, true) => "none",
        }
        .to_owned()
    }
}

impl Simulator {
    /// Gives an account a role in a repository: `admin`, `maintain`, `write`, `triage`, `read` or `none`.
    pub fn set_role(&self, repo: &str, login: &str, role: &str) -> anyhow::Result<()> {
        let (repo, number) = (RepoName::parse(repo)?, self.shared.number_of(login));
        let mut people = self.shared.people();
        people.numbers.insert(login.to_owned(), number);
        people.roles.insert((repo, number), role.to_owned());
        Ok(())
    }

    /// Gives an account another name; nobody has the old one then.
    pub fn rename_account(&self, from: &str, to: &str) {
        let number = self.shared.number_of(from);
        let mut people = self.shared.people();
        people.numbers.remove(from);
        people.numbers.insert(to.to_owned(), number);
        people.gone.insert(from.to_owned());
        people.gone.remove(to);
    }

    /// Somebody new takes a name that nobody has.
    pub fn take_name(&self, login: &str) {
        let mut people = self.shared.people();
        let fresh = 1_000_000_000 + u32::try_from(people.numbers.len()).unwrap_or(0);
        people.gone.remove(login);
        people.numbers.insert(login.to_owned(), fresh);
    }

    /// The number of an account.
    pub fn account_number(&self, login: &str) -> u32 {
        self.shared.number_of(login)
    }
}
