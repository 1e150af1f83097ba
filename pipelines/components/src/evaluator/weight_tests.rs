//! Rows with weights, from the file to the file.

use super::tests::{Columns, evaluated, floats, ints, said, texts};
use arrow_array::{ArrayRef, Float64Array, Int64Array};
use serde_json::{Value, json};
use std::sync::Arc;

const ROWS: i64 = 400;

/// Rows of two origins, a pattern without meaning.
fn flights(weights: ArrayRef) -> Vec<(&'static str, ArrayRef)> {
    let rows = 0..ROWS;
    let late: Vec<i64> = rows.clone().map(|row| i64::from(row * 7 % 5 < 2)).collect();
    let scores: Vec<f64> = rows.clone().map(|row| (row * 37 % 101) as f64 / 101.0).collect();
    let origins: Vec<&str> = rows.map(|row| ["EWR", "JFK", "LGA"][(row % 3) as usize]).collect();
    vec![
        ("late", ints(&late)),
        ("score", floats(&scores)),
        ("origin", texts(&origins)),
        ("w", weights),
    ]
}

fn asking(model_type: &str, weighted: bool) -> Value {
    let mut with = json!({"model_type": model_type, "slicing_specs": [{"feature_keys": ["origin"]}], "bootstrap": {"num_samples": 400}});
    if weighted {
        with["example_weight_key"] = json!("w");
    }
    with
}

fn weights(of: impl Fn(i64) -> f64) -> ArrayRef {
    floats(&(0..ROWS).map(of).collect::<Vec<_>>())
}

fn read(with: Value, candidate: Columns) -> Value {
    evaluated(with, candidate, None).unwrap().0
}

#[test]
fn equal_weights_are_none() {
    let unweighted = read(asking("regression", false), &flights(weights(|_| 1.0)));
    for weight in [1.0, 0.1, 1e300, 5e-324] {
        let mut weighted = read(asking("regression", true), &flights(weights(|_| weight)));
        assert_eq!(weighted["example_weight_key"], "w");
        weighted.as_object_mut().unwrap().remove("example_weight_key");
        for slice in weighted["slices"].as_array_mut().unwrap() {
            let slice = slice.as_object_mut().unwrap();
            assert_eq!(
                slice.remove("effective_num_examples").unwrap().as_f64(),
                slice["num_examples"].as_f64()
            );
            slice.remove("weighted_num_examples");
        }
        assert_eq!(weighted, unweighted, "{weight}");
    }
}

#[test]
fn a_unit_of_weight_is_any_unit() {
    let of = |unit: f64| {
        read(
            asking("binary_classification", true),
            &flights(weights(|row| unit * (row % 4) as f64)),
        )
    };
    let mut one = of(1.0);
    for unit in [2.0_f64.powi(900), 2.0_f64.powi(-900)] {
        let mut other = of(unit);
        for evaluation in [&mut one, &mut other] {
            for slice in evaluation["slices"].as_array_mut().unwrap() {
                slice.as_object_mut().unwrap().remove("weighted_num_examples");
                slice.as_object_mut().unwrap().remove("plots");
            }
        }
        assert_eq!(one, other);
    }
}

