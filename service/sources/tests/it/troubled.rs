//! Stores that refuse, are not there, or have a fault of their own.

use crate::moto::Moto;
use crate::objects::{listed, objects, store};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use trainyard_sources::ObjectError;

const URI: &str = "s3://lake/{SPAN}.csv";

async fn said(endpoint: &str) -> ObjectError {
    let folder = tempfile::tempdir().unwrap();
    let objects = objects(vec![store(endpoint, "s3://lake")], folder.path());
    listed(&objects, URI).await.unwrap_err()
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_told_and_waited_for() {
    let moto = Moto::start();
    let error = said(moto.endpoint()).await;
    insta::assert_snapshot!(error, @"the object store 'lake' has no bucket for s3://lake: make it, or correct the source's uri or [object_stores.lake] of trainyard.toml");
    assert!(error.passes());
}

#[tokio::test]
async fn a_key_without_rights_is_told_and_not_waited_for() {
    let moto = Moto::closing_after(1);
    moto.bucket("lake").await;
    let error = said(moto.endpoint()).await;
    insta::assert_snapshot!(error, @"s3://lake may not be read: the object store 'lake' refuses the key it was given; let it list and read the bucket, or correct [object_stores.lake] of trainyard.toml");
    assert!(!error.passes());
}

#[tokio::test]
async fn a_store_that_nobody_reaches_is_waited_for() {
    // Nobody listens there any more.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = said(&format!("http://127.0.0.1:{port}")).await;
    insta::assert_snapshot!(error, @"s3://lake cannot be read now, and is asked for again: the object store 'lake' cannot be reached");
    assert!(error.passes());
}

#[tokio::test]
async fn a_store_that_asks_for_less_is_asked_a_few_times_and_then_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let body = "<Error><Code>SlowDown</Code></Error>";
        let mut asked = 0;
        while let Ok((mut client, _)) = listener.accept() {
            let read = client.read(&mut [0; 4096]).unwrap_or_default();
            if read == 0 {
                break;
            }
            asked += 1;
            let length = body.len();
            let answer =
                format!("HTTP/1.1 503 Slow Down\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            let _ = client.write_all(answer.as_bytes());
        }
        asked
    });
    let error = said(&endpoint).await;
    insta::assert_snapshot!(error, @"s3://lake cannot be read now, and is asked for again: the object store 'lake' says: Server returned non-2xx status code: 503 Service Unavailable: <Error><Code>SlowDown</Code></Error>");
    assert!(error.passes());
    // A connection without a request ends the server.
    drop(std::net::TcpStream::connect(endpoint.trim_start_matches("http://")).unwrap());
    assert_eq!(server.join().unwrap(), 10, "once and four times more, and so the probe");
}
