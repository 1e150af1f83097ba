//! Secrets of steps: where the operator keeps each, who may have it, and its value, read anew whenever a step starts.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use trainyard_core::log::several_lines;
use trainyard_core::secret::{LONGEST, Refusal, SecretRule, SecretUse, SecretValue, Unusable};
use trainyard_core::suggest;

/// A file that is longer, with its line end, has no secret in it.
const MOST: u64 = LONGEST as u64 + 3;
/// Bytes of a command's complaint that a person is shown.
const COMPLAINT: u64 = 4096;
/// A file system that hangs is not waited for.
const FILE_PATIENCE: Duration = Duration::from_secs(10);

/// A secret of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretConfig {
    /// Where its value is.
    pub source: SecretSource,
    /// Who may have it.
    pub rule: SecretRule,
}

/// Where the value of a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In an environment variable of the service.
    Environment(String),
    /// In a file of its own.
    File(PathBuf),
    /// What a command of the operator's prints.
    Command {
        /// The program and its arguments.
        command: Vec<String>,
        /// How long it may take.
        timeout: Duration,
    },
}

/// Why a step does not get a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretError {
    /// The service has none of that name.
    Unknown {
        /// What was asked for.
        name: String,
        /// One that may have been meant, and that the step may have.
        closest: Option<String>,
    },
    /// The step may not have it.
    Refused {
        /// The secret.
        name: String,
        /// Why.
        why: Refusal,
    },
    /// It cannot be had.
    Unread {
        /// The secret.
        name: String,
        /// Why, as anybody may read it.
        why: Unread,
        /// The same with what only the operator should see; empty if there is no more to say.
        detail: String,
    },
    /// It is none.
    Unusable {
        /// The secret.
        name: String,
        /// Why.
        why: Unusable,
    },
}

/// Why a value cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The service has no such variable.
    NoVariable,
    /// The file cannot be read.
    File,
    /// The command cannot be started.
    NotStarted,
    /// It ended otherwise than well.
    Ended(Option<i32>),
    /// It did not end in time.
    Late(Duration),
}

impl Unread {
    fn sentence(self) -> String {
        match self {
            Self::NoVariable => "the service has no such environment variable".to_owned(),
            Self::File => "its file cannot be read".to_owned(),
            Self::NotStarted => "its command cannot be started".to_owned(),
            Self::Ended(Some(code)) => format!("its command ended with code {code}"),
            Self::Ended(None) => "its command was killed".to_owned(),
            Self::Late(patience) => format!("its command took longer than {}s", patience.as_secs()),
        }
    }
}

impl SecretError {
    /// What is wrong, and who must do what.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unknown { name, closest } => {
                let meant = closest
                    .as_ref()
                    .map(|close| format!("did you mean '{close}'? "))
                    .unwrap_or_default();
                format!(
                    "the service has no secret '{name}': {meant}who runs the service can add [secrets.{name}] to its settings"
                )
            }
            Self::Refused { name, why } => why.sentence(name),
            Self::Unread { name, why, .. } => format!(
                "the secret '{name}' cannot be had, since {}: who runs the service sees more with `trainyard secrets test {name}`",
                why.sentence()
            ),
            Self::Unusable { name, why } => format!("the secret '{name}' {}", why.sentence()),
        }
    }

    /// What only the operator should see.
    pub fn detail(&self) -> &str {
        match self {
            Self::Unread { detail, .. } => detail,
            _ => "",
        }
    }

    /// Whether another attempt cannot end otherwise.
    pub(crate) fn is_permanent(&self) -> bool {
        !matches!(
            self,
            Self::Unread {
                why: Unread::File | Unread::NotStarted | Unread::Ended(_) | Unread::Late(_),
                ..
            }
        )
    }
}

/// All secrets of the settings. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepSecrets(Arc<BTreeMap<String, SecretConfig>>);

impl StepSecrets {
    pub(crate) fn new(secrets: BTreeMap<String, SecretConfig>) -> Self {
        Self(Arc::new(secrets))
    }

