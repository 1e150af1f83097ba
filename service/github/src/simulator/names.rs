//! Repositories that get another name or owner, or go.

use super::state::Pull;
use super::{Shared, events, payload};
use anyhow::{Context as _, Result, bail};
use serde_json::json;
use trainyard_core::ids::RepoName;

impl Shared {
    pub(crate) async fn rename_repo(&self, old: &RepoName, new: RepoName) -> Result<()> {
        let path = self.data.join(format!("{new}.git"));
        let (info, pushing) = {
            let state = self.state();
            if state.repo(&new).is_some() {
                bail!("{new} exists already");
            }
            let repo = state.repo(old).context("no such repository")?;
            (repo.info(), repo.pushing.clone())
        };
        let _alone = pushing.lock().await;
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::rename(&info.path, &path)?;
        let renamed = {
            let mut state = self.state();
            state.former.insert(old.clone(), info.id);
            state.former.remove(&new);
            let repo = state.repo_mut(old).context("no such repository")?;
            repo.name = new.clone();
            repo.path = path;
            let renamed = repo.info();
            let of_it = |pull: &&mut Pull| pull.head.id == info.id;
            let pulls = state.repos.iter_mut().flat_map(|repo| &mut repo.pulls);
            pulls.filter(of_it).for_each(|pull| pull.head = renamed.clone());
            renamed
        };
        let mut body = json!({
            "action": "renamed",
            "changes": {"repository": {"name": {"from": old.name()}}},
            "repository": payload::repository(self, &renamed),
            "sender": payload::user(self, &self.config.login),
        });
        if old.owner() != new.owner() {
            body["action"] = "transferred".into();
            body["changes"] = json!({"owner": {"from": {"user": payload::user(self, old.owner())}}});
        }
        events::send(self, "repository", body);
        Ok(())
    }

    pub(crate) fn delete_repo(&self, name: &RepoName) -> Result<()> {
        let gone = {
            let mut state = self.state();
            let at = state.repos.iter().position(|repo| repo.name == *name);
            state.repos.remove(at.context("no such repository")?)
        };
        std::fs::remove_dir_all(&gone.path)?;
        let body = json!({
            "action": "deleted",
            "repository": payload::repository(self, &gone.info()),
            "sender": payload::user(self, &self.config.login),
        });
        events::send(self, "repository", body);
        Ok(())
    }
}
