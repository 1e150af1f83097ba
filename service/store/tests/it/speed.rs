//! How long a step forward takes; run by hand: `cargo test --release -p trainyard-store -- --ignored speed`.

use crate::databases;
use crate::samples::{artifact, at, delivery, forward, identity, named, publish, start, start_run};
use std::time::Instant;
use trainyard_core::run::RunEvent;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn appends_and_deliveries() {
    for (name, fresh) in [
        ("sqlite", databases::sqlite().await),
        ("postgres", databases::postgres().await),
    ] {
        let store = &fresh.store;
        let mut bare = Vec::new();
        let mut full = Vec::new();
        for number in 0..100 {
            let id = format!("r{number}");
            let mut run = start_run(store, &id, number).await;
            let step = identity(&id, "train", "Trainer");
            let event = || vec![RunEvent::PushFailed { reason: "x".to_owned() }];
            let plain = forward(&mut run, event(), at(1));
            let mut starting = forward(&mut run, event(), at(1));
            starting.metadata = vec![start(&step, named([("examples", artifact("e", "Examples", 1))]), at(1))];
            let mut published = forward(&mut run, event(), at(2));
            published.metadata = vec![publish(
                &step,
                &id,
                named([("model", artifact(&format!("{id}/m"), "Model", 2))]),
                at(2),
            )];
            for (append, times) in [(plain, 0), (starting, 1), (published, 1)] {
                let begin = Instant::now();
                store.append(append).await.unwrap();
                if times == 0 { &mut bare } else { &mut full }.push(begin.elapsed());
            }
        }
        let begin = Instant::now();
        let mut tasks = Vec::new();
        for writer in 0..64 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                for number in 0..30 {
                    store
                        .accept_delivery(&delivery(&format!("{writer}-{number}"), number))
                        .await
                        .unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let rate = 64.0 * 30.0 / begin.elapsed().as_secs_f64();
        for times in [&mut bare, &mut full] {
            times.sort();
        }
        println!(
            "{name}: append p50 {:?} p99 {:?}; with metadata p50 {:?} p99 {:?}; {rate:.0} deliveries/s from 64 writers",
            bare[bare.len() / 2],
            bare[bare.len() * 99 / 100],
            full[full.len() / 2],
            full[full.len() * 99 / 100],
        );
    }
}
