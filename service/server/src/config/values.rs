//! Values that mean more than their text.

use serde::{Deserialize, Deserializer, de::Error};
use std::net::SocketAddr;
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
fn parse_duration(text: &str) -> Result<Duration, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
