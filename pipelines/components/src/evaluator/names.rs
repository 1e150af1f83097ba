//! One name for one value, however a file writes it: CSV knows no types, and pandas writes `True`, `1.0` and a blank
//! between day and hour.

use arrow_array::cast::AsArray;
use arrow_array::{Array, StringArray};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};
use std::collections::{BTreeMap, BTreeSet};

/// Reads a text as one kind of value, and names it.
type Way<'a> = &'a dyn Fn(&&String) -> Option<String>;

/// What the distinct values of a column of text are called.
#[derive(Debug, Default)]
pub struct Names {
    renamed: BTreeMap<String, String>,
}

impl Names {
    /// Of a column that is text: as if it had been numbers, truth or times all along, where all of it is. Values that
    /// would then be one, such as the versions 1.1 and 1.10, stay text.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a String>) -> Self {
        let values: Vec<&String> = values.into_iter().collect();
        let truth = values.iter().any(|text| word(text).is_some());
        let as_truth = |text: &&String| word(text).filter(|_| truth);
        let ways: [Way; 3] = [&as_truth, &|text| number(text), &|text| time(text)];
        let renamed = ways.iter().find_map(|way| {
            let named: Option<BTreeMap<String, String>> =
                values.iter().map(|text| Some(((*text).clone(), way(text)?))).collect();
            let named = named.filter(|named| !named.is_empty())?;
            let distinct: BTreeSet<&String> = named.values().collect();
            (distinct.len() == named.len() || truth).then_some(named)
        });
        Self {
            renamed: dated(renamed.unwrap_or_default()),
        }
    }

    /// Of classes, where labels and predictions may be written in different ways: what is one value is one class.
    pub fn of_classes<'a>(classes: impl Iterator<Item = &'a String> + Clone) -> Self {
        let truth = classes.clone().any(|text| word(text).is_some());
        let either = |text: &String| word(text).filter(|_| truth).or_else(|| number(text));
        let named: Option<BTreeMap<String, String>> = classes.map(|text| Some((text.clone(), either(text)?))).collect();
        Self {
            renamed: named.unwrap_or_default(),
        }
    }

    /// The name of a value.
    pub fn name(&self, value: &str) -> String {
        self.renamed.get(value).map_or_else(|| value.to_owned(), String::clone)
    }
}

/// What classes have in common that differ only in case, in blanks, or as a number is written.
pub fn folded(class: &str) -> String {
    let words: Vec<&str> = class.split_whitespace().collect();
    let text = words.join(" ").to_lowercase();
    let bare = text.trim_start_matches('0');
    let bare = match bare.chars().next() {
        Some('0'..='9') => bare.to_owned(),
        _ => format!("0{bare}"),
    };
    let padded = number(&bare).filter(|_| text.starts_with('0'));
    number(&text).or(padded).unwrap_or(text)
}

/// `1` and `0` of true and false.
pub fn word(text: &str) -> Option<String> {
    let is = |word: &str| text.trim().eq_ignore_ascii_case(word);
    let found = if is("true") {
        Some("1")
    } else {
        is("false").then_some("0")
    };
    found.map(str::to_owned)
}

/// A number as a column of numbers names it: `1` of `1.0`; `None` of what a reader of CSV leaves as text, such as
/// `0421`.
fn number(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let redundant = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || redundant {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.to_string());
    }
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
    Some(value.to_string())
}

/// A time with a T between day and hour, without zeros at the end of its fraction, and in UTC where it has a zone.
fn time(text: &str) -> Option<String> {
    let shape = b"dddd-dd-dd dd:dd:dd";
    let bytes = text.as_bytes();
    let fits = |(byte, kind): (&u8, &u8)| match kind {
        b'd' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        other => byte == other,
    };
    let is = bytes.len() >= shape.len() && bytes.iter().zip(shape).all(fits);
    if !is || !text.is_char_boundary(shape.len()) {
        return None;
    }
    let (whole, rest) = (format!("{}T{}", &text[..10], &text[11..19]), &text[19..]);
    let digits = rest.strip_prefix('.').unwrap_or_default();
    let digits = &digits[..digits.bytes().take_while(u8::is_ascii_digit).count()];
    let zone = if digits.is_empty() {
        rest
    } else {
        &rest[1 + digits.len()..]
    };
    let (whole, zone) = match zone {
        "" => (whole, ""),
        "Z" | "z" => (whole, "Z"),
        zone => (in_utc(&whole, zone)?, "Z"),
    };
    let fraction = match digits.trim_end_matches('0') {
        "" => String::new(),
        digits => format!(".{digits}"),
    };
    Some(format!("{whole}{fraction}{zone}"))
}

