//! Durations and sizes as people write them.

/// Seconds of `10s`, `30m`, `1h30m` or `2d`. The error is one sentence.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a duration: write it like 10s, 30m or 1h30m");
    let mut total: u64 = 0;
    let mut digits = String::new();
    let mut last_unit = u64::MAX;
    for c in text.trim().chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        if unit >= last_unit {
            return Err(wrong());
        }
        last_unit = unit;
        total = count
            .checked_mul(unit)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(wrong)?;
        digits.clear();
    }
    let fine = digits.is_empty() && last_unit != u64::MAX && total <= MAX_SECONDS;
    if fine { Ok(total) } else { Err(wrong()) }
}

/// Microseconds of a latency such as `100ms`, `1500us` or `2s`, never 0. The error is one sentence.
pub(crate) fn micros(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a latency: write it like 100ms or 2s");
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "us" => 1,
        "ms" => 1000,
        "s" => 1_000_000,
        _ => return Err(wrong()),
    };
    if number == 0 {
        Err(wrong())
    } else {
        Ok(number.saturating_mul(unit))
    }
}

/// Seconds as people write them: `90s`, `30m`, `1h30m`.
pub fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, 0, 0) => format!("{h}h"),
        (h, m, _) => format!("{h}h{m}m"),
    }
}

/// Seconds for people: `7 days`, `36h`.
pub(crate) fn patience_words(seconds: u64) -> String {
    match (seconds / 86_400, seconds % 86_400) {
        (1, 0) => "a day".to_owned(),
        (days @ 1.., 0) => format!("{days} days"),
        _ => duration(seconds),
    }
}

/// Nothing here waits longer than ten years.
const MAX_SECONDS: u64 = 10 * 366 * 86_400;

/// Bytes of `512Mi`, `4Gi` (powers of 1024), `2G`, `500M` (powers of 1000) or plain bytes. The
/// error is one sentence.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a size: write it like 512Mi, 4Gi or 2G");
    let text_trimmed = text.trim();
    let split = text_trimmed
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text_trimmed.len());
    let (number, unit) = text_trimmed.split_at(split);
    let factor: f64 = match unit {
        "" => 1.0,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        _ => return Err(wrong()),
    };
    let value: f64 = number.parse().map_err(|_| wrong())?;
    let total = value * factor;
    // 2^53: beyond it a float no longer counts single bytes, and no machine has that much.
    if (1.0..9_007_199_254_740_992.0).contains(&total) {
        Ok(total as u64)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies() {
        assert_eq!(
            (micros("100ms"), micros(" 2s "), micros("1500us")),
            (Ok(100_000), Ok(2_000_000), Ok(1500))
        );
        for wrong in ["", "100", "0ms", "ms", "-1ms", "1.5s", "1m", "99999999999999999999ms"] {
            assert!(micros(wrong).is_err(), "{wrong}");
        }
        insta::assert_snapshot!(micros("fast").unwrap_err(), @"'fast' is not a latency: write it like 100ms or 2s");
    }

    #[test]
    fn durations() {
        let table = [
            ("10s", 10),
            ("30m", 1800),
            ("1h30m", 5400),
            ("2d", 172_800),
            ("0s", 0),
            (" 1m5s ", 65),
        ];
        for (text, expected) in table {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "10",
            "s",
            "1m1h",
            "1.5h",
            "-1s",
            "10s10",
            "1h1h",
            "99999999999999999999s",
            "9999999d",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        let table = [
            ("512Mi", 536_870_912),
            ("4Gi", 4_294_967_296),
            ("2G", 2_000_000_000),
            ("1.5Ki", 1536),
            ("7", 7),
        ];
        for (text, expected) in table {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "Mi", "4gi", "-1G", "0", "1e3", "4 Gi", "1.2.3M", "99999999Ti"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
