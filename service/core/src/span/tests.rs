//! Patterns and windows, against TFX's rules.

use super::*;
use proptest::prelude::*;

fn pattern(uri: &str) -> SpanPattern {
    SpanPattern::parse(uri).unwrap()
}

fn flights() -> SpanPattern {
    pattern("data/flights/{YYYY}-{MM}.parquet")
}

fn months(range: std::ops::RangeInclusive<u32>) -> Vec<SpanFile> {
    range
        .map(|month| {
            flights()
                .match_path(&format!("data/flights/2013-{month:02}.parquet"))
                .unwrap()
        })
        .collect()
}

fn rolling(num_spans: u32, skip_num_recent_spans: u32, min_spans: u32) -> Window {
    Window {
        rolling_range: Some(RollingRange {
            num_spans,
            skip_num_recent_spans,
            min_spans,
        }),
        static_range: None,
    }
}

fn fixed(start: &str, end: &str) -> Window {
    let range = StaticRange {
        start_span: start.to_owned(),
        end_span: end.to_owned(),
    };
    Window {
        rolling_range: None,
        static_range: Some(range),
    }
}

fn select(files: &[SpanFile], window: Option<&Window>, newest: Option<&str>) -> Result<Vec<String>, String> {
    flights()
        .select("flights", files, window, newest)
        .map(|taken| taken.into_iter().map(|file| file.label).collect())
}

#[test]
fn paths_and_the_spans_they_name() {
    // pattern, path, span, version, label
    let table = [
        (
            "d/{YYYY}-{MM}.parquet",
            "d/2013-01.parquet",
            Some((15706, None, "2013-01")),
        ),
        ("d/{YYYY}-{MM}.parquet", "d/2013-13.parquet", None),
        ("d/{YYYY}-{MM}.parquet", "d/2013-1.parquet", None),
        ("d/{YYYY}-{MM}.parquet", "d/2013-01.parquet.tmp", None),
        ("d/{YYYY}-{MM}.parquet", "e/2013-01.parquet", None),
        ("d/{YYYY}-{MM}.parquet", "d/2013-001.parquet", None),
        ("{YYYY}{MM}{DD}/x", "20170101/x", Some((17167, None, "2017-01-01"))),
        ("{YYYY}/{MM}/{DD}", "2024/02/29", Some((19782, None, "2024-02-29"))),
        ("{YYYY}/{MM}/{DD}", "2023/02/29", None),
        ("{YYYY}-{MM}", "1969-12", Some((-31, None, "1969-12"))),
        ("s-{SPAN}.csv", "s-7.csv", Some((7, None, "7"))),
        ("s-{SPAN}.csv", "s-07.csv", None),
        ("s-{SPAN}.csv", "s-0.csv", Some((0, None, "0"))),
        ("s-{SPAN}.csv", "s-.csv", None),
        ("s-{SPAN:4}.csv", "s-0007.csv", Some((7, None, "0007"))),
        ("s-{SPAN:4}.csv", "s-00007.csv", None),
        ("s-{SPAN}/v{VERSION}", "s-7/v12", Some((7, Some(12), "7"))),
        (
            "{YYYY}-{MM}-v{VERSION:2}",
            "2013-01-v02",
            Some((15706, Some(2), "2013-01")),
        ),
        ("s-{SPAN}", "s-99999999999999999999", None),
        ("one.csv", "one.csv", Some((0, None, "0"))),
        ("d/{YYYY}-{MM}", "d/２０１３-01", None),
    ];
    for (uri, path, expected) in table {
        let found = pattern(uri).match_path(path);
        let found = found
            .as_ref()
            .map(|file| (file.span, file.version, file.label.as_str()));
        assert_eq!(found, expected, "{uri} on {path}");
    }
}

