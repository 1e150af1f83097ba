//! GitHub at the edge: signed webhooks in, statuses and comments out, source by git; and a
//! simulator of all of it.

pub mod client;
pub mod git;
pub mod signature;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod webhook;

pub use client::{
    Account, Allowance, AppHook, AppInfo, CheckRunFound, GitHub, GitHubAuth, GitHubError, Hook, HookConfig,
    HookDelivery, HookOf, InstallationInfo, Label, LastResponse, NewApp, Numbered, PullFields, PullNow,
    PullRequestState, PullSide, RepositoryNow, RepositoryRights, SignIn, Standing, TokenInfo, convert_manifest,
    is_plain_loopback,
};

/// Makes ring the TLS provider of this process. Call it before the first client is made; calling
/// it again changes nothing.
pub fn install_tls() {
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
