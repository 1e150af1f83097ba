//! What is in a model's folder, and whose it is.

use super::claims::{Claims, mark};
use super::protocol::ServingError;
use super::repository::{CONFIG, ModelFolder, Naming, SETTINGS, number};
use super::servable::Servable;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use trainyard_core::artifact::Digest;
use trainyard_core::machine;
use trainyard_core::registry::{Mark, Present, Rank, Sighting, Standing, Whose, outranking};
use trainyard_core::run::Drift;

/// Folders below the repository are looked into so deep, since links may go round in a circle.
const DEEPEST: usize = 8;

/// Something that a server could take for a version.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) place: PathBuf,
    /// What the ledger would call it.
    version: Option<String>,
    standing: Standing,
    /// The model that a mark of this instance names, whatever the ledger knows of it.
    marked: Option<Digest>,
}

/// Everything in one model's folder that a server could take for a version, and what else it would serve under the
/// model's name.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    found: Vec<Found>,
    /// Of others: by the number of the name.
    numbered: Vec<Present>,
    /// Of others: as the server ranks what it would answer with.
    answering: Vec<Present>,
}

impl Survey {
    fn of(&self, standing: impl Fn(Standing) -> bool) -> Vec<String> {
        let found = self.found.iter().filter(|found| standing(found.standing));
        let mut versions: Vec<_> = found.filter_map(|found| found.version.clone()).collect();
        versions.sort_by_key(|version| version.parse::<u64>().unwrap_or(u64::MAX));
        versions
    }

    /// The versions that are ours, ascending.
    pub(super) fn ours(&self) -> Vec<String> {
        self.of(|standing| standing != Standing::Foreign)
    }

    /// Those of them that a crash left: the ledger does not know them.
    pub(super) fn attempted(&self) -> Vec<String> {
        self.of(|standing| standing == Standing::Attempted)
    }

    /// Everything of others.
    pub(super) fn others(&self) -> Vec<String> {
        let found = self.found.iter().filter(|found| found.standing == Standing::Foreign);
        let places = found.map(|found| found.place.display().to_string());
        let answering = self.answering.iter().map(|present| present.place.clone());
        places.chain(answering).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Everything of others that a number must be above.
    pub(super) fn present(&self) -> Vec<Present> {
        self.present_now().cloned().collect()
    }

    /// What of others a server would rank with ours.
    pub(super) fn answering(&self) -> &[Present] {
        &self.answering
    }

    /// What of others has a number that no server reads.
    pub(super) fn unread(&self) -> impl Iterator<Item = &str> {
        let unread = self.present_now().filter(|present| present.rank == Rank::Unread);
        unread.map(|present| present.place.as_str())
    }

    fn present_now(&self) -> impl Iterator<Item = &Present> {
        self.numbered.iter().chain(&self.answering)
    }

    /// Whether a server finds no version of this model.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.answering.is_empty()
    }
}

impl ModelFolder {
    /// What is there in place of the version that the ledger calls serving, whose bytes are `current`'s; changes
    /// nothing.
    pub(super) async fn drift(&self, current: &Servable<'_>, claims: &Claims) -> Result<Option<Drift>, ServingError> {
        let version = current.version;
        let place = self.version(version).display().to_string();
        match self.standing(version, claims).await? {
            None => return Ok(Some(Drift::Gone { place })),
            Some(Standing::Foreign) => return Ok(Some(Drift::NotOurs { place })),
            Some(Standing::Recorded | Standing::Attempted) => {}
        }
        if claims.files(&current.model.digest).is_some() && !self.holds(current.files, version).await? {
            return Ok(Some(Drift::Changed { place }));
        }
        let survey = self.survey(claims).await?;
        if let Some(other) = outranking(version, survey.answering()) {
            let place = other.place.clone();
            return Ok(Some(Drift::Outranked { place }));
        }
        // What a crash left of ours answers, too.
        let above = survey.ours().into_iter().rfind(|ours| number(ours) > number(version));
        Ok(above.map(|above| Drift::Outranked {
            place: self.version(&above).display().to_string(),
        }))
    }

    /// Looks at everything; changes nothing.
    pub(super) async fn survey(&self, claims: &Claims) -> Result<Survey, ServingError> {
        let (folder, claims) = (self.clone(), claims.clone());
        let place = self.path().to_owned();
        let surveyed = trainyard_executors::apart(move || folder.survey_now(&claims)).await;
        surveyed
            .map_err(io::Error::other)
            .and_then(|surveyed| surveyed)
            .map_err(|error| {
                let problem = format!(
                    "{} cannot be read: {error}; check [targets] repository",
                    place.display()
                );
                match machine::is_trouble(&error) {
                    true => ServingError::Trouble(problem),
                    false => ServingError::Folder(problem),
                }
            })
    }

