//! Slices as the command line writes them: `origin,place="Washington, DC" against all`.
//!
//! A name or a value in double quotes may have commas, equals signs and spaces at its ends; a quote in it is written
//! twice, as in CSV.

use super::slices::SlicingSpec;

/// A name, and the value behind its equals sign.
type Part = (String, Option<String>);

/// COLUMN, COLUMN,COLUMN or COLUMN=VALUE.
///
/// # Errors
/// When a part is empty or a quote is not closed.
pub fn slice(text: &str) -> Result<SlicingSpec, String> {
    let mut spec = SlicingSpec::default();
    for (column, value) in parts(text)? {
        match value {
            Some(value) => drop(spec.feature_values.insert(column, value)),
            None => spec.feature_keys.push(column),
        }
    }
    Ok(spec)
}

/// The two sides of a word that is not within quotes.
pub fn split_at_word<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let outside = |place: &usize| text[..*place].matches('"').count().is_multiple_of(2);
    let place = text.match_indices(word).map(|(place, _)| place).find(outside)?;
    Some((&text[..place], &text[place + word.len()..]))
}

/// A column, whose name may be in quotes.
///
/// # Errors
/// When it is not one.
pub fn column(text: &str) -> Result<String, String> {
    match parts(text)?.as_slice() {
        [(column, None)] => Ok(column.clone()),
        _ => Err(format!(
            "{text} is not one column: put a name with a comma or an equals sign into double quotes"
        )),
    }
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (column, after) = word(rest, &[',', '='])?;
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => word(after, &[',']).map(|(value, after)| (Some(value), after))?,
            None => (None, after),
        };
        if column.is_empty() {
            return Err("a slice is COLUMN, COLUMN,COLUMN or COLUMN=VALUE".to_owned());
        }
        parts.push((column, value));
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Ok(parts),
        }
    }
}

/// The text up to one of the ends, without its quotes, and what follows.
fn word<'a>(text: &'a str, ends: &[char]) -> Result<(String, &'a str), String> {
    let start = text.trim_start();
    let Some(mut quoted) = start.strip_prefix('"') else {
        let (word, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
        return Ok((word.trim().to_owned(), rest));
    };
    let mut word = String::new();
    loop {
        let Some((part, rest)) = quoted.split_once('"') else {
            return Err(format!("{start} opens a double quote and does not close it"));
        };
        word.push_str(part);
        match rest.strip_prefix('"') {
            Some(more) => (quoted, word) = (more, word + "\""),
            None => {
                let rest = rest.trim_start();
                return match rest.is_empty() || rest.starts_with(ends) {
                    true => Ok((word, rest)),
                    false => Err(format!(
                        "behind the quotes of \"{word}\" follows '{rest}': put all of it into quotes"
                    )),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match slice(text) {
            Ok(spec) => format!("{:?} {:?}", spec.feature_keys, spec.feature_values),
            Err(error) => error,
        }
    }

    #[test]
    fn quotes_hold_commas_and_equals_signs() {
        insta::assert_snapshot!(said("origin, carrier = UA"), @r#"["origin"] {"carrier": "UA"}"#);
        insta::assert_snapshot!(said(r#"place="Washington, DC",origin"#), @r#"["origin"] {"place": "Washington, DC"}"#);
        insta::assert_snapshot!(said(r#""a=b, c"="say ""x""""#), @r#"[] {"a=b, c": "say \"x\""}"#);
        insta::assert_snapshot!(said(r#"x=a=b,y=,z=" ""#), @r#"[] {"x": "a=b", "y": "", "z": " "}"#);
        insta::assert_snapshot!(said(r#"size=5" pipe"#), @r#"[] {"size": "5\" pipe"}"#);
        insta::assert_snapshot!(said(r#"x="a"#), @r#""a opens a double quote and does not close it"#);
        insta::assert_snapshot!(said(r#"x="a" b"#), @r#"behind the quotes of "a" follows 'b': put all of it into quotes"#);
        insta::assert_snapshot!(said("origin,,carrier"), @"a slice is COLUMN, COLUMN,COLUMN or COLUMN=VALUE");
        assert_eq!(
            split_at_word(r#"x="a against b" against y"#, " against "),
            Some((r#"x="a against b""#, "y"))
        );
        assert_eq!(split_at_word(r#"x="a against b""#, " against "), None);
        assert_eq!(column(r#""a=b""#).unwrap(), "a=b");
    }
}
