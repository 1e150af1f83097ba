//! Changes of a model's folder. What is ours is proved anew before each, and nothing goes before its successor was
//! proved.

use super::claims::Claims;
use super::protocol::ServingError;
use super::repository::{FolderLock, ModelFolder, at, hidden_prefix, number};
use super::servable::Servable;
use super::version_folder::rename_to_free;
use crate::content::artifacts::remove_tree;
use crate::house::crash::{Effect, passing};
use std::fs;
use std::path::{Path, PathBuf};
use trainyard_core::artifact::Digest;
use trainyard_core::registry::{Look, Standing, may_answer, next_above, number_again};

/// A new version that was written, and what it takes to undo that.
#[derive(Debug)]
pub(super) struct Begun {
    /// What the ledger will call it.
    pub(super) version: String,
    config_before: Option<Vec<u8>>,
    _lock: FolderLock,
}

/// What is wrong with a folder, and what is not ours to put right.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// Whether what serves had to be written anew.
    pub(super) written: bool,
    /// Versions of ours that a crash left.
    pub(super) left: Vec<String>,
    _lock: Option<FolderLock>,
}

/// What becomes of versions that were taken aside when the server is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Down {
    /// They come back.
    PutBack,
    /// They must not be there when it starts, and go when what serves instead was proved.
    StayHidden,
}

/// A version that was moved out of the server's sight.
#[derive(Debug)]
struct Aside {
    from: PathBuf,
    to: PathBuf,
}

impl ModelFolder {
    /// Writes an approved model under a number above everything that is there, durable, with its marker, and gives it
    /// its name last. Before anything is written it is noted whose it will be. What a crash left of ours is hidden, and
    /// goes when this version is proved.
    pub(super) async fn begin(
        &self,
        model: &Digest,
        source: &Path,
        claims: &mut Claims,
    ) -> Result<Begun, ServingError> {
        // Where it is refused not even a lock is left.
        self.number(source, claims).await?;
        let lock = self.lock().await?;
        let survey = self.survey(claims).await?;
        self.adopt(&survey.ours(), claims)?;
        let (version, attempted) = self.number(source, claims).await?;
        let config_before = self.config_now()?;
        self.has_room(source, claims).await?;
        claims.begin(&version, model, true).await?;
        for left in &attempted {
            self.take_aside(left, claims).await?;
        }
        self.write(source, &version, &claims.marker(&version, model), claims)
            .await?;
        claims.sent().await;
        Ok(Begun {
            version,
            config_before,
            _lock: lock,
        })
    }

    /// The number of the next version, above everything that is there or was ever begun, and what a crash left of ours.
    /// Changes nothing.
    async fn number(&self, source: &Path, claims: &Claims) -> Result<(String, Vec<String>), ServingError> {
        let survey = self.survey(claims).await?;
        self.check_config(source, &survey.ours(), claims)?;
        for place in survey.unread() {
            tracing::warn!(
                place,
                "its number is higher than any that model servers read: it is left alone and does not count"
            );
        }
        let mut present = survey.present();
        // A server may have loaded what was cut off: its number is not free again.
        let attempted = survey.attempted();
        present.extend(attempted.iter().map(|version| self.present(version)));
        Ok((next_above(claims.ledger(), &present)?, attempted))
    }

    /// Undoes what [`Self::begin`] did; what served before is left.
    pub(super) async fn undo(&self, begun: &Begun, claims: &Claims) -> Result<(), ServingError> {
        let removed = self.remove(&begun.version, claims).await;
        self.undo_config(begun.config_before.as_deref(), claims)?;
        removed
    }

    /// After a version was proved: what is neither it nor the one before it goes, as far as it is ours.
    pub(super) async fn retire(&self, version: &str, claims: &Claims) {
        let kept = claims.ledger().kept();
        let newest: Vec<&str> = kept.last().map(String::as_str).into_iter().chain([version]).collect();
        if let Err(error) = self.remove_all_but(&newest, claims).await {
            tracing::warn!(model = self.model(), %error, "old versions were not removed");
        }
    }

