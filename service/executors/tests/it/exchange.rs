//! What a program is given and what comes of it: promises of every executor, tried by `conformance`.

use crate::stage::{Act, DEADLINE, Kind, Stage, until, waits};
use futures_util::StreamExt;
use sha2::Digest as _;
use std::path::PathBuf;
use trainyard_core::artifact::Digest;
use trainyard_core::secret::SecretValue;
use trainyard_executors::fake::Script;
use trainyard_executors::*;

fn input(target: &str, content: InputContent) -> Input {
    Input {
        target: PathBuf::from(target),
        content,
    }
}

fn writes(path: &std::path::Path, content: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

pub async fn inputs_are_brought_by_what_they_are(stage: Stage) {
    let key = stage.key("reads");
    let ((file, file_at), (tree, tree_at)) = (stage.keep(1), stage.keep(2));
    writes(&file_at, "a file\n");
    writes(&tree_at.join("deep/er"), "a folder\n");
    writes(&stage.folder.path().join("data/rows/2013-01.csv"), "data\n");
    let data = StagedFile {
        name: "1.csv".into(),
        path: "rows/2013-01.csv".into(),
        digest: Digest::from_sha256(&sha2::Sha256::digest(b"data\n")),
    };
    let inputs = vec![
        input("/inputs/file", InputContent::Tree(file)),
        input("/inputs/tree", InputContent::Tree(tree)),
        input("/task.json", InputContent::Bytes(b"bytes\n".to_vec())),
        input("/inputs/source", InputContent::Files(vec![data])),
        input("/inputs/baseline", InputContent::Empty),
        input("/models", InputContent::Later),
    ];
    let paths: Vec<PathBuf> = inputs
        .iter()
        .map(|input| stage.executor.input_path(&key, input))
        .collect();
    let [file, tree, task, source, baseline, models] = paths.as_slice() else {
        unreachable!("{paths:?}");
    };
    let read = [file.clone(), tree.join("deep/er"), task.clone(), source.join("1.csv")];
    let words = read
        .iter()
        .chain([baseline, models])
        .map(|path| path.display().to_string());
    let shell = format!(
        "set -- {}; cat $1 $2 $3 $4; ls -A $5; ls -A $6",
        words.collect::<Vec<_>>().join(" ")
    );
    let whole = "a file\na folder\nbytes\ndata\n";
    let script = Script {
        log: whole.into(),
        ..Script::default()
    };
    let program = Program {
        inputs,
        ..stage.program(&key, Act { shell, script })
    };
    stage.start_program(&key, &program).await.unwrap();
    assert_eq!(stage.end(&key).await, ProgramExit::Code(0));
    assert_eq!(stage.log(&key), whole);
    // What sees this machine's paths sees these.
    if !matches!(stage.kind, Kind::Docker | Kind::Kubernetes) {
        let found: String = read.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        assert_eq!(found, whole);
        for empty in [baseline, models] {
            assert_eq!(std::fs::read_dir(empty).unwrap().count(), 0);
        }
    }
}

pub async fn content_that_is_gone_is_refused(stage: Stage) {
    let key = stage.key("reads");
    let mut program = stage.program(&key, waits(0));
    program
        .inputs
        .push(input("/inputs/model", InputContent::Tree(stage.keep(1).0)));
    let refused = stage.executor.start(&key, &program).await.unwrap_err();
    assert!(matches!(refused, ExecutorError::Refused { .. }), "{refused:?}");
    assert_eq!(stage.observe(&key).await, Observation::Unknown);
}

pub async fn what_comes_later_is_shown(stage: Stage) {
    let key = stage.key("serves");
    let models = input("/models", InputContent::Later);
    let seen = stage.executor.input_path(&key, &models);
    let act = Act {
        shell: format!(
            "echo began; cd {}; while [ ! -e line ]; do sleep 0.02; done; cat line/000001/weights; exit 3",
            seen.display()
        ),
        script: Script::exits(3, "began\n42").hanging(),
    };
    let mut program = stage.program(&key, act);
    program.inputs.push(models);
    let candidate = stage.folder.path().join("candidate");
    writes(&candidate.join("000001/weights"), "42\n");
    let show = async || stage.executor.show(&key, &candidate, "/models/line".as_ref()).await;
    assert!(show().await.is_err(), "nobody is there to see it");
    stage.start_program(&key, &program).await.unwrap();
    show().await.unwrap();
    assert!(!candidate.exists(), "it was moved");
    if let AnyExecutor::Fake(fake) = &stage.executor {
        assert!(seen.join("line/000001/weights").exists());
        fake.finish(&key);
    }
    assert_eq!(stage.end(&key).await, ProgramExit::Code(3));
    assert_eq!(stage.log(&key), "began\n42\n");
}

pub async fn outputs_are_brought_back_and_kept_until_removed(stage: Stage) {
    let act = Act {
        shell: "mkdir $OUT/model; echo 42 > $OUT/model/weights".into(),
        script: Script::writes("model/weights", "42\n"),
    };
    let key = stage.start("makes", act).await;
    assert_eq!(stage.end(&key).await, ProgramExit::Code(0));
    let outputs = stage.executor.outputs(&key).await.unwrap();
    assert_eq!(std::fs::read_to_string(outputs.join("model/weights")).unwrap(), "42\n");
    let note = outputs.with_file_name("sealed.json");
    std::fs::write(&note, "{}").unwrap();

    let restarted = stage.reopened();
    assert_eq!(restarted.outputs(&key).await.unwrap(), outputs);
    let program = stage.program(&key, waits(0));
    restarted.start(&key, &program).await.unwrap();
    assert!(
        outputs.join("model/weights").exists() && note.exists(),
        "a start that is repeated changes nothing"
    );
    restarted.remove(&key).await.unwrap();
    assert!(!outputs.exists() && !note.exists());
    assert_eq!(said(&restarted, &key, LogMark::Start, false).await, []);
}

async fn said(executor: &AnyExecutor, key: &AttemptKey, from: LogMark, follow: bool) -> Vec<LogChunk> {
    let chunks = executor.logs(key, from, follow).map(Result::unwrap).collect();
    tokio::time::timeout(DEADLINE, chunks)
        .await
        .expect("the end of the log")
}

fn text(chunks: &[LogChunk]) -> String {
    let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.bytes.to_vec()).collect();
    String::from_utf8(bytes).unwrap()
}

