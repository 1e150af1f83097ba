use super::*;
use crate::content::Content;
use crate::house::folders::Folders;
use tempfile::TempDir;
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_core::ids::Micros;
use trainyard_core::registry::{Evidence, Ledger, Promotion, PromotionAction};

/// A data folder, a repository, and the sealed models of a ledger.
struct Place {
    dir: TempDir,
    content: Content,
    entries: Vec<Promotion>,
}

impl Drop for Place {
    fn drop(&mut self) {
        // Sealed models are read-only.
        let _ = remove_tree(self.dir.path());
    }
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders::new(dir.path().join("data"));
        fs::create_dir(folders.root()).unwrap();
        let content = Content::open_folder(&folders).unwrap();
        Self {
            dir,
            content,
            entries: Vec::new(),
        }
    }

    fn folder(&self, layout: Layout) -> ModelFolder {
        ModelFolder::laid_out(&self.dir.path().join("models"), "flights", layout)
    }

    fn claims_of(&self, instance: &str) -> Claims {
        let file = self.dir.path().join(format!("{instance}.json"));
        let ledger = Ledger::new(self.entries.clone());
        Claims::read(instance.to_owned(), "flights", ledger, &[], file, self.content.clone()).unwrap()
    }

    /// A sealed model with these files.
    async fn model(&self, files: &[(&str, &str)]) -> (Digest, PathBuf) {
        let source = self.dir.path().join("artifact");
        fs::create_dir(&source).unwrap();
        for (name, content) in files {
            fs::write(source.join(name), content).unwrap();
        }
        let sealed = self.content.publish(&source).await.unwrap();
        let _ = remove_tree(&source);
        sealed
    }

    fn record(&mut self, version: &str, digest: &Digest) {
        let id = i64::try_from(self.entries.len()).unwrap() + 1;
        self.entries.push(Promotion {
            id,
            target: "flights".to_owned(),
            pipeline: "flights".to_owned(),
            action: PromotionAction::Push,
            version: version.to_owned(),
            model: ArtifactRef {
                name: format!("run/{id}"),
                type_name: "Model".to_owned(),
                digest: digest.clone(),
                uri: String::new(),
                properties: Default::default(),
            },
            run: None,
            actor: "gate".to_owned(),
            evidence: Evidence::Recorded(Value::Null),
            at: Micros(id),
        });
    }

    /// Pushes, without a server.
    async fn push(&mut self, folder: &ModelFolder, files: &[(&str, &str)]) -> Result<String, ServingError> {
        let (digest, source) = self.model(files).await;
        let mut claims = self.claims_of("me");
        let begun = folder.begin(&digest, &source, &mut claims).await?;
        let ours = folder.survey(&claims).await?.ours();
        folder.align_config(&ours, &claims)?;
        folder.retire(&begun.version, &claims).await;
        self.record(&begun.version, &digest);
        Ok(begun.version)
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("models/flights/config.pbtxt")
    }
}

#[tokio::test]
async fn a_version_appears_whole_or_not_at_all() {
    let mut place = Place::new();
    let folder = place.folder(Layout::MlServer);
    let settings = r#"{"implementation":"x.Y","parameters":{"uri":"./model.onnx"}}"#;
    place
        .push(&folder, &[("model.onnx", "graph"), (SETTINGS, settings)])
        .await
        .unwrap();
    let written = fs::read(folder.version("000001").join(SETTINGS)).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&written).unwrap(),
        json!({"implementation": "x.Y", "parameters": {"uri": "./model.onnx", "version": "000001"}, "name": "flights"})
    );
    let failed = place
        .push(&folder, &[("model.onnx", "graph"), (SETTINGS, "{ not json")])
        .await;
    assert!(failed.unwrap_err().to_string().contains("000002 cannot be written"));
    let there = fs::read_dir(folder.path()).unwrap();
    let mut there: Vec<_> = there.map(|entry| entry.unwrap().file_name()).collect();
    there.sort();
    assert_eq!(there, [LOCK, "000001"], "nothing half-written is left");
}

#[tokio::test]
async fn triton_has_integers_and_one_config() {
    let mut place = Place::new();
    let folder = place.folder(Layout::Triton);
    for name in ["one", "two", "three"] {
        place
            .push(&folder, &[("model.onnx", "graph"), (CONFIG, name)])
            .await
            .unwrap();
        assert_eq!(fs::read_to_string(place.config()).unwrap(), name);
    }
    let claims = place.claims_of("me");
    assert_eq!(folder.survey(&claims).await.unwrap().ours(), ["000002", "000003"]);
    assert!(folder.path().join("3/model.onnx").exists());
    folder.remove("000003", &claims).await.unwrap();
    folder.align_config(&["000002".to_owned()], &claims).unwrap();
    assert_eq!(fs::read_to_string(place.config()).unwrap(), "two");
    place.push(&folder, &[("model.onnx", "no config")]).await.unwrap();
    assert_eq!(
        fs::read_to_string(place.config()).unwrap(),
        "two",
        "it goes on with those proved with it"
    );
}