    async fn remove_all_but(&self, keep: &[&str], claims: &Claims) -> Result<(), ServingError> {
        let mut old = self.survey(claims).await?.ours();
        old.retain(|version| !keep.contains(&version.as_str()));
        self.remove_all(&old, claims).await?;
        self.sweep(claims);
        Ok(())
    }

    /// Removes what was hidden; only this instance uses such names.
    fn sweep(&self, claims: &Claims) {
        let prefix = hidden_prefix(claims);
        for entry in fs::read_dir(self.path()).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix)
                && let Err(error) = remove_tree(&entry.path())
            {
                tracing::warn!(folder = %entry.path().display(), %error, "an old version was not removed");
            }
        }
    }

    /// Whether an earlier version can serve again under its own number: nothing of others has its place, or would
    /// answer instead of it. Where that is so and no number helps, it is an error.
    pub(super) async fn is_free_again(&self, version: &str, claims: &Claims) -> Result<bool, ServingError> {
        let survey = self.survey(claims).await?;
        let taken = self.standing(version, claims).await? == Some(Standing::Foreign);
        let again = number_again(claims.ledger(), version, taken, survey.answering(), &survey.present())?;
        Ok(again == version)
    }

    /// After an earlier version was proved under a new number: what of ours it replaced goes.
    pub(super) async fn retire_all_but(&self, version: &str, claims: &Claims) {
        if let Err(error) = self.remove_all_but(&[version], claims).await {
            tracing::warn!(model = self.model(), %error, "old versions were not removed");
        }
    }

    /// Whether an earlier version could come back without touching anything of others; returns what is ours. Changes
    /// nothing.
    pub(super) async fn may_restore(
        &self,
        earlier: &Servable<'_>,
        claims: &Claims,
    ) -> Result<Vec<String>, ServingError> {
        let survey = self.survey(claims).await?;
        may_answer(earlier.version, survey.answering())?;
        let ours = survey.ours();
        self.check_config(earlier.files, &ours, claims)?;
        match self.standing(earlier.version, claims).await? {
            Some(Standing::Foreign) => Err(self.taken(earlier.version)),
            _ => Ok(ours),
        }
    }

    /// Makes sure that an earlier version is there, and that nothing of others would answer in its place. One that is
    /// damaged goes, and is refused: what came of it in the server nobody knows. Returns the versions of ours above it.
    pub(super) async fn restore(&self, earlier: &Servable<'_>, claims: &Claims) -> Result<Vec<String>, ServingError> {
        let (source, version) = (earlier.files, earlier.version);
        let ours = self.may_restore(earlier, claims).await?;
        self.adopt(&ours, claims)?;
        match self.standing(version, claims).await? {
            None => {
                let marker = claims.marker(version, &earlier.model.digest);
                self.write(source, version, &marker, claims).await?;
            }
            Some(Standing::Foreign) => return Err(self.taken(version)),
            Some(_) if self.holds(source, version).await? => {}
            Some(_) => {
                self.remove(version, claims).await?;
                return Err(ServingError::Folder(format!(
                    "{} held other bytes than the model that was approved, and was removed: ask again to write it anew",
                    self.version(version).display()
                )));
            }
        }
        claims.sent().await;
        let above = ours.into_iter().filter(|other| number(other) > number(version));
        Ok(above.collect())
    }

    /// Has a server switch to what is left without these versions, which come back if that fails.
    pub(super) async fn without(
        &self,
        versions: &[String],
        claims: &Claims,
        down: Down,
        switch: impl Future<Output = Result<(), ServingError>>,
    ) -> Result<(), ServingError> {
        let mut asides = Vec::new();
        for version in versions {
            match self.take_aside(version, claims).await {
                Ok(aside) => asides.extend(aside),
                Err(error) => {
                    put_back(asides).await?;
                    return Err(error);
                }
            }
        }
        let switched = switch.await;
        match &switched {
            Ok(()) => self.sweep(claims),
            Err(ServingError::Unreachable { .. }) if down == Down::StayHidden => {}
            Err(_) => put_back(asides).await?,
        }
        switched
    }

    /// Makes sure that what the ledger says serves is in its place, as it was; nothing is removed. The switch to it is
    /// the caller's.
    pub(super) async fn settle(
        &self,
        current: Option<&Servable<'_>>,
        claims: &Claims,
    ) -> Result<Settling, ServingError> {
        let survey = self.survey(claims).await?;
        let ours = survey.ours();
        if current.is_none() && ours.is_empty() {
            return Ok(Settling::default());
        }
        if let Some(current) = current {
            may_answer(current.version, survey.answering())?;
        }
        let lock = self.lock().await?;
        self.adopt(&ours, claims)?;
        let written = match current {
            Some(current) => self.put_in_place(current, claims).await?,
            None => false,
        };
        let kept = claims.ledger().kept();
        Ok(Settling {
            written,
            left: ours.into_iter().filter(|version| !kept.contains(version)).collect(),
            _lock: Some(lock),
        })
    }

    /// Marks what an older Trainyard wrote.
    pub(super) async fn adopt_older(&self, claims: &Claims) -> Result<(), ServingError> {
        let ours = self.survey(claims).await?.ours();
        if self.unmarked(&ours).is_empty() {
            return Ok(());
        }
        let _lock = self.lock().await?;
        self.adopt(&ours, claims)
    }

    /// What the folder says of a version that was begun: there, ours, the model's bytes, and nothing of ours above it.
    pub(super) async fn look_for(&self, wanted: &Servable<'_>, claims: &Claims) -> Result<Look, ServingError> {
        let (version, model) = (wanted.version, &wanted.model.digest);
        let ours = matches!(
            self.standing(version, claims).await?,
            Some(Standing::Recorded | Standing::Attempted)
        );
        if !ours || claims.files(model).is_none() || !self.holds(wanted.files, version).await? {
            return Ok(Look::Another);
        }
        let survey = self.survey(claims).await?;
        let above = survey.ours().iter().any(|ours| number(ours) > number(version));
        Ok(match above || may_answer(version, survey.answering()).is_err() {
            true => Look::Another,
            false => Look::This,
        })
    }

    /// Whether the version had to be written anew.
    async fn put_in_place(&self, current: &Servable<'_>, claims: &Claims) -> Result<bool, ServingError> {
        let (source, version) = (current.files, current.version);
        let aside = match self.standing(version, claims).await? {
            Some(Standing::Foreign) => return Err(self.taken(version)),
            Some(_) if self.holds(source, version).await? => return Ok(false),
            Some(_) => self.take_aside(version, claims).await?,
            None => None,
        };
        let marker = claims.marker(version, &current.model.digest);
        let written = self.write(source, version, &marker, claims).await;
        if written.is_err() {
            put_back(aside.into_iter().collect()).await?;
        }
        written.map(|()| true)
    }

    pub(super) async fn remove(&self, version: &str, claims: &Claims) -> Result<(), ServingError> {
        if let Some(aside) = self.take_aside(version, claims).await?
            && let Err(error) = remove_tree(&aside.to)
        {
            tracing::warn!(folder = %aside.to.display(), %error, "an old version was not removed");
        }
        Ok(())
    }

    pub(super) async fn remove_all(&self, versions: &[String], claims: &Claims) -> Result<(), ServingError> {
        for version in versions {
            self.remove(version, claims).await?;
        }
        Ok(())
    }

    /// Moves a version of ours out of the server's sight, in one step; `None` if it is not there.
    async fn take_aside(&self, version: &str, claims: &Claims) -> Result<Option<Aside>, ServingError> {
        match self.standing(version, claims).await? {
            None => return Ok(None),
            Some(Standing::Foreign) => return Err(self.taken(version)),
            Some(Standing::Recorded | Standing::Attempted) => {}
        }
        let from = self.version(version);
        let to = self.hidden(&format!("{}.old", self.served(version)), claims);
        remove_tree(&to).map_err(at(&to))?;
        passing(Effect::HideVersion, async { fs::rename(&from, &to) })
            .await
            .map_err(at(&from))?;
        Ok(Some(Aside { from, to }))
    }
}

async fn put_back(asides: Vec<Aside>) -> Result<(), ServingError> {
    for Aside { from, to } in asides.into_iter().rev() {
        passing(Effect::ShowVersion, async { rename_to_free(&to, &from) })
            .await
            .map_err(at(&from))?;
    }
    Ok(())
}
