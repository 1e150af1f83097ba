//! Numbers as people read them: four decimals or three digits, more where numbers would look alike, and powers of
//! ten where a number is too small or too large for that. What is not zero never reads as zero.

/// Below this size a number is written with a power of ten.
const SMALL: f64 = 1e-4;

/// From this size on, too.
const LARGE: f64 = 1e9;

/// Significant digits of a number of ordinary or small size, at least.
const DIGITS: usize = 3;

/// Significant digits of a large one, at least: those that its four decimals had.
const DIGITS_OF_LARGE: usize = 7;

/// Decimals, at least.
const DECIMALS: usize = 4;

/// As many digits more tell any two numbers apart.
const MOST: usize = 17;

/// What a difference of two numbers below 2, and a bound beside it, can be off by: four steps of such a number.
pub(crate) const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// What comparing numbers of this size can be off by.
pub(crate) fn rounding(size: f64) -> f64 {
    ROUNDING * size
}

/// What sums over many rows of numbers of this size can be off by.
pub(crate) fn noise(size: f64) -> f64 {
    16.0 * rounding(size)
}

/// Numbers in units of a power of two as large as the largest of `sizes`: no difference overflows, and no digit is
/// lost.
pub(crate) struct Unit(i32);

impl Unit {
    pub(crate) fn of(sizes: &[f64]) -> Self {
        let largest = sizes.iter().fold(0.0, |most: f64, size| most.max(size.abs()));
        let power = |value: f64| (value.to_bits() >> 52) as i32 - 1023;
        Self(match largest {
            0.0 => 0,
            // Subnormal: its bits do not say its power.
            tiny if tiny < f64::MIN_POSITIVE => power(tiny * two_to(64)) - 64,
            largest => power(largest),
        })
    }

    /// The value in this unit.
    pub(crate) fn scaled(&self, value: f64) -> f64 {
        // In two steps, since 2^1074 is no number.
        let half = self.0 / 2;
        value * two_to(-half) * two_to(half - self.0)
    }
}

/// A power of two that is a normal number, exactly.
fn two_to(power: i32) -> f64 {
    f64::from_bits(((1023 + power) as u64) << 52)
}

/// How a few numbers that stand together are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Digits beyond those that a number has anyway.
    more: usize,
}

impl Figures {
    /// As many digits as tell these numbers apart.
    pub(crate) fn of(values: &[f64]) -> Self {
        let apart = |figures: &Self| {
            let pairs = values
                .iter()
                .enumerate()
                .flat_map(|(place, one)| values[place + 1..].iter().map(move |other| (*one, *other)));
            pairs.into_iter().all(|(one, other)| {
                !one.is_finite() || !other.is_finite() || one == other || figures.show(one) != figures.show(other)
            })
        };
        let wide = Self { more: MOST };
        (0..MOST).map(|more| Self { more }).find(apart).unwrap_or(wide)
    }

    /// `0.6500`, `1.96e-14`.
    pub(crate) fn show(self, value: f64) -> String {
        let size = value.abs();
        if size == 0.0 {
            return format!("{:.*}", DECIMALS + self.more, 0.0);
        }
        if !value.is_finite() {
            return value.to_string();
        }
        if !(SMALL..LARGE).contains(&size) {
            let digits = if size < SMALL { DIGITS } else { DIGITS_OF_LARGE };
            let text = format!("{value:.*e}", digits + self.more - 1);
            let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
            return format!("{}e{power}", trimmed(digits, 0));
        }
        let decimals = (DECIMALS + self.more).max((DIGITS as i32 - 1 - exponent(size)).max(0) as usize);
        trimmed(&format!("{value:.decimals$}"), DECIMALS + self.more)
    }

    /// `+0.0050`, `-1.96e-14`.
    pub(crate) fn signed(self, value: f64) -> String {
        with_sign(value, self.show(value))
    }
}

