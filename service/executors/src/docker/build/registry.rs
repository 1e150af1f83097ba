//! How registries know us: what `docker login` and its helpers keep for the user of the service.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// A helper has this long.
const PATIENCE: Duration = Duration::from_secs(30);
/// What Docker calls its own registry in what it keeps.
const DOCKER_HUB: &str = "index.docker.io";
/// With this user's name a helper says that the secret is a token for tokens.
const TOKEN: &str = "<token>";

/// Where logins are kept.
#[derive(Clone, Debug)]
pub(super) struct Logins {
    file: Option<PathBuf>,
    /// Where helpers are looked for, if not where the service looks for programs.
    programs: Option<OsString>,
}

/// Why it is not known how a registry knows us.
#[derive(Debug)]
pub(super) enum NoLogin {
    /// The file of Docker's client cannot be read.
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// A helper does not answer.
    Helper {
        /// `docker-credential-…`.
        program: String,
        /// Why.
        why: String,
    },
}

impl NoLogin {
    /// What is wrong, and what to do.
    pub(super) fn sentence(&self, registry: &str) -> String {
        match self {
            Self::File { file, why } => format!(
                "how to log in to {registry} cannot be read in {} ({why}): correct it, or log in again with `docker login`",
                file.display()
            ),
            Self::Helper { program, why } => format!(
                "{program} does not say how to log in to {registry} ({why}): let it work for the user of the service, or take it out of Docker's config.json"
            ),
        }
    }
}

/// `~/.docker/config.json`, as far as it is read.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: BTreeMap<String, Kept>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Kept {
    auth: String,
    identitytoken: String,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    username: String,
    secret: String,
}

impl Logins {
    /// Those of this process's user, as Docker's client finds them.
    pub(super) fn of_this_user() -> Self {
        let folder = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let file = folder("DOCKER_CONFIG").or_else(|| Some(folder("HOME")?.join(".docker")));
        Self {
            file: file.map(|folder| folder.join("config.json")),
            programs: None,
        }
    }

    /// The header with which an image is asked for; `None` where nobody has to log in.
    pub(super) async fn header(&self, reference: &str) -> Result<Option<String>, NoLogin> {
        let Some(path) = &self.file else {
            return Ok(None);
        };
        let unread = |why: String| NoLogin::File {
            file: path.clone(),
            why,
        };
        let kept: File = match tokio::fs::read(path).await {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| unread(error.to_string()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unread(error.to_string())),
        };
        let registry = registry(reference);
        let is_it = |name: &&String| host(name) == registry;
        let entry = kept.auths.iter().find(|(name, _)| is_it(name));
        let helper = kept.cred_helpers.iter().find(|(name, _)| is_it(name));
        // Helpers know registries by the name under which something was kept.
        let known = helper.map(|(name, _)| name).or(entry.map(|(name, _)| name));
        let login = match helper.map(|(_, helper)| helper).or(kept.creds_store.as_ref()) {
            Some(helper) => {
                let hub = format!("https://{DOCKER_HUB}/v1/");
                let asked = known.map_or(if registry == DOCKER_HUB { &hub } else { registry }, String::as_str);
                self.told(helper, asked).await?
            }
            None => entry.and_then(|(_, kept)| login(kept)),
        };
        Ok(login.map(|mut login| {
            login["serveraddress"] = registry.into();
            // Docker reads this alphabet only; with the other one it goes on as if nobody had logged in.
            URL_SAFE.encode(login.to_string())
        }))
    }

    async fn told(&self, helper: &str, registry: &str) -> Result<Option<serde_json::Value>, NoLogin> {
        let program = format!("docker-credential-{helper}");
        let silent = |why: String| NoLogin::Helper {
            program: program.clone(),
            why,
        };
        if !helper.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return Err(silent("its name is none of a program".to_owned()));
        }
        let asked = tokio::time::timeout(PATIENCE, self.ask(&program, registry)).await;
        let asked = asked.map_err(|_| silent(format!("it took longer than {}s", PATIENCE.as_secs())))?;
        let answer = asked.map_err(|error| silent(error.to_string()))?;
        let said = String::from_utf8_lossy(&answer.stdout);
        if !answer.status.success() {
            // As Docker's client reads it: nobody logged in there.
            return match said.contains("credentials not found") {
                true => Ok(None),
                false => Err(silent(format!("it ended with {}", answer.status))),
            };
        }
        let told: Told = serde_json::from_str(&said).map_err(|_| silent("its answer cannot be read".to_owned()))?;
        Ok(Some(match told.username.as_str() {
            TOKEN => json!({"identitytoken": told.secret}),
            _ => json!({"username": told.username, "password": told.secret}),
        }))
    }

    async fn ask(&self, program: &str, registry: &str) -> io::Result<std::process::Output> {
        let mut command = Command::new(program);
        if let Some(programs) = &self.programs {
            command.env("PATH", programs);
        }
        let mut child = command
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut asked) = child.stdin.take() {
            // One that does not read what it is asked for says so by its answer.
            let _ = asked.write_all(registry.as_bytes()).await;
        }
        child.wait_with_output().await
    }
}

/// What `docker login` kept in the file itself.
fn login(kept: &Kept) -> Option<serde_json::Value> {
    if !kept.identitytoken.is_empty() {
        return Some(json!({"identitytoken": kept.identitytoken}));
    }
    let pair = STANDARD.decode(kept.auth.trim()).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    let (username, password) = pair.split_once(':')?;
    Some(json!({"username": username, "password": password.trim_end_matches('\0')}))
}