    fn survey_now(&self, claims: &Claims) -> io::Result<Survey> {
        let mut survey = Survey::default();
        let entries = match fs::read_dir(self.path()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.with_settings(survey),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || name == CONFIG {
                continue;
            }
            let rank = Rank::of_name(&name);
            let plain = entry.metadata()?.is_file();
            if plain && rank.is_none() && name != SETTINGS {
                continue;
            }
            let version = self.ledgers(&name);
            let standing = match &version {
                Some(version) => self.standing_now(version, claims)?.unwrap_or(Standing::Foreign),
                None => Standing::Foreign,
            };
            let place = entry.path();
            if let Some(rank) = rank.filter(|_| standing == Standing::Foreign) {
                let present = Present {
                    place: place.display().to_string(),
                    rank,
                };
                match self.naming() {
                    Naming::Integer => survey.answering.push(present),
                    Naming::Padded => survey.numbered.push(present),
                }
            }
            let marked = version.as_ref().and_then(|version| self.marked(version, claims));
            survey.found.push(Found {
                place,
                version,
                standing,
                marked,
            });
        }
        self.with_settings(survey)
    }

    /// The model that the folder of a version holds by a mark of this instance, or by the ledger where an older
    /// Trainyard wrote no marks.
    fn marked(&self, version: &str, claims: &Claims) -> Option<Digest> {
        let place = self.version(version);
        if !place.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return None;
        }
        match mark(&place) {
            Mark::Marker(marker) => claims.wrote(&marker, version).then_some(marker.model),
            Mark::None => claims.ledger().version(version).map(|entry| entry.model.digest.clone()),
            Mark::Unreadable => None,
        }
    }

    /// The highest version that bears a mark of this instance. Changes nothing.
    pub(super) async fn sight(&self, claims: &Claims) -> Result<Sighting, ServingError> {
        let survey = self.survey(claims).await?;
        let marked = survey.found.iter().filter_map(|found| {
            let version = found.version.as_ref()?;
            Some((number(version), version, found.marked.as_ref()?))
        });
        Ok(match marked.max_by_key(|(number, ..)| *number) {
            Some((_, version, model)) => Sighting::Serves {
                version: version.clone(),
                model: Some(model.clone()),
                whose: Whose::Ours,
            },
            None => Sighting::Nothing,
        })
    }

    /// Whose the folder of a version is; `None` if there is nothing of this name.
    pub(super) fn standing_now(&self, version: &str, claims: &Claims) -> io::Result<Option<Standing>> {
        let place = self.version(version);
        let metadata = match place.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // We make plain folders: a link is somebody's, wherever it goes.
        if !metadata.is_dir() {
            return Ok(Some(Standing::Foreign));
        }
        let proofs = claims.proofs();
        let same_content = |model: &_| {
            let files = claims.files(model);
            files.is_some_and(|files| self.holds_now(&files, version).unwrap_or(false))
        };
        Ok(Some(proofs.standing(version, &mark(&place), same_content)))
    }

    /// MLServer finds versions by their settings, wherever below its root they are.
    fn with_settings(&self, mut survey: Survey) -> io::Result<Survey> {
        if self.naming() == Naming::Integer {
            return Ok(survey);
        }
        let ours = survey.found.iter().filter(|found| found.standing != Standing::Foreign);
        let ours: BTreeSet<PathBuf> = ours.map(|found| found.place.clone()).collect();
        let mut folders = vec![(self.repository().to_owned(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            if ours.contains(&folder) {
                continue;
            }
            // What we cannot read is not there, as for the server.
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                if name.to_string_lossy().starts_with('.') {
                    continue;
                }
                if name == SETTINGS {
                    survey.answering.extend(self.other_settings(&path));
                } else if depth < DEEPEST && path.is_dir() {
                    folders.push((path, depth + 1));
                }
            }
        }
        Ok(survey)
    }

    /// Settings of somebody else for a model of our name.
    fn other_settings(&self, path: &Path) -> Option<Present> {
        let settings: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let folder = path.parent()?;
        let folder_name = folder.file_name().unwrap_or_default().to_string_lossy();
        if settings["name"].as_str().unwrap_or(&folder_name) != self.model() {
            return None;
        }
        let rank = match &settings["parameters"]["version"] {
            Value::String(version) => Rank::of_text(version),
            Value::Number(version) => Rank::of_text(&version.to_string()),
            _ => Rank::Unversioned,
        };
        Some(Present {
            place: folder.display().to_string(),
            rank,
        })
    }
}
