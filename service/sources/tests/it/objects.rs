//! Objects of a store that answers: listed, brought, known again, and refused where they changed.

use crate::moto::Moto;
use std::fs;
use std::path::Path;
use trainyard_core::artifact::Digest;
use trainyard_core::span::{Bucket, SpanPattern};
use trainyard_sources::{ListedObject, ObjectError, ObjectSettings, Objects, StoreSettings};

pub fn store(endpoint: &str, url: &str) -> StoreSettings {
    let (bucket, folder) = Bucket::of(url).unwrap().unwrap();
    StoreSettings {
        name: "lake".to_owned(),
        folder: folder.to_owned(),
        bucket,
        endpoint: Some(endpoint.to_owned()),
        region: None,
        allow_http: true,
        key_id: Some("id".to_owned()),
        key: Some("key".into()),
    }
}

pub fn objects(stores: Vec<StoreSettings>, folder: &Path) -> Objects {
    let settings = ObjectSettings { stores, room: None };
    Objects::new(&settings, folder.to_owned())
}

pub async fn listed(objects: &Objects, uri: &str) -> Result<Vec<ListedObject>, ObjectError> {
    let mut found = objects.list(&SpanPattern::parse(uri).unwrap()).await?;
    found.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(found)
}

fn labels(found: &[ListedObject]) -> Vec<&str> {
    found.iter().map(|object| object.file.label.as_str()).collect()
}

fn copy(objects: &Objects, digest: &Digest) -> Vec<u8> {
    fs::read(objects.place(digest)).unwrap()
}

/// Large enough for several pieces, the last of them short.
fn large() -> Vec<u8> {
    (0..(20_u32 << 20)).map(|at| (at / 7) as u8).collect()
}

#[tokio::test]
async fn spans_are_listed_and_brought_by_content() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    moto.bucket("lake").await;
    for month in ["2013-01", "2013-02"] {
        for part in ["a.csv", "b.csv", ".c.csv", "deep/d.csv", "a.csv.tmp"] {
            moto.put("lake", &format!("flights/{month}/{part}"), format!("{month} {part}"))
                .await;
        }
    }
    moto.put("lake", "flights-old/2013-03/a.csv", "elsewhere").await;
    let objects = objects(vec![store(moto.endpoint(), "s3://lake")], folder.path());
    let found = listed(&objects, "s3://lake/flights/{YYYY}-{MM}/*.csv").await.unwrap();
    assert_eq!(labels(&found), ["2013-01", "2013-01", "2013-02", "2013-02"]);
    assert_eq!(found[3].file.path, "s3://lake/flights/2013-02/b.csv");
    assert_eq!(objects.known(&found[3]).await.unwrap(), None);
    let digest = objects.bring(&found[3]).await.unwrap();
    assert_eq!(copy(&objects, &digest), b"2013-02 b.csv");
    // The same content under another address is one copy.
    moto.put("lake", "again/1.csv", "2013-02 b.csv").await;
    let again = listed(&objects, "s3://lake/again/{SPAN}.csv").await.unwrap();
    assert_eq!(objects.bring(&again[0]).await.unwrap(), digest);
    assert_eq!(fs::read_dir(folder.path().join("content")).unwrap().count(), 1);
}

#[tokio::test]
async fn what_is_known_by_its_etag_is_not_read_again() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    moto.bucket("lake").await;
    let content = large();
    moto.put("lake", "1.bin", content.clone()).await;
    moto.put("lake", "2.bin", "").await;
    let stores = || vec![store(moto.endpoint(), "s3://lake")];
    let first = objects(stores(), folder.path());
    let found = listed(&first, "s3://lake/{SPAN}.bin").await.unwrap();
    let digest = first.bring(&found[0]).await.unwrap();
    assert!(copy(&first, &digest) == content, "pieces are in their order");
    let empty = first.bring(&found[1]).await.unwrap();
    assert_eq!(copy(&first, &empty), b"");
    // Another process knows it, and reads nothing: the object is gone.
    let second = objects(stores(), folder.path());
    moto.delete("lake", "1.bin").await;
    assert_eq!(second.known(&found[0]).await.unwrap(), Some(digest.clone()));
    assert_eq!(second.bring(&found[0]).await.unwrap(), digest);
    // A copy that somebody changed is none.
    fs::remove_file(second.place(&digest)).unwrap();
    fs::write(second.place(&digest), "something else").unwrap();
    let error = second.bring(&found[0]).await.unwrap_err();
    insta::assert_snapshot!(error, @"s3://lake/1.bin is gone: it was there when the bucket was listed");
}

#[tokio::test]
async fn an_object_that_changed_since_it_was_listed_is_refused() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    moto.bucket("lake").await;
    moto.put("lake", "1.csv", "1,2\n").await;
    let objects = objects(vec![store(moto.endpoint(), "s3://lake")], folder.path());
    let old = listed(&objects, "s3://lake/{SPAN}.csv").await.unwrap();
    moto.put("lake", "1.csv", "2,1\n").await;
    let error = objects.bring(&old[0]).await.unwrap_err();
    insta::assert_snapshot!(error, @"s3://lake/1.csv changed since it was chosen: run again on the new content");
    assert!(!error.passes());
    assert_eq!(fs::read_dir(folder.path().join("content")).unwrap().count(), 0);
    let new = listed(&objects, "s3://lake/{SPAN}.csv").await.unwrap();
    let digest = objects.bring(&new[0]).await.unwrap();
    assert_eq!(copy(&objects, &digest), b"2,1\n");
}

#[tokio::test]
async fn a_copy_that_made_room_is_brought_again_or_its_object_changed() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    moto.bucket("lake").await;
    moto.put("lake", "1.csv", "1,2\n").await;
    let objects = objects(vec![store(moto.endpoint(), "s3://lake")], folder.path());
    let found = listed(&objects, "s3://lake/{SPAN}.csv").await.unwrap();
    let digest = objects.bring(&found[0]).await.unwrap();
    fs::remove_file(objects.place(&digest)).unwrap();
    objects.ensure("s3://lake/1.csv", &digest).await.unwrap();
    assert_eq!(copy(&objects, &digest), b"1,2\n");
    fs::remove_file(objects.place(&digest)).unwrap();
    moto.put("lake", "1.csv", "2,1\n").await;
    let error = objects.ensure("s3://lake/1.csv", &digest).await.unwrap_err();
    assert!(matches!(error, ObjectError::Changed { .. }), "{error}");
}

#[tokio::test]
async fn only_what_the_settings_name_is_read() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    moto.bucket("lake").await;
    moto.put("lake", "flights/1.csv", "ours").await;
    moto.put("lake", "flights-of-others/1.csv", "theirs").await;
    let objects = objects(vec![store(moto.endpoint(), "s3://lake/flights")], folder.path());
    assert_eq!(
        labels(&listed(&objects, "s3://lake/flights/{SPAN}.csv").await.unwrap()),
        ["1"]
    );
    for uri in ["s3://lake/flights-of-others/{SPAN}.csv", "s3://lake/{SPAN}.csv"] {
        let error = listed(&objects, uri).await.unwrap_err();
        assert!(matches!(error, ObjectError::NoStore { .. }), "{uri}: {error}");
    }
    let error = listed(&objects, "s3://other/{SPAN}.csv").await.unwrap_err();
    insta::assert_snapshot!(error, @r#"s3://other is in none of the object stores of trainyard.toml: add one with url = "s3://other" to [object_stores]"#);
}
