//! `trainyard backup` and `trainyard restore`, with the real binary.

use crate::binary::{Ended, Place, Running};
use crate::reconcile::place;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn train(place: &Place, auc: &str) {
    let ended = place.run(&["run", "pipelines/tiny", "--push", "--parameter", &format!("auc={auc}")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

fn said(place: &Place, ended: &Ended) -> String {
    let text = place.plain(&format!("{}{}", ended.out, ended.err));
    let bytes = text.split(" KiB").next().and_then(|before| before.rsplit(' ').next());
    match bytes.filter(|_| text.contains(" KiB")) {
        Some(number) => text.replace(&format!("{number} KiB"), "SIZE"),
        None => text,
    }
}

#[test]
fn a_backup_is_one_file_and_restoring_it_pushes_nothing() {
    let place = place();
    train(&place, "0.7");
    let (service, _) = Running::serve(&place);
    let done = place.run(&["backup", "kept.db", "--artifacts", "kept-artifacts"]);
    insta::assert_snapshot!(said(&place, &done), @"kept.db: the database, SIZE; 3 artifacts needed, 3 of them copied now");
    let file = place.path().join("kept.db");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = place.run(&["backup", "kept.db"]);
    insta::assert_snapshot!(said(&place, &again), @"error: kept.db exists: name another file, or replace it with --force");
    let forced = place.run(&["backup", "kept.db", "--force", "--artifacts", "kept-artifacts"]);
    assert!(forced.out.contains("0 of them copied now"), "{forced:?}");
    let running = place.run(&["restore", "kept.db", "--force"]);
    assert_eq!(running.code, Some(1));
    assert!(
        running.err.contains("is in use by another Trainyard service"),
        "{running:?}"
    );
    drop(service);

    train(&place, "0.8");
    let refused = place.run(&["restore", "kept.db"]);
    insta::assert_snapshot!(said(&place, &refused), @"error: the database FOLDER/yard/trainyard.db exists: move it away, or let --force keep it as FOLDER/yard/trainyard.db.before-restore");
    place.write(
        "text.db",
        "this is no database, whatever its name says, and long enough",
    );
    assert!(place.run(&["restore", "text.db", "--force"]).err.contains("text.db"));
    let restored = place.run(&["restore", "kept.db", "--force"]);
    let text = said(&place, &restored);
    let (_, rest) = text.split_once('\n').unwrap();
    insta::assert_snapshot!(rest, @r"
    the one before is FOLDER/yard/trainyard.db.before-restore: remove it when it is not needed any more
    look at `trainyard targets` before you start the service: tiny may serve what came after the backup
    3 artifacts needed, 3 are here and proved
    ");
    assert_eq!(restored.code, Some(0));
    let models = place.path().join("models/tiny");
    assert_eq!(
        fs::read_to_string(models.join("2/weights")).unwrap(),
        "0.8\n",
        "nothing is pushed"
    );
    let (service, address) = Running::serve(&place);
    service.says("and its ledger disagree");
    let mut command = place.command(&["targets"]);
    let targets: Ended = command
        .env("TRAINYARD_LISTEN", address.to_string())
        .output()
        .unwrap()
        .into();
    assert!(targets.out.contains("disagrees"), "{targets:?}");
    assert_eq!(fs::read_to_string(models.join("2/weights")).unwrap(), "0.8\n");
}

#[test]
fn a_lost_data_folder_comes_back_with_its_artifacts_and_identity() {
    let place = place();
    train(&place, "0.7");
    place.run(&["backup", "kept.db", "--artifacts", "kept-artifacts"]);
    let yard = place.path().join("yard");
    let identity = fs::read_to_string(yard.join("identity.json")).unwrap();
    trainyard_engine::artifacts::remove_tree(&yard).unwrap();
    let without = place.run(&["restore", "kept.db"]);
    assert_eq!(without.code, Some(1), "artifacts are missing");
    assert!(without.out.contains("missing or changed: sha256:"), "{without:?}");
    trainyard_engine::artifacts::remove_tree(&yard).unwrap();
    let with = place.run(&["restore", "kept.db", "--artifacts", "kept-artifacts", "--json"]);
    assert_eq!(
        (with.code, &with.json()["missing"]),
        (Some(0), &serde_json::json!([])),
        "{with:?}"
    );
    assert_eq!(fs::read_to_string(yard.join("identity.json")).unwrap(), identity);
    train(&place, "0.8");
    let served = fs::read_to_string(place.path().join("models/tiny/2/weights"));
    assert_eq!(
        served.unwrap(),
        "0.8\n",
        "it is the same instance, and pushes above its own version"
    );
    trainyard_engine::artifacts::remove_tree(&place.path().join("kept-artifacts")).unwrap();
}
