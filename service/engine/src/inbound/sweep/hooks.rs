//! GitHub's list of webhooks: what failed is asked for again.

use super::{SweepError, Sweeper};
use crate::house::clock::wall;
use crate::house::crash::{Effect, passing};
use std::collections::BTreeSet;
use trainyard_core::ids::{Micros, RepoName};
use trainyard_core::inbound::{Attempt, HookTrouble, WINDOW_SECONDS, failed_deliveries, hook_trouble};
use trainyard_github::webhook::WITH_BODY;
use trainyard_github::{GitHub, GitHubError, Hook, HookOf};
use trainyard_store::{KnownRepository, Reads, StoreError};

/// Where webhooks of GitHub are taken.
const OUR_PATH: &str = "/webhooks/github";
/// GitHub takes so many writes a minute, of all kinds.
const BETWEEN: std::time::Duration = std::time::Duration::from_millis(800);

impl Sweeper {
    pub(super) async fn look_at_hooks(&mut self, known: &[KnownRepository]) -> Result<(), SweepError> {
        if self.github.is_app() {
            return self.look_at_hook("the GitHub App", &HookOf::App).await;
        }
        for known in known {
            let whose = known.repo.to_string();
            match hook_of(&self.github, &known.repo).await {
                Ok(Ok(hook)) => self.look_at_hook(&whose, &hook).await?,
                Ok(Err(trouble)) => drop(self.troubles.insert(whose, trouble)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn look_at_hook(&mut self, whose: &str, hook: &HookOf) -> Result<(), SweepError> {
        let now = wall();
        let attempts = match self.github.attempts(hook, since(now)).await {
            Ok(attempts) => attempts,
            Err(error) => {
                self.troubles.insert(whose.to_owned(), hidden(error)?);
                return Ok(());
            }
        };
        let arrived = arrived(&self.inbound.store, &attempts).await?;
        let failed = failed_deliveries(&attempts, now, |kind| WITH_BODY.contains(&kind), &arrived);
        let newest = attempts.iter().map(|attempt| attempt.at).max().unwrap_or(now);
        match hook_trouble(&attempts) {
            Some(HookTrouble::Failing(_)) if newest < self.began => self.troubles.remove(whose),
            Some(trouble) => self.troubles.insert(whose.to_owned(), trouble),
            None => self.troubles.remove(whose),
        };
        self.gaps.insert(whose.to_owned(), failed.failed);
        for attempt in failed.ask {
            passing(Effect::AskRedelivery, self.github.redeliver(hook, attempt)).await?;
            metrics::counter!("trainyard_missed_webhooks_total", "found" => "failed_delivery").increment(1);
            self.asked = true;
            tracing::info!(whose, attempt, "GitHub is asked to deliver a webhook again that failed");
            tokio::time::sleep(BETWEEN.min(self.every / 10)).await;
        }
        Ok(())
    }
}

/// Since when GitHub sends deliveries again.
fn since(now: Micros) -> Micros {
    Micros(
        now.0
            .saturating_sub(i64::try_from(WINDOW_SECONDS).unwrap_or(0) * 1_000_000),
    )
}

/// A list that we may not see is said so; everything else ends the sweep.
fn hidden(error: GitHubError) -> Result<HookTrouble, GitHubError> {
    match error {
        GitHubError::Unauthorized { .. } | GitHubError::Forbidden { .. } | GitHubError::NotFound { .. } => {
            Ok(HookTrouble::Hidden(error.to_string()))
        }
        error => Err(error),
    }
}

/// The webhook of a repository that leads here, or what is wrong with it.
async fn hook_of(github: &GitHub, repo: &RepoName) -> Result<Result<HookOf, HookTrouble>, GitHubError> {
    let hooks = match github.hooks(repo).await {
        Ok(hooks) => hooks,
        Err(error) => return Ok(Err(hidden(error)?)),
    };
    let leads_here = |hook: &&Hook| {
        let url = hook.config.url.as_deref().unwrap_or_default();
        url.trim_end_matches('/').ends_with(OUR_PATH)
    };
    let mut ours: Vec<&Hook> = hooks.iter().filter(leads_here).collect();
    // Something between GitHub and here may have another address.
    if let ([only], true) = (hooks.as_slice(), ours.is_empty()) {
        ours.push(only);
    }
    Ok(match (ours.iter().find(|hook| hook.active), ours.is_empty()) {
        (Some(hook), _) => Ok(HookOf::Repository(repo.clone(), hook.id)),
        (None, false) => Err(HookTrouble::Disabled),
        (None, true) => Err(HookTrouble::NoHook),
    })
}

/// Of deliveries that GitHub calls failed, those that arrived: the answer was lost.
async fn arrived(store: &Reads, attempts: &[Attempt]) -> Result<BTreeSet<String>, StoreError> {
    let mut arrived = BTreeSet::new();
    for attempt in attempts.iter().filter(|attempt| !attempt.is_ok()) {
        if !arrived.contains(&attempt.guid) && store.has_delivery(&attempt.guid).await? {
            arrived.insert(attempt.guid.clone());
        }
    }
    Ok(arrived)
}
