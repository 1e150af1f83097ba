//! Data in an object store: a run reads them as those of a folder.

use crate::moto::Moto;
use crate::yard::Yard;
use std::fs;
use trainyard_core::run::RunState;
use trainyard_core::span::{Bucket, Provider};
use trainyard_engine::{ObjectSettings, StoreSettings};

const IN_LAKE: (&str, &str) = ("rows/{YYYY}-{MM}.csv\"", "s3://lake/rows/{YYYY}-{MM}/*.csv\"");

fn lake(endpoint: &str) -> ObjectSettings {
    let store = StoreSettings {
        name: "lake".to_owned(),
        bucket: Bucket {
            provider: Provider::S3,
            name: "lake".to_owned(),
        },
        folder: "rows".to_owned(),
        endpoint: Some(endpoint.to_owned()),
        region: None,
        allow_http: true,
        key_id: Some("id".to_owned()),
        key: Some("key".into()),
    };
    ObjectSettings {
        stores: vec![store],
        room: None,
    }
}

async fn at(moto: &Moto) -> Yard {
    Yard::with(|config| config.objects = lake(moto.endpoint())).await
}

#[tokio::test]
async fn a_run_reads_objects_by_content_and_an_arrival_starts_the_next() {
    let moto = Moto::start();
    moto.bucket("lake").await;
    moto.put("lake", "rows/2013-01/a.csv", "1,2\n").await;
    moto.put("lake", "rows/2013-01/b.csv", "3,4\n").await;
    let yard = at(&moto).await;
    yard.push(&[IN_LAKE]).await;
    let (row, run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    let read = |run: &trainyard_core::run::Run| {
        let examples = &run.steps["examples"].outputs["examples"];
        fs::read_to_string(format!("{}/Split-train/data.parquet", examples.uri)).unwrap()
    };
    assert_eq!(read(&run), "1,2\n3,4\n");
    let data = &run.steps["examples"].inputs["source"];
    assert_eq!(data.uri, "s3://lake/rows");
    assert_eq!(data.properties["spans"][1]["path"], "s3://lake/rows/2013-01/b.csv");
    assert_eq!(data.properties["spans"][1]["file"], "2013-01-b.csv");
    // Written again with the same bytes it is the same data, and everything is there.
    moto.put("lake", "rows/2013-01/a.csv", "1,2\n").await;
    yard.arrive("1", "rows", "2013-01").await.unwrap();
    let (_, run) = yard.last(2).await;
    assert_eq!(run.steps["examples"].state.as_str(), "cached");
    moto.put("lake", "rows/2013-02/a.csv", "5,6\n").await;
    yard.arrive("2", "rows", "2013-02").await.unwrap();
    let (row, run) = yard.last(3).await;
    assert_eq!((row.state, row.trigger.as_str()), (RunState::Succeeded, "data"));
    assert_eq!(read(&run), "5,6\n");
}

#[tokio::test]
async fn a_copy_that_its_step_changed_is_not_published() {
    let moto = Moto::start();
    moto.bucket("lake").await;
    moto.put("lake", "rows/2013-01/a.csv", "1,2\n").await;
    let yard = at(&moto).await;
    yard.hold("examples");
    yard.push(&[IN_LAKE]).await;
    yard.started("examples", 1).await;
    let copies = yard.config.data_dir.join("objects/content");
    let copy = fs::read_dir(copies).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(&copy).unwrap();
    fs::write(&copy, "2,1\n").unwrap();
    yard.release("examples");
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Failed);
    insta::assert_snapshot!(row.summary.unwrap(), @"step 'examples': s3://lake/rows/2013-01/a.csv changed while the step was reading it: run again on the new content");
}

#[tokio::test]
async fn a_bucket_of_no_store_fails_the_step_and_says_what_to_set() {
    let moto = Moto::start();
    let yard = at(&moto).await;
    yard.push(&[(IN_LAKE.0, "s3://sea/rows/{YYYY}-{MM}.csv\"")]).await;
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Failed);
    insta::assert_snapshot!(row.summary.unwrap(), @r#"step 'examples': data source 'rows': s3://sea/rows is in none of the object stores of trainyard.toml: add one with url = "s3://sea" to [object_stores]"#);
}