    /// The value as it is now, for who may have it.
    pub(crate) async fn read(&self, name: &str, asked: &SecretUse<'_>) -> Result<SecretValue, SecretError> {
        let Some(secret) = self.0.get(name) else {
            return Err(self.unknown(name, |rule| rule.permits(asked).is_ok()));
        };
        let name = name.to_owned();
        if let Err(why) = secret.rule.permits(asked) {
            return Err(SecretError::Refused { name, why });
        }
        secret.source.read(&name).await
    }

    /// The value, for who set it.
    pub(crate) async fn try_out(&self, name: &str) -> Result<SecretValue, SecretError> {
        match self.0.get(name) {
            Some(secret) => secret.source.read(name).await,
            None => Err(self.unknown(name, |_| true)),
        }
    }

    /// Names of secrets are told to nobody who may not have them.
    fn unknown(&self, name: &str, may_be_told: impl Fn(&SecretRule) -> bool) -> SecretError {
        let told = self.0.iter().filter(|(_, secret)| may_be_told(&secret.rule));
        let closest = suggest::closest(name, told.map(|(known, _)| known.as_str()));
        SecretError::Unknown {
            name: name.to_owned(),
            closest: closest.map(str::to_owned),
        }
    }
}

impl SecretSource {
    async fn read(&self, name: &str) -> Result<SecretValue, SecretError> {
        let unread = |(why, detail): (Unread, String)| SecretError::Unread {
            name: name.to_owned(),
            why,
            detail,
        };
        let bytes = match self {
            Self::Environment(variable) => variable_of_ours(variable),
            Self::File(path) => file(path).await,
            Self::Command { command, timeout } => printed(command, *timeout).await,
        };
        SecretValue::new(bytes.map_err(unread)?).map_err(|why| SecretError::Unusable {
            name: name.to_owned(),
            why,
        })
    }
}

fn variable_of_ours(variable: &str) -> Result<Vec<u8>, (Unread, String)> {
    use std::os::unix::ffi::OsStringExt as _;
    let value = env::var_os(variable).ok_or_else(|| (Unread::NoVariable, format!("{variable} is not set")))?;
    Ok(value.into_vec())
}

async fn file(path: &Path) -> Result<Vec<u8>, (Unread, String)> {
    let unread = |error: io::Error| (Unread::File, format!("{}: {error}", path.display()));
    let read = async {
        let found = tokio::fs::metadata(path).await?;
        if !found.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
        }
        whole(&mut tokio::fs::File::open(path).await?, MOST).await
    };
    let late = || io::Error::new(ErrorKind::TimedOut, "the disk does not answer");
    let read = tokio::time::timeout(FILE_PATIENCE, read).await;
    read.unwrap_or_else(|_| Err(late())).map_err(unread)
}

/// What a command prints. It is killed when it takes too long, or when nobody waits for it any more.
async fn printed(command: &[String], patience: Duration) -> Result<Vec<u8>, (Unread, String)> {
    let Some((program, arguments)) = command.split_first() else {
        return Err((Unread::NotStarted, "the command is empty".to_owned()));
    };
    let not_started = |error: io::Error| (Unread::NotStarted, format!("{program}: {error}"));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(not_started)?;
    let (mut said, mut complaint) = (child.stdout.take(), child.stderr.take());
    let read = async {
        let said = async {
            match &mut said {
                Some(said) => whole(said, MOST).await.unwrap_or_default(),
                None => Vec::new(),
            }
        };
        let complaint = async {
            match &mut complaint {
                Some(complaint) => whole(complaint, COMPLAINT).await.unwrap_or_default(),
                None => Vec::new(),
            }
        };
        let (said, complaint) = tokio::join!(said, complaint);
        // What it would print beyond that is not read: it ends of that, or is killed.
        (said, complaint, child.wait().await)
    };
    let Ok((said, complaint, ended)) = tokio::time::timeout(patience, read).await else {
        return Err((Unread::Late(patience), format!("{program} did not end in time")));
    };
    match ended {
        Ok(status) if status.success() => Ok(said),
        Ok(status) => {
            let complaint = several_lines(String::from_utf8_lossy(&complaint).trim());
            Err((Unread::Ended(status.code()), complaint))
        }
        Err(error) => Err((Unread::Ended(None), error.to_string())),
    }
}