/// A number on its own: `0.6500`, `0.00123`, `1.96e-14`, `1e300`.
pub fn number(value: f64) -> String {
    Figures { more: 0 }.show(value)
}

/// The same with its sign: `+0.0050`.
pub fn signed(value: f64) -> String {
    Figures { more: 0 }.signed(value)
}

/// Numbers that differ by little, all with as many decimals as show their `width`: the ends of an interval and what
/// lies in it.
pub(crate) fn within(width: f64, values: &[f64]) -> Vec<String> {
    let decimals = if width > 0.0 { 1.0 - width.log10().floor() } else { 0.0 };
    let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    if decimals <= 9.0 && largest < LARGE {
        let decimals = decimals.clamp(DECIMALS as f64, 9.0) as usize;
        let least = 0.5 * 10_f64.powi(-(decimals as i32));
        let written = |value: &f64| match value.abs() {
            // Far below the width, and still not zero.
            size if size != 0.0 && size <= least => signed(*value),
            0.0 => format!("+{:.decimals$}", 0.0),
            _ => format!("{value:+.decimals$}"),
        };
        return values.iter().map(written).collect();
    }
    let figures = Figures::of(values);
    values.iter().map(|value| figures.signed(*value)).collect()
}

/// A number somebody wrote, as it was written: `0.05`, `1e-14`.
pub(crate) fn written(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || !value.is_finite() || (SMALL..LARGE).contains(&size) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// A number somebody wrote, with its sign.
pub(crate) fn written_signed(value: f64) -> String {
    with_sign(value, written(value))
}

/// A ratio in percent: `+5.0%`, `+0.05%`, `+1e-8%`.
pub(crate) fn percent(ratio: f64) -> String {
    percent_of(ratio, 0)
}

/// Two ratios in percent, told apart unless they count as the same.
pub(crate) fn percents(ratio: f64, bound: f64, alike: bool) -> [String; 2] {
    let more = (0..MOST).find(|more| alike || percent_of(ratio, *more) != percent_of(bound, *more));
    [ratio, bound].map(|value| percent_of(value, more.unwrap_or(MOST)))
}

/// A confidence level: `95%`, `99.9%`.
pub(crate) fn level(level: f64) -> String {
    // Rounded, since 0.999 * 100 is not 99.9.
    format!("{}%", (level * 1e8).round() / 1e6)
}

fn percent_of(ratio: f64, more: usize) -> String {
    let value = ratio * 100.0;
    let size = value.abs();
    if size != 0.0 && size.is_finite() && !(1e-3..LARGE).contains(&size) {
        let text = format!("{value:.*e}", 1 + more);
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}%", with_sign(value, format!("{}e{power}", trimmed(digits, 0))));
    }
    let needed = if size == 0.0 || !size.is_finite() {
        0
    } else {
        -exponent(size)
    };
    let decimals = (1 + more).max(needed.max(0) as usize);
    format!(
        "{}%",
        with_sign(value, trimmed(&format!("{value:.decimals$}"), 1 + more))
    )
}

fn with_sign(value: f64, text: String) -> String {
    if value.is_sign_negative() || value.is_nan() {
        text
    } else {
        format!("+{text}")
    }
}

