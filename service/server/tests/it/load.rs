//! Senders that are slow, many or large: nobody else waits for them, and the memory stays small.

use crate::binary::{Place, Running};
use crate::yard::{PATIENCE, WEBHOOK_SECRET, Yard, eventually, settings, with_secrets};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use trainyard_github::signature::sign;

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

/// More slow senders than there are places: whoever comes with a whole request is served at once.
#[test]
fn slow_connections_keep_no_webhook_out() {
    let place = Place::new(&settings("{folder}".as_ref(), &with_secrets()));
    let (service, address) = Running::serve(&place);
    let begin = |number: usize| {
        let mut stream = TcpStream::connect(address).unwrap();
        // A third each says nothing, stops in the head, and stops in the body.
        let head = "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n";
        if !number.is_multiple_of(3) {
            stream.write_all(head.as_bytes()).unwrap();
        }
        if number % 3 == 2 {
            stream.write_all(b"\r\n{").unwrap();
        }
        stream
    };
    let mut slow: Vec<TcpStream> = (0..900).map(begin).collect();
    let mut times = Vec::new();
    for number in 0..100 {
        // They come again and again.
        slow.extend((0..5).map(begin));
        let began = Instant::now();
        let id = format!("meanwhile-{number}");
        assert!(crate::webhooks::post(address, &id), "{}", service.log());
        times.push(began.elapsed());
    }
    times.sort();
    // Who waits for one of them to be given up waits ten seconds.
    assert!(times[98] < Duration::from_secs(1), "{:?}", &times[90..]);
    let memory = resident(service.id());
    assert!(memory < 150 << 20, "{} MiB", memory >> 20);
    drop(slow);
}

/// The most memory that a process ever had, in bytes.
fn peak(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Pushes of a repository that does not answer wait in the database and not in the memory, however often the
/// service looks for new ones.
#[test]
fn large_bodies_that_wait_are_not_read_again() {
    let place = Place::new(&settings("{folder}".as_ref(), &with_secrets()));
    let (service, address) = Running::serve(&place);
    for number in 0..32 {
        let sha = format!("{number:040x}");
        let push = format!(
            "{{\"ref\": \"refs/heads/main\", \"before\": \"{}\", \"after\": \"{sha}\", \"deleted\": false, \
             \"repository\": {{\"id\": 7, \"full_name\": \"acme/large\", \"default_branch\": \"main\"}}}}",
            "1".repeat(40)
        );
        let body = [push, " ".repeat(16 << 20)].concat();
        let head = format!(
            "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nX-GitHub-Delivery: large-{number}\r\n\
             X-GitHub-Event: push\r\nX-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n",
            sign(WEBHOOK_SECRET, body.as_bytes()),
            body.len()
        );
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 202", "{}", service.log());
    }
    service.says("a delivery waits");
    for number in 0..20 {
        assert!(crate::webhooks::post(address, &format!("small-{number}")));
    }
    let memory = peak(service.id());
    // One on its way in and one on its way out, each copied a few times; all of them at once would be more.
    assert!(memory < 432 << 20, "{} MiB", memory >> 20);
}

/// What is not signed leaves nothing behind, however much of it comes.
#[test]
fn unsigned_requests_take_no_memory() {
    let place = Place::new(&settings("{folder}".as_ref(), &with_secrets()));
    let (service, address) = Running::serve(&place);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(address).unwrap();
                let body = [b' '; 8192];
                for number in 0..500 {
                    let head = format!(
                        "POST /webhooks/github?{number} HTTP/1.1\r\nHost: localhost\r\nX-GitHub-Delivery: {number}\r\n\
                         X-GitHub-Event: push{number}\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    );
                    stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
                    let mut answer = [0; 2048];
                    let read = stream.read(&mut answer).unwrap();
                    assert!(
                        answer[..read].starts_with(b"HTTP/1.1 401"),
                        "{}",
                        String::from_utf8_lossy(&answer)
                    );
                }
            });
        }
    });
    let memory = resident(service.id());
    assert!(memory < 150 << 20, "{} MiB", memory >> 20);
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
