//! Patterns and windows, against TFX's rules.

use super::*;
use crate::plan::{RollingRange, StaticRange, Window};
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
            start_span_number: None,
            keep_all_versions: false,
            exclude_span_numbers: Vec::new(),
        }),
        static_range: None,
    }
}

fn fixed(start: &str, end: &str) -> Window {
    let range = StaticRange {
        start_span: Some(start.into()),
        end_span: Some(end.into()),
        keep_all_versions: false,
        exclude_span_numbers: Vec::new(),
        min_spans: 1,
    };
    Window {
        rolling_range: None,
        static_range: Some(range),
    }
}

fn select(files: &[SpanFile], window: Option<&Window>, newest: Option<&str>) -> Result<Vec<String>, Unselected> {
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
        (
            "s3://lake/f/{YYYY}-{MM}/*.csv",
            "s3://lake/f/2013-01/a.csv",
            Some((15706, None, "2013-01")),
        ),
        ("s3://lake/f/{YYYY}-{MM}/*.csv", "s3://lake/f/2013-01/.a.csv", None),
        ("s3://lake/f/{YYYY}-{MM}/*.csv", "gs://lake/f/2013-01/a.csv", None),
        ("s3://lake/f/{YYYY}-{MM}/*.csv", "f/2013-01/a.csv", None),
        ("gs://lake/{SPAN}", "gs://lake/7", Some((7, None, "7"))),
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
        "ftp://b/{SPAN}",
        "s3:///{SPAN}",
        "s3://{YYYY}-{MM}/a",
        "gs://b",
        "s3://b//{SPAN}",
        "az://b/../{SPAN}",
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
        "{SPAN}/*/*.csv",
        "{SPAN}*.csv",
    ];
    let said = |uri: &&str| SpanPattern::parse(uri).unwrap_err().to_string();
    let all: Vec<String> = wrong.iter().map(said).collect();
    insta::assert_snapshot!(all.join("\n"), @"
    the path is empty
    '/data/{YYYY}-{MM}' is not a relative path: write it with / and without a leading one
    '../{YYYY}-{MM}' leaves its root: '..' is not allowed
    'ftp://b/{SPAN}' is neither a path nor an object store that is known: write a path below data_root, s3://BUCKET/…, gs://BUCKET/… or az://CONTAINER/…
    's3:///{SPAN}' names no bucket: write one of letters, digits, '-', '_' and '.' behind '://', without placeholders
    's3://{YYYY}-{MM}/a' names no bucket: write one of letters, digits, '-', '_' and '.' behind '://', without placeholders
    the path is empty
    '/{SPAN}' is not a relative path: write it with / and without a leading one
    '../{SPAN}' leaves its root: '..' is not allowed
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
    'd/*-{SPAN}' has a * in the wrong place: a single one may come after the last placeholder, as in {YYYY}-{MM}/part-*.parquet
    '{SPAN}/*/*.csv' has a * in the wrong place: a single one may come after the last placeholder, as in {YYYY}-{MM}/part-*.parquet
    '{SPAN}*.csv' does not tell where a number ends: give it a width, for example {SPAN:4}
    ");
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
        select(&files, Some(&rolling(3, 0, 3)), Some("2013-01")),
        select(&files, Some(&rolling(3, 2, 1)), None),
        select(&files, Some(&fixed("2014-01", "2014-02")), None),
    ];
    let said = |result: Result<Vec<String>, Unselected>| match result {
        Ok(taken) => format!("took {taken:?}"),
        Err(Unselected::TooFew(too_few)) => format!("skipped: {}", too_few.sentence()),
        Err(missing) => format!("missing: {}", missing.sentence()),
    };
    let all: Vec<String> = all.into_iter().map(said).collect();
    insta::assert_snapshot!(all.join("\n"), @"
    missing: span 2013-13 of data source 'flights' does not exist: expected the file data/flights/2013-13.parquet under the data root
    missing: span 2013-03 of data source 'flights' does not exist: expected the file data/flights/2013-03.parquet under the data root
    missing: span april of data source 'flights' does not exist: expected a file like data/flights/{YYYY}-{MM}.parquet under the data root
    missing: data source 'flights' has no data: expected files like data/flights/{YYYY}-{MM}.parquet under the data root
    skipped: data source 'flights' has 2 spans, its window needs at least 3
    skipped: data source 'flights' has 1 span up to 2013-01, its window needs at least 3
    skipped: data source 'flights' has 2 spans, 0 of them in its window, which needs at least 1
    skipped: data source 'flights' has 2 spans, 0 of them in its window, which needs at least 1
    ");
}

