//! What people do in GitHub's settings: Apps, installations, tokens.

use super::Simulator;
use super::apps::{client_id, client_secret, map};
use super::auth::Token;
use super::clock::now;
use super::rights::{Reach, Rights};

impl Simulator {
    /// Makes a classic personal access token with these scopes.
    pub fn add_classic_token(&self, token: &str, scopes: &[&str]) {
        let rights = Rights::Scopes(scopes.iter().map(|scope| (*scope).to_owned()).collect());
        self.add_token(token, rights);
    }

    /// Makes a fine-grained token with these permissions in these repositories, in all if `None`.
    pub fn add_fine_grained_token(&self, token: &str, permissions: &[(&str, &str)], repos: Option<&[&str]>) {
        let names = repos.map(|repos| repos.iter().map(|repo| (*repo).to_owned()).collect());
        let rights = Rights::Permissions {
            granted: map(permissions),
            installation: None,
            repos: Reach { account: None, names },
        };
        self.add_token(token, rights);
    }

    fn add_token(&self, token: &str, rights: Rights) {
        let known = Token { expires: None, rights };
        self.shared.state().tokens.insert(token.to_owned(), known);
    }

    /// The ids of all Apps.
    pub fn apps(&self) -> Vec<u64> {
        self.shared.state().apps.iter().map(|app| app.id).collect()
    }

    /// Installs an App in these repositories of an account, in all of its if `None`; the installation's id. The App
    /// is told.
    pub fn install_app(&self, app: u64, account: &str, repos: Option<&[&str]>) -> Option<u64> {
        let names = repos.map(|repos| repos.iter().map(|repo| (*repo).to_owned()).collect());
        self.shared.install(app, account, names)
    }

    /// The client id and secret of an App, by which people sign in.
    pub fn client_of(&self, app: u64) -> (String, String) {
        (client_id(app), client_secret(app))
    }

    /// From now on this person sits before the browser that signs in; nobody with `None`, who then refuses.
    pub fn browse_as(&self, login: Option<&str>) {
        self.shared.state().browsing = login.map(str::to_owned);
    }

    /// Changes what an App asks for; what was granted before stays as it is.
    pub fn set_app_permissions(&self, app: u64, permissions: &[(&str, &str)], events: &[&str]) {
        if let Some(app) = self.shared.state().app_mut(app) {
            app.permissions = map(permissions);
            app.events = events.iter().map(|event| (*event).to_owned()).collect();
        }
    }

    /// Changes what an installation grants; its tokens are over.
    pub fn set_installation_permissions(&self, installation: u64, permissions: &[(&str, &str)], events: &[&str]) {
        if let Some(at) = self.shared.state().installation_mut(installation) {
            at.permissions = map(permissions);
            at.events = events.iter().map(|event| (*event).to_owned()).collect();
        }
        self.revoke_installation_tokens();
    }

    /// Limits an installation to these repositories; its tokens are over.
    pub fn select_repositories(&self, installation: u64, repos: &[&str]) {
        if let Some(at) = self.shared.state().installation_mut(installation) {
            at.repos = Some(repos.iter().map(|repo| (*repo).to_owned()).collect());
        }
        self.revoke_installation_tokens();
    }

    /// Suspends an installation, or ends that.
    pub fn suspend_installation(&self, installation: u64, suspended: bool) {
        if let Some(at) = self.shared.state().installation_mut(installation) {
            at.suspended_at = suspended.then(now);
        }
    }
}