pub async fn a_log_goes_on_from_any_mark(stage: Stage) {
    let lines: String = (1..=20).map(|n| format!("line {n}\n")).collect();
    let act = Act {
        shell: "i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo line $i; done; while [ ! -e $OUT/go ]; do sleep 0.02; done; echo end".into(),
        script: Script::exits(0, &format!("{lines}end")).hanging(),
    };
    let key = stage.start("talks", act).await;
    // While it runs, by two who read at once.
    let mut follower = stage.executor.logs(&key, LogMark::Start, true);
    let mut chunks = Vec::new();
    while text(&chunks).len() < lines.len() {
        let next = tokio::time::timeout(DEADLINE, follower.next())
            .await
            .expect("the next line");
        chunks.push(next.unwrap().unwrap());
    }
    assert!(text(&chunks).starts_with(&lines));
    stage.let_end(&key);
    chunks.extend(follower.map(Result::unwrap).collect::<Vec<_>>().await);
    // Its last words may come after the end of the stream that followed it.
    until_ended(&stage, &key).await;
    let last = chunks.last().unwrap().mark.unwrap();
    chunks.extend(said(&stage.executor, &key, last, false).await);
    assert_eq!(text(&chunks), format!("{lines}end\n"));

    let restarted = stage.reopened();
    assert_eq!(
        text(&said(&restarted, &key, LogMark::Start, false).await),
        text(&chunks)
    );
    for (place, chunk) in chunks.iter().enumerate() {
        let mark: LogMark = serde_json::from_str(&serde_json::to_string(&chunk.mark.unwrap()).unwrap()).unwrap();
        let rest = said(&restarted, &key, mark, true).await;
        assert_eq!(text(&rest), text(&chunks[place + 1..]), "after {mark:?}");
    }
}

async fn until_ended(stage: &Stage, key: &AttemptKey) {
    while stage.observe(key).await == Observation::Running {
        stage.executor.settled(key, DEADLINE).await;
    }
}