/// A window as the pipeline file writes it.
fn window(text: &str) -> Window {
    serde_saphyr::from_str(text).unwrap()
}

/// The files `s<span>/v<version>` that TFX's examples speak of.
fn versioned(spans: &[(i64, i64)]) -> Vec<SpanFile> {
    let pattern = pattern("s{SPAN}/v{VERSION}");
    spans
        .iter()
        .filter_map(|(span, version)| pattern.match_path(&format!("s{span}/v{version}")))
        .collect()
}

#[test]
fn every_option_of_a_window_does_what_tfx_says() {
    // The examples in the documentation of TFX's rolling_range and static_range, then one row for each option.
    let rolling = [(1, 0), (2, 0), (3, 1), (3, 0), (7, 1), (8, 2)];
    let fixed = [(0, 0), (1, 0), (2, 0), (3, 0), (3, 3), (5, 0), (7, 0), (10, 0)];
    type Versions<'a> = &'a [(i64, i64)];
    let table: [(Versions<'_>, &str, Versions<'_>); 17] = [
        (
            &rolling,
            "rolling_range: {start_span_number: 3, num_spans: 5, skip_num_recent_spans: 1, keep_all_versions: true, exclude_span_numbers: [7], min_spans: 1}",
            &[(3, 0), (3, 1)],
        ),
        (
            &fixed,
            "static_range: {end_span_number: 5, exclude_span_numbers: [2]}",
            &[(0, 0), (1, 0), (3, 3), (5, 0)],
        ),
        (&rolling, "rolling_range: {num_spans: 2}", &[(7, 1), (8, 2)]),
        (
            &rolling,
            "rolling_range: {num_spans: 2, skip_num_recent_spans: 2}",
            &[(2, 0), (3, 1)],
        ),
        (
            &rolling,
            "rolling_range: {num_spans: 3, skip_num_recent_spans: 3}",
            &[(1, 0), (2, 0)],
        ),
        // What is excluded is not replaced by something older.
        (
            &rolling,
            "rolling_range: {num_spans: 2, exclude_span_numbers: [7]}",
            &[(8, 2)],
        ),
        (
            &rolling,
            "rolling_range: {num_spans: 2, exclude_span_numbers: ['7', 99]}",
            &[(8, 2)],
        ),
        (
            &rolling,
            "rolling_range: {num_spans: 2, exclude_span_numbers: [7, 8]}",
            &[],
        ),
        (
            &rolling,
            "rolling_range: {num_spans: 2, exclude_span_numbers: [7], min_spans: 2}",
            &[],
        ),
        (
            &rolling,
            "rolling_range: {num_spans: 9, start_span_number: 8}",
            &[(8, 2)],
        ),
        (&rolling, "rolling_range: {num_spans: 9, start_span_number: 9}", &[]),
        (
            &rolling,
            "rolling_range: {num_spans: 9, start_span_number: 8, skip_num_recent_spans: 1}",
            &[],
        ),
        (&rolling, "rolling_range: {num_spans: 9, min_spans: 6}", &[]),
        (
            &fixed,
            "static_range: {start_span: 3, end_span: 3, keep_all_versions: true}",
            &[(3, 0), (3, 3)],
        ),
        (&fixed, "static_range: {start_span: 6}", &[(7, 0), (10, 0)]),
        (&fixed, "static_range: {start_span: 8, end_span: 9}", &[]),
        (&fixed, "static_range: {start_span: 5, end_span: 9, min_spans: 3}", &[]),
    ];
    let pattern = pattern("s{SPAN}/v{VERSION}");
    for (files, text, expected) in table {
        let taken = match pattern.select("s", &versioned(files), Some(&window(text)), None) {
            Ok(taken) => taken
                .iter()
                .filter_map(|file| Some((file.span, file.version?)))
                .collect(),
            Err(Unselected::TooFew(_)) => Vec::new(),
            Err(missing) => panic!("{text}: {}", missing.sentence()),
        };
        assert_eq!(taken, expected, "{text}");
    }
}