#[tokio::test]
async fn a_config_of_others_is_never_replaced() {
    let mut place = Place::new();
    let folder = place.folder(Layout::Triton);
    fs::create_dir_all(folder.path()).unwrap();
    fs::write(place.config(), "by hand").unwrap();
    let refused = place.push(&folder, &[(CONFIG, "other")]).await.unwrap_err().to_string();
    assert!(refused.contains("was not written by this instance"), "{refused}");
    assert!(
        place.claims_of("me").attempts().attempts.is_empty(),
        "refused before anything is written"
    );
    place.push(&folder, &[("model.onnx", "1")]).await.unwrap();
    place.push(&folder, &[(CONFIG, "by hand")]).await.unwrap();
    assert_eq!(fs::read_to_string(place.config()).unwrap(), "by hand");
    place.push(&folder, &[(CONFIG, "other")]).await.unwrap_err();

    // Ours, changed by somebody.
    fs::remove_file(place.config()).unwrap();
    place.push(&folder, &[(CONFIG, "ours")]).await.unwrap();
    assert_eq!(fs::read_to_string(place.config()).unwrap(), "ours");
    fs::write(place.config(), "tuned by hand").unwrap();
    place.push(&folder, &[(CONFIG, "newer")]).await.unwrap_err();
    assert_eq!(fs::read_to_string(place.config()).unwrap(), "tuned by hand");
    // Another instance's, which it says itself.
    fs::write(place.config(), "ours").unwrap();
    place.push(&folder, &[(CONFIG, "newer")]).await.unwrap();
    let other = place.claims_of("you");
    let (_, source) = place.model(&[(CONFIG, "theirs")]).await;
    folder.check_config(&source, &[], &other).unwrap_err();
    // A link.
    fs::remove_file(place.config()).unwrap();
    std::os::unix::fs::symlink("elsewhere.pbtxt", place.config()).unwrap();
    place.push(&folder, &[(CONFIG, "newest")]).await.unwrap_err();
    assert!(place.config().symlink_metadata().unwrap().is_symlink());
}

#[tokio::test]
async fn what_a_failed_push_changed_is_undone() {
    let mut place = Place::new();
    let folder = place.folder(Layout::Triton);
    place.push(&folder, &[("model.onnx", "1")]).await.unwrap();
    let (digest, source) = place.model(&[(CONFIG, "two")]).await;
    let mut claims = place.claims_of("me");
    let begun = folder.begin(&digest, &source, &mut claims).await.unwrap();
    folder
        .align_config(&folder.survey(&claims).await.unwrap().ours(), &claims)
        .unwrap();
    assert!(place.config().exists());
    folder.undo(&begun, &claims).await.unwrap();
    assert!(!place.config().exists(), "version 1 was proved without one");
    assert_eq!(folder.survey(&claims).await.unwrap().ours(), ["000001"]);
}

#[tokio::test]
async fn a_config_of_an_older_trainyard_is_known_by_its_version() {
    let mut place = Place::new();
    let folder = place.folder(Layout::Triton);
    place.push(&folder, &[(CONFIG, "one")]).await.unwrap();
    for marker in [".trainyard-config.json", "1/.trainyard.json"] {
        fs::remove_file(folder.path().join(marker)).unwrap();
    }
    place.push(&folder, &[(CONFIG, "two")]).await.unwrap();
    assert_eq!(fs::read_to_string(place.config()).unwrap(), "two");
}

#[tokio::test]
async fn a_link_to_a_version_of_ours_is_somebody_s() {
    let mut place = Place::new();
    let folder = place.folder(Layout::Triton);
    place.push(&folder, &[("model.onnx", "1")]).await.unwrap();
    fs::rename(folder.path().join("1"), place.dir.path().join("moved")).unwrap();
    std::os::unix::fs::symlink(place.dir.path().join("moved"), folder.path().join("1")).unwrap();
    let claims = place.claims_of("me");
    let survey = folder.survey(&claims).await.unwrap();
    assert!(survey.ours().is_empty() && survey.others().len() == 1);
    folder.remove("000001", &claims).await.unwrap_err();
    assert_eq!(place.push(&folder, &[("model.onnx", "2")]).await.unwrap(), "000002");
    assert!(folder.path().join("1/model.onnx").exists());
}