/// Without zeros at the end beyond so many decimals.
fn trimmed(text: &str, decimals: usize) -> String {
    let Some((whole, fraction)) = text.split_once('.') else {
        return text.to_owned();
    };
    let kept = fraction.trim_end_matches('0').len().max(decimals);
    match &fraction[..kept.min(fraction.len())] {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// The power of ten of the first digit; 1e-3 has -3 although its logarithm is a little above.
fn exponent(size: f64) -> i32 {
    let text = format!("{size:.2e}");
    text.split_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn on_their_own() {
        let table = [
            (0.0, "0.0000"),
            (0.65, "0.6500"),
            (-0.1 - 0.2, "-0.3000"),
            (0.005, "0.0050"),
            (0.645 - 0.65, "-0.0050"),
            (0.001_234, "0.00123"),
            (0.000_142, "0.000142"),
            (0.000_05, "5e-5"),
            (1.96e-14, "1.96e-14"),
            (-9.9e-15, "-9.9e-15"),
            (5e-324, "4.94e-324"),
            (123_456.789_12, "123456.7891"),
            (1.234_567_89e12, "1.234568e12"),
            (1e300, "1e300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in table {
            assert_eq!(number(value), text);
        }
        assert_eq!([0.0, 0.25, -0.25].map(signed), ["+0.0000", "+0.2500", "-0.2500"]);
    }

    #[test]
    fn told_apart() {
        let both = |one: f64, other: f64| {
            let figures = Figures::of(&[one, other]);
            format!("{} {}", figures.show(one), figures.show(other))
        };
        assert_eq!(both(0.6, 0.599_999), "0.600000 0.599999");
        assert_eq!(both(9.9e-15, 1.96e-14), "9.9e-15 1.96e-14");
        assert_eq!(both(1.9601e-14, 1.9604e-14), "1.9601e-14 1.9604e-14");
        assert_eq!(both(0.65, 0.65 + 1e-16), "0.6500000000000000 0.6500000000000001");
        assert_eq!(both(0.65, 0.65), "0.6500 0.6500");
        assert_eq!(both(1.0, 1.0 + f64::EPSILON), "1.0000000000000000 1.0000000000000002");
        assert_eq!(both(1e300, 1.000_000_01e300), "1e300 1.00000001e300");
    }

    #[test]
    fn shares_and_what_somebody_wrote() {
        let table = [
            (0.05, "+5.0%"),
            (-0.005, "-0.5%"),
            (0.0005, "+0.05%"),
            (1e-10, "+1e-8%"),
            (0.98, "+98.0%"),
            (0.0, "+0.0%"),
            (1e300, "+1e302%"),
        ];
        for (ratio, text) in table {
            assert_eq!(percent(ratio), text);
        }
        assert_eq!(percents(0.050_01, 0.05, false), ["+5.001%", "+5.000%"]);
        assert_eq!(
            [0.05, 1e-14, 1e300, -2.0].map(written),
            ["0.05", "1e-14", "1e300", "-2"]
        );
        assert_eq!([0.999, 0.95].map(level), ["99.9%", "95%"]);
        assert_eq!(within(2e-14, &[1e-14, 0.0, 2e-14]), ["+1e-14", "+0.0000", "+2e-14"]);
        assert_eq!(within(0.01, &[1e-9, -0.005, 0.005]), ["+1e-9", "-0.0050", "+0.0050"]);
        assert_eq!(
            within(0.0064, &[0.0042, 0.001, 0.0074]),
            ["+0.0042", "+0.0010", "+0.0074"]
        );
    }

    proptest! {
        #[test]
        fn two_numbers_never_read_alike(value in prop::num::f64::NORMAL, steps in 1..1000_u64) {
            let other = f64::from_bits(value.to_bits() + steps);
            prop_assume!(other.is_finite());
            let figures = Figures::of(&[value, other]);
            prop_assert!(figures.show(value) != figures.show(other), "{} and {}", value, other);
        }

        #[test]
        fn a_unit_loses_nothing(value in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL) {
            let scaled = Unit::of(&[value, value / 3.0]).scaled(value).abs();
            prop_assert!((1.0..2.0).contains(&scaled), "{}", scaled);
        }

        #[test]
        fn what_is_not_zero_never_reads_as_zero(value in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL) {
            for text in [number(value), signed(value), written(value)] {
                prop_assert!(text.parse::<f64>().unwrap() != 0.0, "{}", text);
                prop_assert!(text.len() < 32, "{}", text);
            }
            let within = within(1.0, &[value]);
            prop_assert!(within[0].parse::<f64>().unwrap() != 0.0, "{}", within[0]);
            prop_assert!((number(value).parse::<f64>().unwrap() / value - 1.0).abs() < 0.006);
        }
    }
}