#[test]
fn wrong_patterns_say_what_would_be_right() {
    let wrong = [
        "",
        "/data/{YYYY}-{MM}",
        "../{YYYY}-{MM}",
        "s3://b/{SPAN}",
        "d/{YYYY}.csv",
        "d/{YYYY}-{DD}",
        "{SPAN}-{YYYY}-{MM}",
        "{SPAN}{VERSION}",
        "{SPAN}7.csv",
        "{VERSION}",
        "{SPAN",
        "SPAN}",
        "{span}",
        "{SPAN:0}",
        "{SPAN:x}",
        "{MM}-{MM}-{YYYY}",
        "d/*-{SPAN}",
    ];
    let all: Vec<String> = wrong.iter().map(|uri| SpanPattern::parse(uri).unwrap_err()).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    the path is empty
    '/data/{YYYY}-{MM}' is not a relative path: write it with / and without a leading one
    '../{YYYY}-{MM}' leaves its root: '..' is not allowed
    's3://b/{SPAN}' is not a relative path: write it with / and without a leading one
    'd/{YYYY}.csv' names spans by date but not fully: it needs {YYYY} and {MM}, and {DD} for days
    'd/{YYYY}-{DD}' names spans by date but not fully: it needs {YYYY} and {MM}, and {DD} for days
    '{SPAN}-{YYYY}-{MM}' names spans by date and by number: use either {YYYY}, {MM} and {DD}, or {SPAN}
    '{SPAN}{VERSION}' does not tell where a number ends: give it a width, for example {SPAN:4}
    '{SPAN}7.csv' does not tell where a number ends: give it a width, for example {SPAN:4}
    '{VERSION}' has a {VERSION} of nothing: it needs {YYYY} and {MM}, or {SPAN}
    '{SPAN' has a brace without its partner
    'SPAN}' has a brace without its partner
    {span} is not known in a data path: expected {YYYY}, {MM}, {DD}, {SPAN}, {SPAN:4} or {VERSION}
    {SPAN:0} needs a width from 1 to 18
    {SPAN:x} is not known in a data path: expected {YYYY}, {MM}, {DD}, {SPAN}, {SPAN:4} or {VERSION}
    '{MM}-{MM}-{YYYY}' has {MM} twice
    'd/*-{SPAN}' has a wildcard: write one file for each span, with placeholders such as {YYYY}-{MM}
    "#);
}

#[test]
fn the_folder_to_look_in() {
    assert_eq!(flights().glob_root(), "data/flights");
    assert_eq!(pattern("data/{YYYY}/{MM}.csv").glob_root(), "data");
    assert_eq!(pattern("{SPAN}.csv").glob_root(), "");
    assert_eq!(pattern("data/one.csv").glob_root(), "data");
}

#[test]
fn windows_take_what_tfx_would() {
    let files = months(1..=6);
    let table: [(Option<Window>, Option<&str>, &[&str]); 8] = [
        (None, None, &["2013-06"]),
        (None, Some("2013-04"), &["2013-04"]),
        (Some(rolling(3, 0, 1)), None, &["2013-04", "2013-05", "2013-06"]),
        (
            Some(rolling(3, 0, 1)),
            Some("2013-03"),
            &["2013-01", "2013-02", "2013-03"],
        ),
        (Some(rolling(3, 2, 1)), None, &["2013-02", "2013-03", "2013-04"]),
        (
            Some(rolling(9, 0, 1)),
            None,
            &["2013-01", "2013-02", "2013-03", "2013-04", "2013-05", "2013-06"],
        ),
        (Some(fixed("2013-02", "2013-03")), None, &["2013-02", "2013-03"]),
        (Some(fixed("2013-05", "2014-03")), None, &["2013-05", "2013-06"]),
    ];
    for (window, newest, expected) in table {
        let mut shuffled = files.clone();
        shuffled.reverse();
        assert_eq!(
            select(&shuffled, window.as_ref(), newest).unwrap(),
            expected,
            "{window:?} {newest:?}"
        );
    }
}

