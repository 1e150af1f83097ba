//! Values that mean more than their text.

use super::ConfigError;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("'{text}' is not an address: write IP:PORT, for example 127.0.0.1:8787"))
}

pub(super) fn parse_url(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/');
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let fine = host.is_some_and(|host| !host.is_empty()) && url.parse::<axum::http::Uri>().is_ok();
    fine.then(|| url.to_owned())
        .ok_or_else(|| format!("'{text}' is not an address: write it as https://host or http://host:port"))
}

/// A name as a part of an environment variable's.
pub(super) fn variable_part(name: &str) -> String {
    let part = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    name.chars().map(part).collect()
}

/// A secret that is in a file of its own, which `NAME_file` names.
pub(super) fn read_secret(
    name: &str,
    file: Option<&Path>,
    value: &mut Option<SecretString>,
) -> Result<(), ConfigError> {
    let Some(path) = file else { return Ok(()) };
    let wrong = |why: String| ConfigError(format!("{name}_file {} {why}", path.display()));
    if value.is_some() {
        return Err(ConfigError(format!(
            "{name} and {name}_file are both set: remove one of them"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_control) {
        return Err(wrong("has to be one line with nothing else in it".to_owned()));
    }
    *value = Some(text.into());
    Ok(())
}

/// How many writes a minute; `none` is no limit.
pub(super) fn parse_writes(text: &str) -> Result<Option<u32>, String> {
    if text == "none" {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|number| *number > 0);
    number
        .map(Some)
        .ok_or_else(|| format!("'{text}' is no number of writes a minute: write one from 1 on, or none"))
}

/// The same, written as a number or as a text.
pub(super) fn writes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u64),
        Text(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Number(number) => number.to_string(),
        Written::Text(text) => text,
    };
    parse_writes(&text).map_err(D::Error::custom)
}

/// Whether `host`, `host:port` or `scheme://host:port/path` is a name that every machine has for itself.
pub(crate) fn names_this_machine(text: &str) -> bool {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split('/').next().unwrap_or_default();
    let host = match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => text,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

/// `90s`, `5m`, `2h`, `30d`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a duration: write for example 300s, 5m, 1h or 90d");
    let split = text.len().saturating_sub(1);
    let (number, unit) = text.split_at_checked(split).ok_or_else(wrong)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let seconds = number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

/// An amount of memory, told in bytes or by the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Memory {
    /// Bytes.
    Bytes(u64),
    /// A share of what the machine has, above 0 and at most 1.
    Share(f64),
    /// As much as there is.
    Unlimited,
}

impl Memory {
    /// Bytes on a machine that has so many; `None` is no limit.
    pub(super) fn of(self, machine: Option<u64>) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Share(share) => machine.map(|bytes| (bytes as f64 * share) as u64),
            Self::Unlimited => None,
        }
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_memory(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The least that Docker grants.
const LEAST_MEMORY: u64 = 6 << 20;

/// `8Gi`, `75%` or `none`.
pub(super) fn parse_memory(text: &str) -> Result<Memory, String> {
    let wrong = || format!("'{text}' is no amount of memory: write for example 8Gi, 75% of the machine, or none");
    if text == "none" {
        return Ok(Memory::Unlimited);
    }
    if let Some(percent) = text.strip_suffix('%') {
        let share = percent.trim().parse::<f64>().map_err(|_| wrong())? / 100.0;
        return (share > 0.0 && share <= 1.0)
            .then_some(Memory::Share(share))
            .ok_or_else(wrong);
    }
    let bytes = parse_size(text).map_err(|_| wrong())?;
    (bytes >= LEAST_MEMORY)
        .then_some(Memory::Bytes(bytes))
        .ok_or_else(wrong)
}

/// `512Mi`, `100Gi`, `1Ti`, or plain bytes.
fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a size: write for example 512Mi, 100Gi or 1Ti");
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit {
        "" => 0,
        "Ki" => 10,
        "Mi" => 20,
        "Gi" => 30,
        "Ti" => 40,
        _ => return Err(wrong()),
    };
    let bytes = number.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

/// As [`parse_size`]; `none` is no limit.
pub(super) fn parse_optional_size(text: &str) -> Result<Option<u64>, String> {
    if text == "none" {
        Ok(None)
    } else {
        parse_size(text).map(Some)
    }
}

pub(super) fn optional_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    parse_optional_size(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    parse_address(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

pub(super) fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    parse_url(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

pub(super) fn optional_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    url(deserializer).map(Some)
}

pub(super) fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parse_duration(&String::deserialize(deserializer)?)
        .map(Some)
        .map_err(D::Error::custom)
}

/// As [`parse_duration`]; `none` is no end.
pub(super) fn duration_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "none" {
        return Ok(None);
    }
    parse_duration(&text).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_in_bytes_or_by_the_machine() {
        let of = |text: &str| parse_memory(text).map(|memory| memory.of(Some(1000 << 20)));
        assert_eq!(of("75%"), Ok(Some(750 << 20)));
        assert_eq!(of("8Gi"), Ok(Some(8 << 30)));
        assert_eq!(of("none"), Ok(None));
        assert_eq!(parse_memory("50%").map(|memory| memory.of(None)), Ok(None));
        for wrong in ["", "0%", "101%", "x%", "NaN%", "1Mi", "8G", "-1", "99999999999Ti"] {
            assert_eq!(
                of(wrong),
                Err(format!(
                    "'{wrong}' is no amount of memory: write for example 8Gi, 75% of the machine, or none"
                ))
            );
        }
        assert_eq!(parse_optional_size("100Gi"), Ok(Some(100 << 30)));
        assert_eq!(parse_optional_size("none"), Ok(None));
        assert!(parse_optional_size("0").is_err());
    }

    #[test]
    fn only_names_of_every_machine_are_of_this_one() {
        let here = [
            "localhost",
            "localhost:8787",
            "127.0.0.1:8787",
            "[::1]:8787",
            "[::1]",
            "http://localhost:3000",
            "https://127.0.0.1/yard",
        ];
        for name in here {
            assert!(names_this_machine(name), "{name}");
        }
        let elsewhere = [
            "",
            "evil.example",
            "localhost.evil.example:8787",
            "127.0.0.1.nip.io",
            "localhost@evil.example",
            "null",
            "https://evil.example",
            "http://evil.example/localhost",
        ];
        for name in elsewhere {
            assert!(!names_this_machine(name), "{name}");
        }
    }
}
