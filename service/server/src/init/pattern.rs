//! From the name of a file to the pattern of all that are like it: `churn/2024-01.csv` is `churn/{YYYY}-{MM}.csv`.

use trainyard_core::span::SpanPattern;

/// The patterns that a path below the data root can have, the most telling first; the last is the path itself.
pub(crate) fn patterns(path: &str) -> Vec<String> {
    let dates = dated(path);
    let numbers = numbered(path);
    let all = dates.into_iter().chain(numbers).chain([path.to_owned()]);
    let fits = |uri: &String| SpanPattern::parse(uri).is_ok_and(|pattern| pattern.match_path(path).is_some());
    all.filter(fits).collect()
}

/// Runs of digits: where each begins and ends.
fn digits(path: &str) -> Vec<(usize, usize)> {
    let bytes = path.as_bytes();
    let is = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let begins = (0..bytes.len()).filter(|at| is(*at) && (*at == 0 || !is(at - 1)));
    begins
        .map(|begin| (begin, (begin..).find(|at| !is(*at)).unwrap_or(bytes.len())))
        .collect()
}

/// With a year and a month, and a day where one follows: in one run of digits or in several with one character between.
fn dated(path: &str) -> Option<String> {
    let runs = digits(path);
    let ends_soon = |end: usize, begin: usize| begin == end + 1;
    for (place, &(begin, end)) in runs.iter().enumerate() {
        let year = path[begin..end].get(..4).and_then(|year| year.parse::<u32>().ok());
        if !year.is_some_and(|year| (1900..2100).contains(&year)) {
            continue;
        }
        let (before, after) = (&path[..begin], &path[end..]);
        match end - begin {
            8 => return Some(format!("{before}{{YYYY}}{{MM}}{{DD}}{after}")),
            6 => return Some(format!("{before}{{YYYY}}{{MM}}{after}")),
            4 => {
                let two = |at: usize, last: usize| {
                    let found = runs.get(at).copied();
                    found.filter(|(begin, end)| end - begin == 2 && ends_soon(last, *begin))
                };
                let Some((month, month_end)) = two(place + 1, end) else {
                    continue;
                };
                let between = &path[end..month];
                return Some(match two(place + 2, month_end) {
                    Some((day, day_end)) => format!(
                        "{before}{{YYYY}}{between}{{MM}}{}{{DD}}{}",
                        &path[month_end..day],
                        &path[day_end..]
                    ),
                    None => format!("{before}{{YYYY}}{between}{{MM}}{}", &path[month_end..]),
                });
            }
            _ => {}
        }
    }
    None
}

/// With the last number of the file's name as its span.
fn numbered(path: &str) -> Option<String> {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let &(begin, end) = digits(path).iter().rfind(|(begin, _)| *begin >= name)?;
    let span = match path[begin..end].starts_with('0') && end - begin > 1 {
        true => format!("{{SPAN:{}}}", end - begin),
        false => "{SPAN}".to_owned(),
    };
    Some(format!("{}{span}{}", &path[..begin], &path[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_numbers_in_names_are_spans() {
        let paths = [
            "churn/2024-01.csv",
            "churn/sales_2024_01_31.csv",
            "churn/20240131.csv",
            "churn/202401.csv",
            "churn/2024/01/31.csv",
            "churn/2024/01.csv",
            "churn/2024.csv",
            "churn/part-0007.csv",
            "churn/part-7.csv",
            "churn2/data.csv",
            "2024-13.csv",
            "v2/2024-01 (3).csv",
        ];
        let shown: Vec<String> = paths
            .iter()
            .map(|path| format!("{path}: {}", patterns(path).join("  ")))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        churn/2024-01.csv: churn/{YYYY}-{MM}.csv  churn/2024-{SPAN:2}.csv  churn/2024-01.csv
        churn/sales_2024_01_31.csv: churn/sales_{YYYY}_{MM}_{DD}.csv  churn/sales_2024_01_{SPAN}.csv  churn/sales_2024_01_31.csv
        churn/20240131.csv: churn/{YYYY}{MM}{DD}.csv  churn/{SPAN}.csv  churn/20240131.csv
        churn/202401.csv: churn/{YYYY}{MM}.csv  churn/{SPAN}.csv  churn/202401.csv
        churn/2024/01/31.csv: churn/{YYYY}/{MM}/{DD}.csv  churn/2024/01/{SPAN}.csv  churn/2024/01/31.csv
        churn/2024/01.csv: churn/{YYYY}/{MM}.csv  churn/2024/{SPAN:2}.csv  churn/2024/01.csv
        churn/2024.csv: churn/{SPAN}.csv  churn/2024.csv
        churn/part-0007.csv: churn/part-{SPAN:4}.csv  churn/part-0007.csv
        churn/part-7.csv: churn/part-{SPAN}.csv  churn/part-7.csv
        churn2/data.csv: churn2/data.csv
        2024-13.csv: 2024-{SPAN}.csv  2024-13.csv
        v2/2024-01 (3).csv: v2/{YYYY}-{MM} (3).csv  v2/2024-01 ({SPAN}).csv  v2/2024-01 (3).csv
        ");
    }
}