#[test]
fn spans_are_named_by_label_or_by_number() {
    // pattern, name, span
    let table = [
        ("{YYYY}{MM}{DD}", "2017-01-01", Some(17167)),
        ("{YYYY}{MM}{DD}", "17167", Some(17167)),
        ("{DD}/{MM}/{YYYY}", "17167", Some(17167)),
        ("{YYYY}-{MM}", "2017-01", Some(17167)),
        ("{YYYY}-{MM}", "17167", Some(17167)),
        ("{YYYY}-{MM}", "-31", Some(-31)),
        ("{YYYY}-{MM}", "2017-01-01", None),
        ("{YYYY}-{MM}", "2017-13", None),
        ("{SPAN}", "17", Some(17)),
        ("{SPAN:4}", "17", Some(17)),
        ("{SPAN:4}", "0017", Some(17)),
        ("{SPAN}", "-1", None),
        ("{SPAN}", "2017-01", None),
    ];
    for (uri, name, expected) in table {
        assert_eq!(pattern(uri).span_named(name), expected, "{uri} {name}");
    }
    let numbers = window("static_range: {start_span: 15706, end_span: 2013-02, exclude_span_numbers: [15737]}");
    assert_eq!(
        select(&months(1..=6), Some(&numbers), None),
        Ok(vec!["2013-01".to_owned()])
    );
    assert_eq!(
        select(&months(1..=6), None, Some("15737")),
        Ok(vec!["2013-02".to_owned()])
    );
}

