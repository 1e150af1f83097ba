//! `stage in`: the pod claims the attempt and lays out what its program reads.

use crate::http::{Http, TransferError};
use crate::pack::unpack;
use crate::place::{self, CLAIMED_BY_ANOTHER, at};
use crate::protocol::{Bring, Content, Object, Task};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Brings everything; the code to end with.
pub async fn bring(pod: &str) -> i32 {
    match brought(pod).await {
        Ok(true) => 0,
        Ok(false) => {
            told("another pod has begun this attempt, and two of them must not run it");
            CLAIMED_BY_ANOTHER
        }
        Err(error) => {
            told(&error.to_string());
            1
        }
    }
}

/// Says it where people and the service look.
pub(crate) fn told(sentence: &str) {
    eprintln!("[trainyard] {sentence}");
    // A pod without it says less.
    let _ = fs::write(place::MESSAGE, sentence);
}

/// What is to be done, from the address in the pod's Secret.
pub(crate) async fn task(http: &Http) -> Result<Task, Box<dyn std::error::Error>> {
    let read = |name: &str| fs::read_to_string(at(place::TASK).join(name));
    let (address, sha256) = (read("address")?, read("sha256")?);
    let what = "what the pod is to do";
    let bytes = http.get(address.trim(), what).await?;
    let bytes = bytes.ok_or_else(|| TransferError::Absent { what: what.to_owned() })?;
    Ok(Task::read(&bytes, &sha256)?)
}

/// `false` if another pod has begun.
async fn brought(pod: &str) -> Result<bool, Box<dyn std::error::Error>> {
    let http = Http::new()?;
    let task = task(&http).await?;
    if !claimed(&http, &task, pod).await? {
        return Ok(false);
    }
    fs::copy("/proc/self/exe", at(place::PROGRAM))?;
    fs::set_permissions(at(place::PROGRAM), Permissions::from_mode(0o555))?;
    for input in &task.inputs {
        lay_out(&http, input).await?;
    }
    for later in &task.later {
        fs::create_dir(at(place::LATER).join(&later.name))?;
    }
    Ok(true)
}

/// Whether this pod is the one that runs the program. One that is asked twice, since its kubelet made it anew, is not.
async fn claimed(http: &Http, task: &Task, pod: &str) -> Result<bool, TransferError> {
    let what = "the claim of the attempt";
    let mine = format!("{pod} {:?}", std::time::SystemTime::now());
    if http.put_new(&task.claim.put, what, mine.as_bytes()).await? {
        return Ok(true);
    }
    // The answer to our own request may have been lost.
    let found = http.get(&task.claim.get, what).await?;
    Ok(found.is_some_and(|found| found == mine.as_bytes()))
}

async fn lay_out(http: &Http, input: &Bring) -> Result<(), TransferError> {
    let to = at(place::INPUTS).join(&input.name);
    let what = format!("input {}", input.name);
    let disk = |source: io::Error| TransferError::Disk {
        what: what.clone(),
        source,
    };
    match &input.content {
        Content::Empty => fs::create_dir(&to).map_err(disk),
        Content::Text(text) => fs::write(&to, text).map_err(disk),
        Content::Tree(object) => {
            let to = to.clone();
            let laid = move |from: &mut dyn io::Read| {
                let _ = fs::remove_dir_all(&to);
                let _ = fs::remove_file(&to);
                unpack(from, &to)
            };
            http.read(&object.get, &what, &object.sha256, laid).await
        }
        Content::Files(files) => {
            fs::create_dir(&to).map_err(disk)?;
            for file in files {
                copy(http, &file.object, &to.join(&file.name), &what).await?;
            }
            Ok(())
        }
    }
}

async fn copy(http: &Http, object: &Object, to: &Path, what: &str) -> Result<(), TransferError> {
    let to = to.to_owned();
    let written = move |from: &mut dyn io::Read| io::copy(from, &mut fs::File::create(&to)?).map(drop);
    http.read(&object.get, what, &object.sha256, written).await
}
