//! Numbers that are written for people: with groups of thousands, a currency, a percent sign, an accountant's
//! parentheses, or a minus that is none.

use super::asked::{Asked, Setting};

/// No number is longer.
const MOST_BYTES: usize = 48;

/// Codes of currencies that stand before or behind amounts.
const CURRENCIES: [&str; 24] = [
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "INR", "JPY", "KRW", "MXN", "NOK",
    "NZD", "PLN", "RUB", "SEK", "SGD", "TRY", "USD", "ZAR",
];

/// What keeps a value from being read as the number that it is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dress {
    /// A comma, for the fraction or between thousands, where fractions have a point.
    Comma,
    /// A point before a fraction, where fractions have a comma.
    Point,
    /// Something between thousands.
    Groups,
    /// The sign or code of a currency.
    Currency,
    /// Percent or per mille.
    Percent,
    /// Parentheses for a minus.
    Parentheses,
    /// A blank beside it that is no plain space.
    Blank,
    /// A minus sign that is not `-`, or stands behind.
    Minus,
}

impl Dress {
    /// What it is, and what to write instead.
    pub fn sentence(self, asked: Asked) -> String {
        let fixed = match self {
            Self::Comma => {
                return format!(
                    "with a comma: if commas separate fractions, {}, and write thousands without them",
                    asked.set(Setting::Decimal, ",")
                );
            }
            Self::Point => {
                return format!(
                    "with a point where {} is ',': write all fractions of the file in one way",
                    asked.name(Setting::Decimal)
                );
            }
            Self::Groups => "a number with separated thousands: write it in digits only",
            Self::Currency => {
                "a number with a currency: write the number alone, and the currency into the column's name"
            }
            Self::Percent => {
                "a number with a percent sign: write the number alone, and the unit into the column's name"
            }
            Self::Parentheses => "a number in parentheses: write a negative number with '-'",
            Self::Blank => "a number with a blank beside it that is no plain space: take it away",
            Self::Minus => "a number with another minus sign than '-' before it: write '-'",
        };
        fixed.to_owned()
    }
}

/// How a value is dressed that is no plain number; `None` where it is no number for people, either.
pub fn dress(value: &[u8], decimal: u8) -> Option<Dress> {
    if value.len() > MOST_BYTES || !value.iter().any(u8::is_ascii_digit) {
        return None;
    }
    // Of plain letters only currencies have more than the exponent's.
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if letters > 4 {
        return None;
    }
    let mut text = std::str::from_utf8(value).ok()?.trim();
    let mut found = None;
    let note = |found: &mut Option<Dress>, dress| *found = found.or(Some(dress));
    if let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        note(&mut found, Dress::Parentheses);
        text = inner.trim();
    }
    // Sign, currency and unit stand in any order around the digits.
    let mut signs = 0;
    loop {
        let before = text;
        if let Some(rest) = text.strip_prefix(['-', '+']) {
            (text, signs) = (rest.trim_start(), signs + 1);
        }
        if let Some(rest) = text.strip_prefix(is_minus) {
            note(&mut found, Dress::Minus);
            (text, signs) = (rest.trim_start(), signs + 1);
        }
        if let Some(rest) = text.strip_suffix(|letter| letter == '-' || is_minus(letter)) {
            note(&mut found, Dress::Minus);
            (text, signs) = (rest.trim_end(), signs + 1);
        }
        if let Some(rest) = text
            .strip_suffix(['%', '‰', '％'])
            .or_else(|| text.strip_prefix(['%', '％']))
        {
            note(&mut found, Dress::Percent);
            text = rest.trim();
        }
        if let Some(rest) = without_currency(text) {
            note(&mut found, Dress::Currency);
            text = rest.trim();
        }
        if text == before {
            break;
        }
    }
    if signs > 1 {
        return None;
    }
    let (other, own) = match decimal {
        b',' => ('.', ','),
        _ => (',', '.'),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str, point: char| {
        let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, "0"), |(mantissa, exponent)| {
            (mantissa, exponent.strip_prefix(['-', '+']).unwrap_or(exponent))
        });
        let (whole, fraction) = mantissa.split_once(point).unwrap_or((mantissa, "0"));
        digits(exponent)
            && (whole.is_empty() || digits(whole))
            && (fraction.is_empty() || digits(fraction))
            && mantissa.bytes().any(|byte| byte.is_ascii_digit())
    };
    if number(text, own) {
        // `- 5` is one, too.
        if found.is_none()
            && String::from_utf8_lossy(value.trim_ascii()).trim() == text
            && value.trim_ascii().len() > text.len()
        {
            return Some(Dress::Blank);
        }
        return found.or((value.trim_ascii().len() > text.len() + 1).then_some(Dress::Minus));
    }
    let grouped_by = |separator: char, point: char| {
        let (whole, fraction) = text.split_once(point).unwrap_or((text, "0"));
        grouped(whole, separator) && (fraction.is_empty() || digits(fraction))
    };
    if number(text, other) || grouped_by(other, own) && other == ',' {
        return Some(found.unwrap_or(if other == ',' { Dress::Comma } else { Dress::Point }));
    }
    let separators = [' ', '\u{a0}', '\u{202f}', '\u{2009}', '\'', '’', '_', '٬'];
    let spaced = separators
        .into_iter()
        .any(|separator| grouped_by(separator, own) || grouped_by(separator, other));
    let swapped = grouped_by(own, other);
    (spaced || swapped).then(|| found.unwrap_or(Dress::Groups))
}