#[test]
fn a_span_of_several_files() {
    let table = [
        ("{SPAN}/part-*.csv", "7/part-0001.csv", true),
        ("{SPAN}/part-*.csv", "7/part-.csv", true),
        ("{SPAN}/part-*.csv", "7/part-1.csv.tmp", false),
        ("{SPAN}/part-*.csv", "7/part-1/2.csv", false),
        ("{SPAN}/part-*.csv", "7/part.csv", false),
        ("{SPAN}/*", "7/part", true),
        ("{SPAN}/*", "7/.part.crc", false),
        ("{SPAN}/*/x.csv", "7/a/x.csv", true),
        ("{SPAN}/*/x.csv", "7/a/b/x.csv", false),
        ("d/*.csv", "d/any.csv", true),
    ];
    for (uri, path, expected) in table {
        assert_eq!(pattern(uri).match_path(path).is_some(), expected, "{uri} {path}");
    }
    assert_eq!(pattern("d/*.csv").glob_root(), "d");
    let pattern = pattern("d/{SPAN}/v{VERSION}/*.csv");
    let paths = [
        "d/1/v1/a.csv",
        "d/2/v2/b.csv",
        "d/2/v1/a.csv",
        "d/2/v2/a.csv",
        "d/2/v10/a.csv",
    ];
    let files: Vec<SpanFile> = paths.iter().filter_map(|path| pattern.match_path(path)).collect();
    let taken = |text: &str| -> Vec<String> {
        let taken = pattern.select("s", &files, Some(&window(text)), None).unwrap();
        taken.iter().map(|file| pattern.staged_name(&file.path)).collect()
    };
    assert_eq!(taken("rolling_range: {num_spans: 2}"), ["1-v1-a.csv", "2-v10-a.csv"]);
    assert_eq!(
        taken("rolling_range: {num_spans: 1, keep_all_versions: true, min_spans: 1}"),
        ["2-v1-a.csv", "2-v2-a.csv", "2-v2-b.csv", "2-v10-a.csv"]
    );
    assert_eq!(flights().staged_name("data/flights/2013-01.parquet"), "2013-01.parquet");
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
    fn any_text_is_looked_at_without_panic(uri in "[a-z/{}A-Z:0-9.é*-]{0,24}", path in "\\PC{0,24}") {
        if let Ok(pattern) = SpanPattern::parse(&uri) {
            pattern.match_path(&path);
            pattern.parse_label(&path);
            pattern.span_named(&path);
            pattern.path_of(&path);
            pattern.staged_name(&path);
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
    /// Whatever the options, a window is a sorted part of what is there, within its bounds; more
    /// room never takes fewer spans, and one more exclusion takes away just that span.
    #[test]
    fn windows_are_monotone(
        versions in prop::collection::btree_set((0..20_i64, 0..3_i64), 1..30),
        num in 1..8_u32, skip in 0..4_u32, start in 0..20_i64, least in 0..4_u32,
        excluded in prop::collection::vec(0..20_i64, 0..4), every_version: bool, one_more in 0..20_i64,
    ) {
        let files = versioned(&versions.iter().copied().collect::<Vec<_>>());
        let name = |number: &i64| number.to_string().as_str().into();
        let range = RollingRange {
            start_span_number: Some(name(&start)), num_spans: num, skip_num_recent_spans: skip,
            keep_all_versions: every_version, exclude_span_numbers: excluded.iter().map(name).collect(), min_spans: least,
        };
        let take = |range: RollingRange| {
            let window = Window { rolling_range: Some(range), static_range: None };
            pattern("s{SPAN}/v{VERSION}").select("s", &files, Some(&window), None)
        };
        let spans = |taken: &Result<Vec<SpanFile>, Unselected>| -> std::collections::BTreeSet<i64> {
            taken.iter().flatten().map(|file| file.span).collect()
        };
        let taken = take(range.clone());
        prop_assert!(matches!(taken, Ok(_) | Err(Unselected::TooFew(_))));
        let (kept, files_taken) = (spans(&taken), taken.clone().unwrap_or_default());
        prop_assert!(files_taken.is_sorted_by(|a, b| (a.span, a.version) < (b.span, b.version)));
        prop_assert!(files_taken.iter().all(|file| files.contains(file)));
        prop_assert!(kept.len() <= num as usize && kept.iter().all(|span| *span >= start && !excluded.contains(span)));
        prop_assert!(taken.is_err() || kept.len() >= least.max(1) as usize);
        for span in &kept {
            let there: Vec<&SpanFile> = files.iter().filter(|file| file.span == *span).collect();
            let newest = there.iter().max_by_key(|file| file.version).unwrap();
            let expected = if every_version { there.len() } else { 1 };
            prop_assert_eq!(files_taken.iter().filter(|file| file.span == *span).count(), expected);
            prop_assert!(files_taken.contains(newest));
        }
        let wider = take(RollingRange { num_spans: num + 1, ..range.clone() });
        prop_assert!(kept.is_subset(&spans(&wider)));
        let mut less = range.clone();
        less.min_spans = 1;
        less.exclude_span_numbers.push(name(&one_more));
        let mut expected = spans(&take(RollingRange { min_spans: 1, ..range }));
        expected.remove(&one_more);
        prop_assert_eq!(spans(&take(less)), expected);
    }
}

#[test]
fn objects_have_names_and_places_as_files_have() {
    let objects = pattern("s3://lake/flights/{YYYY}/{MM}/*.csv");
    assert_eq!(objects.glob_root(), "s3://lake/flights");
    assert_eq!(objects.staged_name("s3://lake/flights/2013/01/a.csv"), "2013-01-a.csv");
    assert_eq!(pattern("s3://lake/{SPAN}.csv").staged_name("s3://lake/7.csv"), "7.csv");
    assert_eq!(objects.bucket().unwrap().to_string(), "s3://lake");
    assert_eq!(flights().bucket(), None);
    let none = objects.select("flights", &[], None, Some("2013-02")).unwrap_err();
    insta::assert_snapshot!(none.sentence(), @"span 2013-02 of data source 'flights' does not exist: expected the file s3://lake/flights/2013/02/*.csv");
    let none = objects.select("flights", &[], None, None).unwrap_err();
    insta::assert_snapshot!(none.sentence(), @"data source 'flights' has no data: expected files like s3://lake/flights/{YYYY}/{MM}/*.csv");
}