/// All of it, but not more than that.
async fn whole(from: &mut (impl AsyncRead + Unpin), most: u64) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    from.take(most).read_to_end(&mut read).await?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str, timeout: Duration) -> SecretSource {
        SecretSource::Command {
            command: ["sh", "-c", line].map(str::to_owned).to_vec(),
            timeout,
        }
    }

    async fn told(source: SecretSource) -> String {
        match source.read("lake").await {
            Ok(value) => String::from_utf8(value.bytes().to_vec()).unwrap(),
            Err(error) => format!("{} / {}", error.sentence(), error.detail()),
        }
    }

    #[tokio::test]
    async fn values_come_from_where_the_operator_keeps_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hunter22\n").unwrap();
        let minute = Duration::from_secs(60);
        assert_eq!(told(SecretSource::File(path)).await, "hunter22");
        assert_eq!(told(command("echo hunter22", minute)).await, "hunter22");
        // Every process has one.
        assert!(
            !told(SecretSource::Environment("PATH".to_owned()))
                .await
                .contains("cannot be had")
        );
        let table = [
            SecretSource::Environment("TRAINYARD_NO_SUCH_VARIABLE".to_owned()),
            SecretSource::File("/no/such/file".into()),
            SecretSource::File("/".into()),
            command("echo sealed >&2; exit 3", minute),
            command("kill -9 $$", minute),
            command("sleep 60", Duration::ZERO),
            command("printf abc", minute),
            command(&format!("head -c {} /dev/zero", 2 * LONGEST), minute),
            SecretSource::Command {
                command: vec!["/no/such/program".to_owned()],
                timeout: minute,
            },
        ];
        let mut all = Vec::new();
        for source in table {
            all.push(told(source).await);
        }
        insta::assert_snapshot!(all.join("\n"), @"
        the secret 'lake' cannot be had, since the service has no such environment variable: who runs the service sees more with `trainyard secrets test lake` / TRAINYARD_NO_SUCH_VARIABLE is not set
        the secret 'lake' cannot be had, since its file cannot be read: who runs the service sees more with `trainyard secrets test lake` / /no/such/file: No such file or directory (os error 2)
        the secret 'lake' cannot be had, since its file cannot be read: who runs the service sees more with `trainyard secrets test lake` / /: it is no file
        the secret 'lake' cannot be had, since its command ended with code 3: who runs the service sees more with `trainyard secrets test lake` / sealed
        the secret 'lake' cannot be had, since its command was killed: who runs the service sees more with `trainyard secrets test lake` / 
        the secret 'lake' cannot be had, since its command took longer than 0s: who runs the service sees more with `trainyard secrets test lake` / sh did not end in time
        the secret 'lake' has fewer than 4 characters, so that logs could not be kept free of it: take a longer one / 
        the secret 'lake' is longer than 64 KiB: give it to the step as data / 
        the secret 'lake' cannot be had, since its command cannot be started: who runs the service sees more with `trainyard secrets test lake` / /no/such/program: No such file or directory (os error 2)
        ");
    }

    #[tokio::test]
    async fn nobody_hears_the_name_of_a_secret_that_is_not_his() {
        let secret = |repository: &str| SecretConfig {
            source: SecretSource::Environment("X".to_owned()),
            rule: SecretRule {
                repositories: vec![repository.to_owned()],
                ..SecretRule::default()
            },
        };
        let secrets = StepSecrets::new(
            [("lake-password", secret("acme/*")), ("lake-passwort", secret("evil/*"))]
                .map(|(name, secret)| (name.to_owned(), secret))
                .into(),
        );
        let repo = trainyard_core::ids::RepoName::parse("acme/tiny").unwrap();
        let asked = SecretUse {
            repo: Some(&repo),
            pipeline: "tiny",
            branch: Some("main"),
            pull_request: false,
            fork: false,
            reviewed: true,
        };
        let unknown = secrets.read("lake-passwor", &asked).await.unwrap_err();
        assert!(unknown.is_permanent());
        insta::assert_snapshot!(unknown.sentence(), @"the service has no secret 'lake-passwor': did you mean 'lake-password'? who runs the service can add [secrets.lake-passwor] to its settings");
        let stranger = secrets.read("lake-passwort", &asked).await.unwrap_err();
        insta::assert_snapshot!(stranger.sentence(), @"the secret 'lake-passwort' is not for acme/tiny: who runs the service can name it in repositories of [secrets.lake-passwort]");
    }
}