/// `1 234 567`, and `12,34,567` as in India.
fn grouped(text: &str, separator: char) -> bool {
    let parts: Vec<&str> = text.split(separator).collect();
    let sizes = |middle: usize| {
        let [first, between @ .., last] = parts.as_slice() else {
            return false;
        };
        (1..=middle).contains(&first.len()) && between.iter().all(|part| part.len() == middle) && last.len() == 3
    };
    parts.len() > 1 && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())) && (sizes(3) || sizes(2))
}

/// Minus, dashes and full-width signs that fonts show like `-`.
fn is_minus(letter: char) -> bool {
    matches!(letter, '−' | '‐' | '‑' | '‒' | '–' | '—' | '﹣' | '－')
}

fn without_currency(text: &str) -> Option<&str> {
    let sign = |letter: char| matches!(letter, '$' | '£' | '¥' | '¢' | '＄' | '￥' | '￡' | '₠'..='₿') || letter == '฿';
    if let Some(rest) = text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)) {
        return Some(rest);
    }
    let code = CURRENCIES.into_iter().chain(["US$", "R$", "kr", "zł", "Kč"]);
    let mut rest = code.filter_map(|code| text.strip_prefix(code).or_else(|| text.strip_suffix(code)));
    rest.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people_are_known() {
        let cases = [
            ("1 234", Dress::Groups),
            ("1'234", Dress::Groups),
            ("1’234’567.50", Dress::Groups),
            ("1\u{a0}234", Dress::Groups),
            ("12\u{202f}345,5", Dress::Groups),
            ("1.234.567", Dress::Groups),
            ("-1_000", Dress::Groups),
            ("1,234,567", Dress::Comma),
            ("12,34,567", Dress::Comma),
            ("1,5", Dress::Comma),
            ("-0,25", Dress::Comma),
            ("1,5e3", Dress::Comma),
            ("1.234,56", Dress::Groups),
            ("€5", Dress::Currency),
            ("$ 1,234.50", Dress::Currency),
            ("-$5", Dress::Currency),
            ("5 €", Dress::Currency),
            ("USD 5", Dress::Currency),
            ("5.00CHF", Dress::Currency),
            ("R$ 5,00", Dress::Currency),
            ("5%", Dress::Percent),
            ("-0.5 %", Dress::Percent),
            ("(5)", Dress::Parentheses),
            ("($1,234)", Dress::Parentheses),
            ("−5", Dress::Minus),
            ("–0.5", Dress::Minus),
            ("5-", Dress::Minus),
            ("- 5", Dress::Minus),
        ];
        for (value, expected) in cases {
            assert_eq!(dress(value.as_bytes(), b'.'), Some(expected), "{value}");
        }
        for value in [
            "EWR",
            "N14228",
            "2013-01-01",
            "12:30",
            "1.2.3",
            "1,2,3",
            "5 pipes",
            "A5",
            "1 2",
            "555-1234",
            "0x10",
            "5 %%%x",
            "192.168.10.1",
            "--5",
            "1e",
            "",
            "-",
            "%",
        ] {
            assert_eq!(dress(value.as_bytes(), b'.'), None, "{value}");
        }
        for (value, expected) in [
            ("0.123", Dress::Point),
            ("12.34", Dress::Point),
            ("1,234,567", Dress::Groups),
            ("1.5", Dress::Point),
        ] {
            assert_eq!(dress(value.as_bytes(), b','), Some(expected), "{value}");
        }
    }
}
