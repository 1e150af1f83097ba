//! The real Docker engine, and how a test leaves nothing behind in it.

use bollard::Docker;
use bollard::query_parameters::*;
use std::collections::HashMap;

/// An image that `make setup` has made, with a shell and Python.
pub const BASE: &str = "trainyard/base:bookworm";

/// The engine itself.
pub async fn engine() -> Docker {
    let docker = Docker::connect_with_defaults().expect("no Docker engine answers: run `make setup`");
    docker.ping().await.expect("no Docker engine answers: run `make setup`");
    docker
}

/// The id of the base image.
pub async fn base() -> String {
    let image = engine().await.inspect_image(BASE).await;
    let image = image.unwrap_or_else(|error| panic!("there is no image {BASE} ({error}): run `make setup`"));
    image.id.unwrap()
}

/// Removes every container and image with this label when it goes out of scope, also by a panic.
pub struct Cleanup(pub String);

impl Drop for Cleanup {
    fn drop(&mut self) {
        let label = self.0.clone();
        let swept = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(sweep(&label))
        });
        let _ = swept.join();
    }
}

async fn sweep(label: &str) {
    let docker = engine().await;
    let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
    let all = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    for container in docker.list_containers(Some(all)).await.unwrap() {
        let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let _ = docker.remove_container(&container.id.unwrap(), Some(force)).await;
    }
    // A parent can only go after its children, so once more until nothing changes.
    let mut left = usize::MAX;
    loop {
        let all = ListImagesOptionsBuilder::new().all(true).filters(&filters).build();
        let images = docker.list_images(Some(all)).await.unwrap();
        if images.is_empty() || images.len() == left {
            return;
        }
        left = images.len();
        for image in images {
            let force = RemoveImageOptionsBuilder::new().force(true).build();
            let _ = docker.remove_image(&image.id, Some(force), None).await;
        }
    }
}