/// What it is given it finds, and what it says of it nobody sees.
pub async fn secrets_are_files_and_never_shown(stage: Stage) {
    let (password, token) = ("correct-horse-battery", "a token of 3 words");
    let shell = r#"printf 'file %s\n' "$(cat "$PASSWORD_FILE")"
printf 'variable %s in %s\n' "$TOKEN" "$(cat "$TOKEN_FILE")"
base64 <"$PASSWORD_FILE"
printf 'part correct-'; sleep 0.1; printf 'horse-battery\n'
echo "no ${PASSWORD:-variable}"
while [ ! -e $OUT/go ]; do sleep 0.02; done
printf end"#;
    let log = format!(
        "file {password}\nvariable {token} in {token}\nY29ycmVjdC1ob3JzZS1iYXR0ZXJ5\npart {password}\nno variable\nend"
    );
    let key = stage.key("secretive");
    let act = Act {
        shell: shell.to_owned(),
        script: Script {
            log,
            ..Script::default()
        }
        .hanging(),
    };
    let secret = |place: &str, value: &str, environment| ProgramSecret {
        place: place.to_owned(),
        value: SecretValue::new(value.as_bytes().to_vec()).unwrap(),
        environment,
    };
    let program = Program {
        secrets: vec![secret("PASSWORD", password, false), secret("TOKEN", token, true)],
        ..stage.program(&key, act)
    };
    assert!(!format!("{:?}", program.secrets).contains("horse"));
    stage.start_program(&key, &program).await.unwrap();
    let begun = "file ***\nvariable *** in ***\n***\npart ***\nno variable\n";
    until("it has said all but its end", || async {
        stage.log(&key).starts_with(begun)
    })
    .await;
    // Found again, by who does not know them.
    let again = Program {
        secrets: Vec::new(),
        ..program.clone()
    };
    stage.executor.start(&key, &again).await.unwrap();
    stage.let_end(&key);
    assert_eq!(stage.end(&key).await, ProgramExit::Code(0));
    let whole = format!("{begun}end");
    stage.logs.complete(&key, &stage.log_file(&key)).await.unwrap();
    assert_eq!(stage.log(&key), whole);
    let other = stage.reopened();
    assert_eq!(text(&said(&other, &key, LogMark::Start, false).await), whole);
    assert_eq!(other.hidden(&key).text(token).as_deref(), Some("***"));
    let memory = crate::stage::memory(stage.folder.path());
    let count = || std::fs::read_dir(&memory).unwrap().count();
    assert_eq!(count(), 1);
    // As after a restart of the machine: nobody knows what must not be shown.
    let folder = std::fs::read_dir(&memory).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(&folder, memory.join("elsewhere")).unwrap();
    let left = text(&said(&other, &key, LogMark::Start, false).await);
    assert!(
        left.starts_with("[trainyard] the rest of this log is left out"),
        "{left}"
    );
    assert!(other.hidden(&key).text("anything").is_none());
    std::fs::rename(memory.join("elsewhere"), &folder).unwrap();
    stage.executor.remove(&key).await.unwrap();
    assert_eq!(count(), 0, "they are gone with the program");
    assert!(stage.executor.list().await.unwrap().is_empty());
}

/// Secrets that were laid out for a program that never came to be are found, and go with it.
pub async fn secrets_without_a_program_are_found(stage: Stage) {
    let memory = crate::stage::memory(stage.folder.path());
    let key = stage.key("never");
    std::fs::create_dir_all(
        memory
            .join(format!("{}@{}@{}", key.run, key.node, key.attempt))
            .join("given"),
    )
    .unwrap();
    assert_eq!(stage.executor.list().await.unwrap(), std::slice::from_ref(&key));
    assert_eq!(stage.observe(&key).await, Observation::Unknown);
    stage.executor.remove(&key).await.unwrap();
    assert!(stage.executor.list().await.unwrap().is_empty());
}

/// Nothing is laid out where others could read it, or on a disk.
pub async fn secrets_are_laid_out_in_memory_of_our_own(stage: Stage) {
    let secret = ProgramSecret {
        place: "PASSWORD".to_owned(),
        value: SecretValue::new(b"hunter22".to_vec()).unwrap(),
        environment: false,
    };
    let memory = crate::stage::memory(stage.folder.path());
    let refused = async |step: &str| {
        let key = stage.key(step);
        let program = Program {
            secrets: vec![secret.clone()],
            ..stage.program(&key, crate::stage::exits(0))
        };
        let told = stage.executor.start(&key, &program).await.unwrap_err().to_string();
        assert_eq!(stage.observe(&key).await, Observation::Unknown);
        told.replace(&memory.display().to_string(), "FOLDER")
    };
    std::fs::create_dir(&memory).unwrap();
    std::fs::set_permissions(&memory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let sentence = "steps cannot be given secrets: FOLDER is no folder that only the service can read; set executor.secrets_dir to a folder of the service's own in memory, such as one in /dev/shm";
    assert_eq!(refused("open").await, sentence);
    std::fs::remove_dir(&memory).unwrap();
    let on_disk = stage.folder.path().join("disk");
    std::fs::create_dir(&on_disk).unwrap();
    std::os::unix::fs::symlink(&on_disk, &memory).unwrap();
    assert_eq!(refused("linked").await, sentence);
    std::fs::remove_file(&memory).unwrap();
}