#[test]
fn rows_support_and_slices_count_by_weight() {
    // All of JFK's weight is on one row, and LGA has none.
    let weight = |row: i64| match (row % 3, row) {
        (0, row) => 1.0 + (row % 2) as f64,
        (1, 1) => 7.0,
        _ => 0.0,
    };
    let evaluation = read(asking("binary_classification", true), &flights(weights(weight)));
    let slices = evaluation["slices"].as_array().unwrap();
    let figures = |slice: &Value| {
        format!(
            "{} {} of weight {} as good as {:.2}: {}",
            slice["slice_key"],
            slice["num_examples"],
            slice["weighted_num_examples"],
            slice["effective_num_examples"].as_f64().unwrap(),
            slice["metrics"]["log_loss"]["candidate"]
        )
    };
    insta::assert_snapshot!(slices.iter().map(figures).collect::<Vec<_>>().join("\n"), @r#"
    {} 400 of weight 208.0 as good as 112.67: 1.488919483563067
    {"origin":"EWR"} 134 of weight 201.0 as good as 120.60: 1.5248835350584415
    {"origin":"JFK"} 133 of weight 7.0 as good as 1.00: 0.4562374334815876
    {"origin":"LGA"} 133 of weight 0.0 as good as 0.00: null
    "#);
}

#[test]
fn the_standard_error_is_that_of_a_weighted_mean() {
    let weight = |row: i64| f64::from(1 + (row * row % 11) as u32);
    let evaluation = read(asking("regression", true), &flights(weights(weight)));
    let error = &evaluation["slices"][0]["metrics"]["mean_error"];
    // The root of the sum of squares w (x - mean), by the sum of w.
    let rows = flights(weights(weight));
    let of = |place: usize| {
        rows[place]
            .1
            .as_any()
            .downcast_ref::<Float64Array>()
            .unwrap()
            .values()
            .to_vec()
    };
    let late = rows[0]
        .1
        .as_any()
        .downcast_ref::<Int64Array>()
        .unwrap()
        .values()
        .to_vec();
    let (scores, w) = (of(1), of(3));
    let x: Vec<f64> = scores
        .iter()
        .zip(&late)
        .map(|(score, late)| score - *late as f64)
        .collect();
    let total: f64 = w.iter().sum();
    let mean = x.iter().zip(&w).map(|(x, w)| x * w).sum::<f64>() / total;
    let right = x
        .iter()
        .zip(&w)
        .map(|(x, w)| (w * (x - mean)).powi(2))
        .sum::<f64>()
        .sqrt()
        / total;
    let found = error["candidate_interval"]["standard_error"].as_f64().unwrap();
    assert!((error["candidate"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!((found / right - 1.0).abs() < 0.12, "{found} {right}");
}

#[test]
fn what_is_no_weight_is_refused_by_row() {
    let refused = |weight: ArrayRef| {
        let with = json!({"example_weight_key": "w"});
        said(
            with,
            &[("late", ints(&[1, 0])), ("score", floats(&[0.5, 0.5])), ("w", weight)],
            None,
        )
    };
    let all = [
        refused(floats(&[1.0, -1.0])),
        refused(floats(&[1.0, f64::NAN])),
        refused(floats(&[f64::INFINITY, 1.0])),
        refused(Arc::new(Float64Array::from(vec![Some(1.0), None]))),
        refused(texts(&["1", "much"])),
        refused(floats(&[0.0, 0.0])),
        said(json!({"example_weight_key": "x"}), &flights(weights(|_| 1.0)), None),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    column 'w' of the candidate's predictions: row 2 is -1, and a weight is a finite number of 0 or more: write one where the predictions are made
    column 'w' of the candidate's predictions: row 2 is NaN, and a weight is a finite number of 0 or more: write one where the predictions are made
    column 'w' of the candidate's predictions: row 1 is inf, and a weight is a finite number of 0 or more: write one where the predictions are made
    column 'w' of the candidate's predictions: row 2 has no value, and a weight is a finite number of 0 or more: write one where the predictions are made
    column 'w' of the candidate's predictions: row 2 is 'much', and a weight is a finite number of 0 or more: write one where the predictions are made
    column 'w' of the candidate's predictions has no weight above 0 in any row: nothing would count
    the candidate's predictions have no column 'x', only late, score, origin, w: write it where the predictions are made, or ask for another (in a pipeline under the step's 'with')
    ");
    // Whole numbers and numbers in text are weights; the baseline's file need not have them.
    for weight in [ints(&[1, 3]), texts(&["1", "3.0"])] {
        let columns = [("late", ints(&[1, 0])), ("score", floats(&[0.5, 0.75])), ("w", weight)];
        let (evaluation, _) = evaluated(json!({"example_weight_key": "w"}), &columns, Some(&columns[..2])).unwrap();
        assert_eq!(
            evaluation["slices"][0]["metrics"]["mean_label"],
            json!({"candidate": 0.25, "baseline": 0.25})
        );
    }
}
