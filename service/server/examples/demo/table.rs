//! The table at the end.

/// One event of the story.
pub struct Row {
    /// What happened.
    pub event: String,
    /// The run it started.
    pub run: String,
    /// What the gate said.
    pub verdict: String,
    /// The candidate's AUC.
    pub candidate: Option<f64>,
    /// The serving model's AUC on the same rows.
    pub serving: Option<f64>,
    /// The version that serves afterwards.
    pub version: String,
}

/// Prints the rows with columns as wide as they need to be.
pub fn print(rows: &[Row]) {
    let head = ["event", "run", "verdict", "AUC candidate", "AUC serving", "now serving"];
    let auc = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
    let lines: Vec<[String; 6]> = rows
        .iter()
        .map(|row| {
            let Row {
                event,
                run,
                verdict,
                version,
                ..
            } = row;
            [
                event.clone(),
                run.clone(),
                verdict.clone(),
                auc(row.candidate),
                auc(row.serving),
                version.clone(),
            ]
        })
        .collect();
    let width = |column: usize| {
        let widest = lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        widest.max(head[column].len())
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let show = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        println!("{}", padded.join("  ").trim_end());
    };
    println!();
    show(head.to_vec());
    show(
        widths
            .iter()
            .map(|width| &"------------------------------------------------------------"[..(*width).min(60)])
            .collect(),
    );
    for line in &lines {
        show(line.iter().map(String::as_str).collect());
    }
}
