use super::*;
use trainyard_core::secret::SecretRule;
use trainyard_engine::{ExecutorKind, SecretSource};

fn parse(text: &str) -> Result<Config, ConfigError> {
    file::parse(Path::new("trainyard.toml"), text)
}

fn none(_: &str) -> Option<String> {
    None
}

#[test]
fn the_default_file_says_what_the_defaults_are() {
    let parsed = parse(DEFAULT).unwrap();
    assert_eq!(format!("{parsed:?}"), format!("{:?}", Config::default()));
}

#[test]
fn the_examples_of_the_default_file_parse() {
    let setting = |line: &&str| {
        let line = line.strip_prefix("# ").unwrap_or_default();
        line.starts_with('[')
            || line
                .split_once(" = ")
                .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    let text: Vec<String> = DEFAULT
        .lines()
        .map(|line| {
            if setting(&line) {
                line[2..].to_owned()
            } else {
                line.to_owned()
            }
        })
        .collect();
    let parsed = parse(&text.join("\n")).unwrap();
    assert_eq!(parsed.targets["flights"].0.max_loading_time, target::MAX_LOADING_TIME);
    assert!(parsed.api_token.is_some() && parsed.github.app_id.is_some() && parsed.database_url.is_some());
}

#[test]
fn every_variable_is_in_the_default_file_and_sets_something() {
    for (name, _) in environment::VARIABLES {
        assert!(DEFAULT.contains(name), "{name} is not described");
        let value = match name {
            "TRAINYARD_LISTEN" => "127.0.0.1:1",
            "TRAINYARD_EXECUTOR" => "process",
            _ if name.ends_with("_URL") || name.ends_with("_ENDPOINT") => "http://x",
            _ if name.ends_with("_MEMORY") || name.ends_with("_OUTPUT") || name.ends_with("_ROOM") => "7Gi",
            _ if name.ends_with("_TIMEOUT") || name.ends_with("_EVERY") => "7m",
            _ => "7",
        };
        let mut config = Config::default();
        environment::apply(&mut config, |asked| (asked == name).then(|| value.to_owned())).unwrap();
        assert_ne!(format!("{config:?}"), format!("{:?}", Config::default()), "{name}");
    }
}

#[test]
fn mistakes_are_shown_at_their_place() {
    let texts = [
        "lisen = \"127.0.0.1:1\"",
        "\n[github]\ntokn = \"x\"",
        "[executor]\nkind = \"dcoker\"",
        "[banana]\nx = 1",
        "listen = \"8787\"",
        "listen = 8787",
        "public_url = \"example.org\"",
        "[targets.a]\nurl = \"http://x\"",
        "[targets.a]\nurl = \"http://x\"\nrepository = \"r\"\nmax_loading_time = \"soon\"",
        "\n[targets.a]\nkind = \"webhok\"",
        "\n[targets.a]\nkind = \"webhook\"\nurl = \"http://x\"\nrepository = \"r\"",
        "\n[targets.a]\nurl = \"http://x\"\nrepository = \"r\"\nstatus_url = \"http://x\"",
        "\n[targets.a]\nurl = \"http://x\"\nrepository = \"r\"\nport = 9000",
        "\n[targets.a]\nurl = \"http://x\"\nrepositry = \"r\"",
        "\n[targets.a]\nkind = \"tensorflow_serving\"\nurl = \"http://x\"",
        "[executor]\nmax_parallel_runs = -1",
        "data_dir = ",
        "data_dir = \"a\"\ndata_dir = \"b\"",
    ];
    let said: Vec<String> = texts.iter().map(|text| parse(text).unwrap_err().to_string()).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    trainyard.toml:1:1: unknown key 'lisen': did you mean 'listen'? known are data_dir, data_root, database_url, listen, public_url, api_token, events, github, oidc, executor, secrets, targets, retention, notify, traces, object_stores, object_room
    trainyard.toml:3:1: unknown key 'tokn': did you mean 'token'? known are api_url, git_url, token, token_file, app_id, private_key_file, client_id, client_secret, client_secret_file, webhook_secret, webhook_secret_file, webhook_secret_previous, sweep_every, writes_per_minute
    trainyard.toml:2:8: unknown value 'dcoker': did you mean 'docker'? known are docker, kubernetes, process
    trainyard.toml:1:2: unknown key 'banana': known are data_dir, data_root, database_url, listen, public_url, api_token, events, github, oidc, executor, secrets, targets, retention, notify, traces, object_stores, object_room
    trainyard.toml:1:10: '8787' is not an address: write IP:PORT, for example 127.0.0.1:8787
    trainyard.toml:1:10: invalid type: integer `8787`, expected a string
    trainyard.toml:1:14: 'example.org' is not an address: write it as https://host or http://host:port
    trainyard.toml:1:1: the key 'repository' is missing
    trainyard.toml:4:20: 'soon' is not a duration: write for example 300s, 5m, 1h or 90d
    trainyard.toml:3:8: unknown value 'webhok': did you mean 'webhook'? known are open_inference, tensorflow_serving, webhook
    trainyard.toml:2:1: unknown key 'repository': known are kind, model, max_loading_time, approval, approval_expires, url, status_url, secret
    trainyard.toml:2:1: unknown key 'status_url': known are kind, model, max_loading_time, approval, approval_expires, url, repository, layout, image, command, port
    trainyard.toml:2:1: command and port are the throw-away container's: name its image
    trainyard.toml:4:1: unknown key 'repositry': did you mean 'repository'? known are kind, url, repository, model, max_loading_time, layout, image, command, port, status_url, secret, approval, approval_expires
    trainyard.toml:2:1: the key 'repository' is missing
    trainyard.toml:2:21: invalid value: integer `-1`, expected usize
    trainyard.toml:1:12: string values must be quoted, expected literal string
    trainyard.toml:2:1: duplicate key
");
}

#[test]
fn an_object_store_says_its_bucket_and_how_it_is_reached() {
    let text = "[object_stores.lake]\nurl = \"s3://lake/flights/\"\nendpoint = \"http://127.0.0.1:9000\"\nallow_http = true\nregion = \"x\"";
    let variable = |name: &str| match name {
        "TRAINYARD_OBJECT_STORE_LAKE_KEY_ID" => Some("id".to_owned()),
        "TRAINYARD_OBJECT_STORE_LAKE_KEY" => Some("secret".to_owned()),
        _ => None,
    };
    let config = parse(text).unwrap().finish(variable).unwrap();
    let objects = config.objects().unwrap();
    let [store] = objects.stores.as_slice() else {
        panic!("{objects:?}")
    };
    assert_eq!(objects.room, Some(50 << 30));
    assert_eq!(
        (store.bucket.to_string().as_str(), store.folder.as_str()),
        ("s3://lake", "flights")
    );
    assert_eq!(store.key_id.as_deref(), Some("id"));
    assert!(!format!("{config:?}").contains("secret\""), "a key is not printed");

    let wrong = [
        "url = \"lake\"",
        "url = \"ftp://lake\"",
        "url = \"s3://lake\"\nendpoint = \"http://x\"",
        "url = \"gs://lake\"\nregion = \"x\"",
        "url = \"s3://lake\"\nkey_id = \"id\"",
        "url = \"gs://lake\"\nkey_id = \"id\"\nkey = \"k\"",
        "url = \"az://lake\"\nkey = \"k\"",
        "url = \"s3://lake\"\nkey = \"k\"\nkey_file = \"f\"",
    ];
    let said = |keys: &&str| {
        let parsed = parse(&format!("[object_stores.lake]\n{keys}"));
        parsed.unwrap().finish(none).unwrap_err().to_string()
    };
    let said: Vec<String> = wrong.iter().map(said).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    [object_stores.lake]: 'lake' is no object store: write s3://BUCKET, gs://BUCKET or az://CONTAINER
    [object_stores.lake]: 'ftp://lake' is neither a path nor an object store that is known: write a path below data_root, s3://BUCKET/…, gs://BUCKET/… or az://CONTAINER/…
    [object_stores.lake]: the endpoint is in the clear: write https://, or set allow_http = true
    [object_stores.lake]: region is of s3:// only: remove it
    [object_stores.lake]: key_id and key are set both or neither; without them the environment has them
    [object_stores.lake]: key_id is of s3:// and az:// only: the key says whose it is
    [object_stores.lake]: key is set, but not whose it is: set key_id to the name of the account
    object_stores.lake.key and object_stores.lake.key_file are both set: remove one of them
    ");
}

#[test]
fn every_kind_of_target_can_be_written() {
    let text = "[targets.a]\nurl = \"http://x\"\nrepository = \"r\"\nlayout = \"triton\"\nimage = \"triton\"\nport = 8000\n\
                [targets.b]\nkind = \"tensorflow_serving\"\nrepository = \"r\"\n\
                [targets.c-d]\nkind = \"webhook\"\nurl = \"https://x/hook\"\nstatus_url = \"https://x/status\"\n";
    let mut config = parse(text).unwrap();
    let secret = |name: &str| (name == "TRAINYARD_TARGET_C_D_SECRET").then(|| "s".to_owned());
    environment::apply(&mut config, secret).unwrap();
    config.check().unwrap();
    let targets = config.engine().unwrap().targets;
    let urls: Vec<_> = targets.values().map(|target| target.url()).collect();
    assert_eq!(urls, [Some("http://x"), None, Some("https://x/hook")]);
    assert!(!format!("{targets:?}").contains("\"s\""), "a secret is not shown");
}

#[test]
fn a_secret_is_in_one_place() {
    let text = "[secrets.a]\nenv = \"A\"\nrepositories = [\"acme/*\"]\npipelines = [\"p\"]\nbranches = [\"main\"]\npull_requests = true\n\
                [secrets.b]\nfile = \"/b\"\n[secrets.c]\ncommand = [\"vault\", \"read\"]\n\
                [secrets.d]\ncommand = [\"sops\"]\ntimeout = \"1m\"\n[executor]\nsecrets_dir = \"/dev/shm/x\"\n";
    let config = parse(text).unwrap();
    config.check().unwrap();
    let engine = config.engine().unwrap();
    let source = |name: &str| engine.secrets[name].source.clone();
    let command = |word: &str, seconds| SecretSource::Command {
        command: word.split(' ').map(str::to_owned).collect(),
        timeout: Duration::from_secs(seconds),
    };
    assert_eq!(source("a"), SecretSource::Environment("A".to_owned()));
    assert_eq!(source("b"), SecretSource::File("/b".into()));
    assert_eq!(
        (source("c"), source("d")),
        (command("vault read", 10), command("sops", 60))
    );
    let one = |text: &str| vec![text.to_owned()];
    let rule = SecretRule {
        repositories: one("acme/*"),
        pipelines: Some(one("p")),
        branches: Some(one("main")),
        pull_requests: true,
    };
    assert_eq!(engine.secrets["a"].rule, rule);
    assert_eq!(engine.secrets["b"].rule, SecretRule::default(), "nobody's repository");
    assert_eq!(engine.secrets_dir.as_deref(), Some(Path::new("/dev/shm/x")));
    let texts = [
        "[secrets.a]\nrepositories = [\"acme/*\"]",
        "[secrets.a]\nenv = \"A\"\nfile = \"/a\"",
        "[secrets.a]\nenv = \"A=B\"",
        "[secrets.a]\ncommand = []",
        "[secrets.a]\nenv = \"A\"\ntimeout = \"1s\"",
        "[secrets.a]\ncommand = [\"a\"]\ntimeout = \"1h\"",
        "[secrets.a]\nenv = \"A\"\nrepos = []",
        "[secrets.a]\nvalue = \"hunter22\"",
        "[secrets.\"a b\"]\nenv = \"A\"",
    ];
    let said = texts.map(|text| parse(text).and_then(|config| config.check()).unwrap_err().to_string());
    insta::assert_snapshot!(said.join("\n"), @r#"
    trainyard.toml:1:1: where the secret is, is missing: set env, file or command
    trainyard.toml:1:1: a secret is in one place: keep one of env, file and command
    trainyard.toml:1:1: 'A=B' is no name of an environment variable
    trainyard.toml:1:1: a command is its program and arguments: command = ["vault", "kv", "get", …]
    trainyard.toml:1:1: timeout is how long a command may take: leave it out
    trainyard.toml:1:1: timeout is longer than 0s and at most 5m: the step waits for the command
    trainyard.toml:3:1: unknown key 'repos': known are env, file, command, timeout, repositories, pipelines, branches, pull_requests
    trainyard.toml:2:1: unknown key 'value': known are env, file, command, timeout, repositories, pipelines, branches, pull_requests
    [secrets.a b]: 'a b' cannot be the name of a secret: use letters, digits, '-', '_' and '.'
    "#);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let texts = [
        "[github]\ntoken = \"t\"\napp_id = 1\nprivate_key_file = \"k\"",
        "[github]\napp_id = 1",
        "[github]\nwebhook_secret = \"s\"",
        "[executor]\nmax_parallel_runs = 0",
        "[retention]\nkeep_versions = 1",
        "[targets.\"a/b\"]\nurl = \"http://x\"\nrepository = \"r\"",
        "[targets.a]\nurl = \"http://x\"\nrepository = \"r\"\nmodel = \"../m\"",
        "[targets.my-hook]\nkind = \"webhook\"\nurl = \"http://x\"",
    ];
    let said: Vec<String> = texts
        .iter()
        .map(|text| parse(text).unwrap().check().unwrap_err().to_string())
        .collect();
    insta::assert_snapshot!(said.join("\n"), @"
    github.token and github.app_id are both set: the service is one of the two, remove the other
    a GitHub App needs github.app_id and github.private_key_file: set both or neither
    github.webhook_secret is set, but not who the service is: set github.token, or github.app_id and github.private_key_file
    executor.max_parallel_steps and executor.max_parallel_runs are at least 1
    retention.keep_versions is at least 2: what serves and what a rollback goes to always stay
    [targets.a/b]: 'a/b' cannot be the name of a folder: use letters, digits, '-', '_' and '.'
    [targets.a]: '../m' cannot be the name of a folder: use letters, digits, '-', '_' and '.'
    [targets.my-hook]: a webhook is signed: set its secret, or TRAINYARD_TARGET_MY_HOOK_SECRET
    ");
}

#[test]
fn whoever_is_reached_by_others_needs_a_token() {
    let open = ["listen = \"0.0.0.0:8787\"", "public_url = \"https://yard.example.org\""];
    let said = open.map(|text| parse(text).unwrap().check_reach().unwrap_err().to_string());
    insta::assert_snapshot!(said.join("\n"), @r#"
    listen = "0.0.0.0:8787" would open the API to the network without authentication: set api_token, or listen on 127.0.0.1
    public_url = "https://yard.example.org" says that others reach the service, and the API would be open to them: set api_token
    "#);
    for text in open {
        let guarded = parse(&format!("{text}\napi_token = \"t\"")).unwrap();
        assert_eq!(guarded.check_reach(), Ok(()), "{text}");
    }
    for text in ["", "listen = \"[::1]:8787\"", "public_url = \"http://localhost:8787\""] {
        assert_eq!(parse(text).unwrap().check_reach(), Ok(()), "{text}");
    }
}

#[test]
fn files_that_cannot_be_read_and_bad_variables_are_named() {
    let missing = Config::load(Some(Path::new("/nowhere/trainyard.toml")), none).unwrap_err();
    insta::assert_snapshot!(missing, @"the configuration /nowhere/trainyard.toml cannot be read: No such file or directory (os error 2)");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.toml");
    std::fs::write(&path, "").unwrap();
    let said: Vec<String> = [
        ("TRAINYARD_LISTEN", "here"),
        ("TRAINYARD_MAX_PARALLEL_STEPS", "many"),
        ("TRAINYARD_EXECUTOR", "k8s"),
    ]
    .iter()
    .map(|(name, value)| {
        Config::load(Some(&path), |asked| (asked == *name).then(|| (*value).to_owned()))
            .unwrap_err()
            .to_string()
    })
    .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    environment variable TRAINYARD_LISTEN: 'here' is not an address: write IP:PORT, for example 127.0.0.1:8787
    environment variable TRAINYARD_MAX_PARALLEL_STEPS: 'many' is not a whole number
    environment variable TRAINYARD_EXECUTOR: 'k8s' is not an executor: write docker, kubernetes or process
    ");
    assert!(
        Config::load(Some(&path), |_| Some(String::new())).is_ok(),
        "an empty variable is not set"
    );
}

#[test]
fn secrets_can_be_in_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("token", "ghp_1\n");
    write("secret", "two words\n");
    write("empty", "\n");
    let load = |text: &str| {
        let text = text.replace("{}", &folder.path().display().to_string());
        let path = folder.path().join("t.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path), none)
    };
    let config = load("[github]\ntoken_file = \"{}/token\"\nwebhook_secret_file = \"{}/secret\"").unwrap();
    assert_eq!(config.github.token.unwrap().expose_secret(), "ghp_1");
    assert_eq!(config.github.webhook_secret.unwrap().expose_secret(), "two words");
    let wrong = [
        "[github]\ntoken_file = \"{}/empty\"",
        "[github]\ntoken_file = \"{}/nothing\"",
        "[github]\ntoken = \"t\"\ntoken_file = \"{}/token\"",
    ];
    let said = wrong.map(|text| load(text).unwrap_err().to_string());
    let said = said.join("\n").replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(said, @"
    github.token_file FOLDER/empty has to be one line with nothing else in it
    github.token_file FOLDER/nothing cannot be read: No such file or directory (os error 2)
    github.token and github.token_file are both set: remove one of them
    ");
}

#[test]
fn secrets_are_never_printed() {
    let text = "api_token = \"hunter2\"\ndatabase_url = \"postgres://u:hunter2@h/d\"\n[github]\ntoken = \"hunter2\"\nwebhook_secret = \"hunter2\"\n[events]\ntoken = \"hunter2\"";
    let config = parse(text).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(!format!("{:?}", config.engine().unwrap()).contains("hunter2"));
}

#[test]
fn a_cluster_is_named_with_its_registry_and_bucket() {
    let cluster = "[executor]\nkind = \"kubernetes\"\n[executor.kubernetes]\nregistry = \"registry.example.com/trainyard\"\nobject_store = \"exchange\"\n";
    let store = "[object_stores.exchange]\nurl = \"s3://bucket/pods\"\n";
    let read = |text: String| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trainyard.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path), |_| None)
    };
    let config = read(format!(
        "{cluster}[executor.kubernetes.steps.train]\ndevices = {{ \"nvidia.com/gpu\" = 2 }}\n{store}"
    ))
    .unwrap();
    let engine = config.engine().unwrap();
    let ExecutorKind::Kubernetes(found) = engine.executor else {
        panic!("{:?}", engine.executor);
    };
    assert_eq!(
        (found.namespace.as_str(), found.store.folder.as_str()),
        ("default", "pods")
    );
    assert_eq!(found.steps["train"].devices["nvidia.com/gpu"], 2);
    assert_eq!(
        engine.limits.step_memory, None,
        "a share of this machine says nothing of a node"
    );
    let wrong = [
        "[executor]\nkind = \"kubernetes\"\n".to_owned(),
        cluster.to_owned(),
        format!("{cluster}[object_stores.exchange]\nurl = \"gs://bucket\"\n"),
        format!("{}{store}", cluster.replace("registry.example.com", "HTTP://registry")),
    ];
    let told: Vec<String> = wrong.map(|text| read(text).unwrap_err().to_string()).into();
    insta::assert_snapshot!(told.join("\n"), @r#"
    executor.kind is "kubernetes": say in [executor.kubernetes] by which registry and object_store images and data get there
    [executor.kubernetes]: there is no [object_stores.exchange]: add it, or correct object_store
    [executor.kubernetes]: pods exchange data through s3:// only, and exchange is another store
    [executor.kubernetes]: registry = "HTTP://registry/trainyard" is no place of images: write for example registry.example.com/trainyard
    "#);
}