/// A time, less the offset `+05:30`.
fn in_utc(time: &str, zone: &str) -> Option<String> {
    let offset = zone.strip_prefix(['+', '-'])?.as_bytes();
    let [b'0'..=b'9', b'0'..=b'9', b':', b'0'..=b'9', b'0'..=b'9'] = offset else {
        return None;
    };
    let instant = DataType::Timestamp(TimeUnit::Second, Some("+00:00".into()));
    let read = cast(&StringArray::from(vec![format!("{time}{zone}")]), &instant).ok()?;
    let shown = cast(&read, &DataType::Utf8).ok()?;
    let shown = shown.as_string_opt::<i32>().filter(|shown| shown.is_valid(0))?;
    shown.value(0).strip_suffix('Z').map(str::to_owned)
}

/// Times that are all at midnight are days, as pandas writes them.
fn dated(named: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let day = |name: &String| {
        let midnight = name.strip_suffix("T00:00:00").filter(|day| day.len() == 10)?;
        Some(midnight.to_owned())
    };
    let days: Option<BTreeMap<String, String>> = named
        .iter()
        .map(|(text, name)| Some((text.clone(), day(name)?)))
        .collect();
    days.unwrap_or(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(values: &[&str]) -> Vec<String> {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        let names = Names::of(&values);
        values.iter().map(|value| names.name(value)).collect()
    }

    #[test]
    fn one_name_for_one_value() {
        assert_eq!(named(&["True", "False"]), ["1", "0"]);
        assert_eq!(named(&["1.0", "2.0", "-3"]), ["1", "2", "-3"]);
        assert_eq!(named(&["0421", "7"]), ["0421", "7"], "a redundant zero is text");
        assert_eq!(named(&["1.1", "1.10"]), ["1.1", "1.10"], "two versions stay two");
        assert_eq!(named(&["1.0", "ant"]), ["1.0", "ant"]);
        assert_eq!(named(&["True", "maybe"]), ["True", "maybe"]);
        assert_eq!(named(&["2017-01-01 10:00:00"]), ["2017-01-01T10:00:00"]);
        assert_eq!(
            named(&["2017-01-01T00:00:00", "2017-01-02T00:00:00"]),
            ["2017-01-01", "2017-01-02"]
        );
        assert_eq!(named(&["2017-01-01"]), ["2017-01-01"]);
        let times = [
            "2017-01-01 00:00:00.500000+00:00",
            "2016-12-31 19:00:01-05:00",
            "2017-01-01T05:30:02+05:30",
            "2017-01-01T00:00:03.000Z",
        ];
        assert_eq!(
            named(&times),
            [
                "2017-01-01T00:00:00.5Z",
                "2017-01-01T00:00:01Z",
                "2017-01-01T00:00:02Z",
                "2017-01-01T00:00:03Z"
            ]
        );
        assert_eq!(named(&["2017-01-01 10:00:00 o'clock"]), ["2017-01-01 10:00:00 o'clock"]);
        assert_eq!(named(&["2017-99-01 10:00:00+01:00"]), ["2017-99-01 10:00:00+01:00"]);
        assert_eq!(named(&[]), Vec::<String>::new());
    }

    #[test]
    fn what_differs_only_in_its_writing() {
        for (one, other) in [
            ("Dog", "dog "),
            ("on  time", "On time"),
            ("1.0", "01"),
            ("00", "0"),
            ("-0", "0"),
            ("1e3", "1000"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        for (one, other) in [
            ("dog", "dogs"),
            ("1", "10"),
            ("0x", "x"),
            ("on_time", "on time"),
            ("", "0"),
        ] {
            assert_ne!(folded(one), folded(other), "{one} {other}");
        }
    }

    #[test]
    fn classes_are_the_same_however_they_are_written() {
        let classes = ["1.0", "1", "True", "0"].map(str::to_owned);
        let names = Names::of_classes(classes.iter());
        assert_eq!(classes.each_ref().map(|class| names.name(class)), ["1", "1", "1", "0"]);
        let words = ["ant", "1.0"].map(str::to_owned);
        assert_eq!(Names::of_classes(words.iter()).name("1.0"), "1.0");
    }
}