/// The registry of an image: the part before the first `/` that names a machine.
pub(super) fn registry(reference: &str) -> &str {
    match reference.split_once('/') {
        Some(("docker.io", _)) | None => DOCKER_HUB,
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        Some(_) => DOCKER_HUB,
    }
}

/// `https://index.docker.io/v1/` is kept for a registry, too.
fn host(name: &str) -> &str {
    let name = name.split_once("://").map_or(name, |(_, rest)| rest);
    match name.split('/').next().unwrap_or_default() {
        "docker.io" | "registry-1.docker.io" => DOCKER_HUB,
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    struct Home(tempfile::TempDir);

    impl Home {
        fn new(config: &str) -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            std::fs::write(home.0.path().join("config.json"), config).unwrap();
            home
        }

        fn helper(&self, name: &str, script: &str) {
            let path = self.0.path().join(format!("docker-credential-{name}"));
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }

        async fn login(&self, reference: &str) -> String {
            let logins = Logins {
                file: Some(self.0.path().join("config.json")),
                programs: Some(format!("{}:/usr/bin:/bin", self.0.path().display()).into()),
            };
            match logins.header(reference).await {
                Ok(None) => "nobody".to_owned(),
                Ok(Some(header)) => String::from_utf8(URL_SAFE.decode(header).unwrap()).unwrap(),
                Err(error) => error
                    .sentence(registry(reference))
                    .replace(&self.0.path().display().to_string(), "HOME"),
            }
        }
    }

    #[test]
    fn an_image_has_its_registry() {
        let table = [
            ("python", DOCKER_HUB),
            ("library/python:3.13", DOCKER_HUB),
            ("docker.io/acme/base", DOCKER_HUB),
            ("registry.example.com/acme/base@sha256:0", "registry.example.com"),
            ("localhost:5000/base", "localhost:5000"),
            ("localhost/base", "localhost"),
            ("acme.io/base:1", "acme.io"),
        ];
        for (reference, expected) in table {
            assert_eq!(registry(reference), expected, "{reference}");
        }
    }

    #[tokio::test]
    async fn logins_are_found_as_docker_s_client_finds_them() {
        let auth = STANDARD.encode("ada:pass:word~?>");
        let home = Home::new(&format!(
            r#"{{"auths": {{"https://index.docker.io/v1/": {{"auth": "{auth}"}}, "registry.example.com": {{"identitytoken": "t0k"}},
                "https://old.example.com/v2/": {{"auth": "{auth}"}}, "broken.example.com": {{"auth": "?"}}}},
                "credHelpers": {{"ecr.example.com": "cloud", "gone.example.com": "gone", "odd.example.com": "../x"}}, "HttpHeaders": {{}}}}"#
        ));
        home.helper(
            "cloud",
            r#"read -r asked; [ "$1" = get ] && echo "{\"ServerURL\": \"$asked\", \"Username\": \"AWS\", \"Secret\": \"s-$asked\"}""#,
        );
        let mut told = Vec::new();
        for reference in [
            "python:3.13",
            "registry.example.com/base",
            "old.example.com/base",
            "broken.example.com/base",
            "ecr.example.com/base",
            "gone.example.com/base",
            "odd.example.com/base",
            "other.example.com/base",
        ] {
            told.push(format!("{reference}: {}", home.login(reference).await));
        }
        insta::assert_snapshot!(told.join("\n"), @r#"
        python:3.13: {"username":"ada","password":"pass:word~?>","serveraddress":"index.docker.io"}
        registry.example.com/base: {"identitytoken":"t0k","serveraddress":"registry.example.com"}
        old.example.com/base: {"username":"ada","password":"pass:word~?>","serveraddress":"old.example.com"}
        broken.example.com/base: nobody
        ecr.example.com/base: {"username":"AWS","password":"s-ecr.example.com","serveraddress":"ecr.example.com"}
        gone.example.com/base: docker-credential-gone does not say how to log in to gone.example.com (No such file or directory (os error 2)): let it work for the user of the service, or take it out of Docker's config.json
        odd.example.com/base: docker-credential-../x does not say how to log in to odd.example.com (its name is none of a program): let it work for the user of the service, or take it out of Docker's config.json
        other.example.com/base: nobody
        "#);
    }

    #[tokio::test]
    async fn a_store_is_asked_for_every_registry() {
        let home = Home::new(r#"{"auths": {"https://known.example.com/v2/": {}}, "credsStore": "box"}"#);
        home.helper(
            "box",
            r#"read -r asked; case "$asked" in *known*) echo "{\"Username\": \"<token>\", \"Secret\": \"$asked\"}";;
            *sealed*) exit 3;; *) echo "credentials not found in native keychain"; exit 1;; esac"#,
        );
        let mut told = Vec::new();
        for reference in ["known.example.com/a", "sealed.example.com/a", "python"] {
            told.push(format!("{reference}: {}", home.login(reference).await));
        }
        let broken = Home::new("{");
        told.push(broken.login("python").await);
        insta::assert_snapshot!(told.join("\n"), @r#"
        known.example.com/a: {"identitytoken":"https://known.example.com/v2/","serveraddress":"known.example.com"}
        sealed.example.com/a: docker-credential-box does not say how to log in to sealed.example.com (it ended with exit status: 3): let it work for the user of the service, or take it out of Docker's config.json
        python: nobody
        how to log in to index.docker.io cannot be read in HOME/config.json (EOF while parsing an object at line 1 column 1): correct it, or log in again with `docker login`
        "#);
        let none = Logins {
            file: Some("/no/such/config.json".into()),
            programs: None,
        };
        assert!(none.header("python").await.unwrap().is_none());
    }
}