#[test]
fn the_newest_version_of_each_span_counts() {
    let pattern = pattern("s{SPAN}/v{VERSION}");
    let files: Vec<SpanFile> = ["s1/v2", "s1/v10", "s2/v1", "s1/v9"]
        .iter()
        .filter_map(|path| pattern.match_path(path))
        .collect();
    let taken = pattern.select("s", &files, Some(&rolling(2, 0, 1)), None).unwrap();
    assert_eq!(
        taken.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
        ["s1/v10", "s2/v1"]
    );
}

#[test]
fn missing_data_is_explained() {
    let files = months(1..=2);
    let all = [
        select(&files, None, Some("2013-13")),
        select(&files, None, Some("2013-03")),
        select(&files, None, Some("april")),
        select(&[], None, None),
        select(&files, Some(&rolling(3, 0, 3)), None),
        select(&files, Some(&rolling(3, 2, 1)), None),
        select(&files, Some(&fixed("2014-01", "2014-02")), None),
    ];
    let all: Vec<String> = all.into_iter().map(|result| result.unwrap_err()).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    span 2013-13 of data source 'flights' does not exist: expected the file data/flights/2013-13.parquet under the data root
    span 2013-03 of data source 'flights' does not exist: expected the file data/flights/2013-03.parquet under the data root
    span april of data source 'flights' does not exist: expected a file like data/flights/{YYYY}-{MM}.parquet under the data root
    data source 'flights' has no data: expected files like data/flights/{YYYY}-{MM}.parquet under the data root
    data source 'flights' has 2 spans, and its window needs at least 3: bring more data or lower min_spans
    data source 'flights' without its newest 2 has 0 spans, and its window needs at least 1: bring more data or lower min_spans
    data source 'flights' has no span from 2014-01 to 2014-02: expected files like data/flights/{YYYY}-{MM}.parquet under the data root
    "#);
}

proptest! {
    /// A label names the span that its own file has.
    #[test]
    fn labels_lead_back(year in 1900..2200_i32, month in 1..=12_u32, day in 1..=28_u32, span in 0..100_000_i64) {
        let cases = [
            ("d/{YYYY}-{MM}.x", format!("d/{year}-{month:02}.x")),
            ("{DD}.{MM}.{YYYY}", format!("{day:02}.{month:02}.{year}")),
            ("{SPAN:6}", format!("{span:06}")),
            ("{SPAN}-x", format!("{span}-x")),
        ];
        for (uri, path) in cases {
            let pattern = pattern(uri);
            let file = pattern.match_path(&path).unwrap();
            prop_assert_eq!(pattern.parse_label(&file.label), Some(file.span));
            prop_assert_eq!(pattern.path_of(&file.label), Some(path));
        }
    }

    #[test]
    fn any_text_is_looked_at_without_panic(uri in "[a-z/{}A-Z:0-9.é-]{0,24}", path in "\\PC{0,24}") {
        if let Ok(pattern) = SpanPattern::parse(&uri) {
            pattern.match_path(&path);
            pattern.parse_label(&path);
            pattern.path_of(&path);
            pattern.glob_root();
        }
    }

    #[test]
    fn a_window_is_ascending_and_no_later_than_asked(numbers in prop::collection::btree_set(0..60_i64, 1..20), num in 1..8_u32, skip in 0..3_u32, at in any::<prop::sample::Index>()) {
        let pattern = pattern("{SPAN}");
        let files: Vec<SpanFile> = numbers.iter().filter_map(|n| pattern.match_path(&n.to_string())).collect();
        let newest = &files[at.index(files.len())];
        if let Ok(taken) = pattern.select("s", &files, Some(&rolling(num, skip, 1)), Some(&newest.label)) {
            prop_assert!(taken.is_sorted_by(|a, b| a.span < b.span));
            prop_assert!(taken.len() <= num as usize);
            prop_assert!(taken.last().unwrap().span <= newest.span);
            let last = files.iter().filter(|f| f.span <= newest.span).rev().nth(skip as usize);
            prop_assert_eq!(taken.last(), last);
        }
    }
}
