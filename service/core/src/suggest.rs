//! Did you mean …?

/// The candidate that is a slip away from `word`, if one is.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = 1 + word.chars().count() / 4;
    candidates
        .into_iter()
        .map(|candidate| (distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean 'steps'? known are name, steps`, or `none is known`.
pub fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let known = match candidates.as_slice() {
        [] => "there are none".to_owned(),
        [only] => format!("the only one is {only}"),
        many => format!("known are {}", many.join(", ")),
    };
    match closest(word, candidates.iter().copied()) {
        Some(close) => format!("did you mean '{close}'? {known}"),
        None => known,
    }
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        assert_eq!(distance("inputs", "input"), 1);
        assert_eq!(distance("stpes", "steps"), 1);
        assert_eq!(closest("stpes", ["name", "steps"]), Some("steps"));
        assert_eq!(closest("Auc", ["auc", "f1"]), Some("auc"));
        assert_eq!(closest("banana", ["name", "steps"]), None);
    }
}
