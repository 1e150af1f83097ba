//! The folder of a bucket through which pods exchange objects, on a real server.

use crate::moto::Moto;
use futures_util::TryStreamExt as _;
use std::time::Duration;
use tokio::sync::mpsc;
use trainyard_core::span::Bucket;
use trainyard_sources::{Access, Exchange, ObjectError, StoreSettings};

fn settings(moto: &Moto, url: &str) -> StoreSettings {
    let (bucket, folder) = Bucket::of(url).unwrap().unwrap();
    StoreSettings {
        name: "exchange".into(),
        bucket,
        folder: folder.to_owned(),
        endpoint: Some(moto.endpoint().to_owned()),
        region: Some("us-east-1".into()),
        allow_http: true,
        key_id: Some("id".into()),
        key: Some("key".to_owned().into()),
    }
}

async fn all(exchange: &Exchange, name: &str, from: u64) -> Option<Vec<u8>> {
    let pieces = exchange.read(name, from).await.unwrap()?;
    let pieces: Vec<_> = pieces.try_collect().await.unwrap();
    Some(pieces.concat())
}

#[tokio::test]
async fn what_is_written_is_read_signed_and_removed() {
    let moto = Moto::start();
    moto.bucket("pods").await;
    let exchange = Exchange::open(&settings(&moto, "s3://pods/of/mine")).unwrap();
    exchange.check().await.unwrap();
    assert_eq!(exchange.place(), "s3://pods/of/mine");
    assert!(exchange.put_new("a/claim", b"first".to_vec()).await.unwrap());
    assert!(!exchange.put_new("a/claim", b"second".to_vec()).await.unwrap());
    assert_eq!(exchange.get("a/claim").await.unwrap().as_deref(), Some(&b"first"[..]));
    assert_eq!(exchange.get("a/none").await.unwrap(), None);
    assert_eq!(all(&exchange, "a/none", 0).await, None);

    let whole: Vec<u8> = (0..20_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (to, pieces) = mpsc::channel(1);
    let sent = whole.clone();
    let sending = async move {
        for piece in sent.chunks(1 << 20) {
            to.send(Ok(piece.to_vec())).await.unwrap();
        }
    };
    let (uploaded, ()) = tokio::join!(exchange.upload("a/large", pieces), sending);
    uploaded.unwrap();
    assert!(all(&exchange, "a/large", 19_999_990).await.unwrap() == whole[19_999_990..]);
    assert!(all(&exchange, "a/large", 0).await.unwrap() == whole);

    // Something that broke off leaves nothing.
    let (to, pieces) = mpsc::channel(1);
    let broken = async move {
        to.send(Ok(b"half".to_vec())).await.unwrap();
        to.send(Err(std::io::Error::other("the disk"))).await.unwrap();
    };
    let (uploaded, ()) = tokio::join!(exchange.upload("a/half", pieces), broken);
    assert!(matches!(uploaded, Err(ObjectError::Disk { .. })));
    assert!(!exchange.contains("a/half").await.unwrap());

    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let put = exchange
        .sign(Access::Put, "a/signed", Duration::from_secs(60))
        .await
        .unwrap();
    assert!(
        http.put(&put)
            .body("by another")
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    let again = http
        .put(&put)
        .header("if-none-match", "*")
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 412, "the first one stays");
    let get = exchange
        .sign(Access::Get, "a/signed", Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(http.get(&get).send().await.unwrap().text().await.unwrap(), "by another");
    assert!(!get.contains("key"), "no key is in an address");

    exchange.remove_folder("a").await.unwrap();
    assert!(!exchange.contains("a/large").await.unwrap() && !exchange.contains("a/signed").await.unwrap());
    exchange.remove_folder("a").await.unwrap();
    exchange.remove("a/claim").await.unwrap();
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let moto = Moto::start();
    let told = |error: ObjectError| error.to_string();
    let exchange = Exchange::open(&settings(&moto, "s3://nobody")).unwrap();
    assert_eq!(
        told(exchange.check().await.unwrap_err()),
        "the object store 'exchange' has no bucket for s3://nobody/.trainyard-probe: make it, or correct the source's uri or [object_stores.exchange] of trainyard.toml"
    );
    let closed = Moto::closing_after(0);
    let exchange = Exchange::open(&settings(&closed, "s3://pods")).unwrap();
    assert_eq!(
        told(exchange.check().await.unwrap_err()),
        "s3://pods/.trainyard-probe may not be exchanged with pods: the object store 'exchange' refuses the key it was given; let it list, read, write and remove objects there, or correct [object_stores.exchange] of trainyard.toml"
    );
    let other = Exchange::open(&StoreSettings {
        region: None,
        ..settings(&moto, "gs://pods")
    })
    .unwrap_err();
    assert_eq!(
        told(other),
        "the object store 'exchange' cannot be used: pods exchange objects through s3:// only; correct [object_stores.exchange] of trainyard.toml"
    );
}
