//! Senders that are slow, many or large: nobody else waits for them, and the memory stays small.

use crate::binary::{Place, Running};
use crate::yard::{PATIENCE, Yard, eventually, settings, with_secrets};
use std::io::{Read, Write};
use std::net::TcpStream;
use tokio::io::AsyncWriteExt;

/// Begins a webhook of 2 MiB and does not end it.
async fn slow_large_body(yard: &Yard) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(yard.address).await.unwrap();
    let head = format!(
        "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        2 << 20
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; 1 << 20]).await.unwrap();
    stream
}

#[tokio::test]
async fn slow_large_bodies_keep_only_other_large_ones_waiting() {
    let yard = Yard::start(&with_secrets()).await;
    let large = vec![b' '; 1 << 20];
    let mut slow = Vec::new();
    // Unsigned, so that only its place in the queue matters.
    let try_large = async || {
        let request = yard.request("POST", "/webhooks/github").body(large.clone());
        request.send().await.unwrap()
    };
    eventually("a large body is turned away", async || {
        // A slow one that met a probe in the queue holds no place: there is always one more.
        slow.push(slow_large_body(&yard).await);
        try_large().await.status() == 503
    })
    .await;
    assert!(slow.len() >= 4, "{}", slow.len());
    assert!(try_large().await.headers().contains_key("retry-after"));
    assert_eq!(yard.send(yard.webhook("small", "ping", b"{}")).await.status, 202);
    drop(slow);
    eventually("large bodies are taken again", async || {
        try_large().await.status() == 401
    })
    .await;
    yard.stop().await;
}

/// Resident memory of a process in bytes.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn many_slow_connections_do_not_keep_a_webhook_out() {
    let place = Place::new(&settings("{folder}".as_ref(), &with_secrets()));
    let (service, address) = Running::serve(&place);
    let mut slow: Vec<TcpStream> = (0..400).map(|_| TcpStream::connect(address).unwrap()).collect();
    for (number, stream) in slow.iter_mut().enumerate() {
        // Half of them stop in the head, half in the body.
        let head = "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        if number % 2 == 0 {
            stream.write_all(b"\r\n{").unwrap();
        }
    }
    for number in 0..50 {
        assert!(
            crate::webhooks::post(address, &format!("meanwhile-{number}")),
            "{}",
            service.log()
        );
    }
    let memory = resident(service.id());
    assert!(memory < 150 << 20, "{} MiB", memory >> 20);
    drop(slow);
}

#[test]
fn a_head_that_does_not_end_is_cut_off() {
    let place = Place::new(&settings("{folder}".as_ref(), ""));
    let (_service, address) = Running::serve(&place);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: local").unwrap();
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    assert!(
        ended.is_ok(),
        "it waited longer than {}s: {ended:?}",
        PATIENCE.as_secs()
    );
    // A head without an end that is too long is refused at once.
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    _ = stream.write_all(format!("GET /healthz HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(2 << 20)).as_bytes());
    let mut answer = [0; 12];
    if stream.read_exact(&mut answer).is_ok() {
        assert_eq!(&answer, b"HTTP/1.1 431");
    }
}
