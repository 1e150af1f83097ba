//! A folder of artifacts, and steps over them.

use arrow_array::RecordBatch;
use arrow_csv::ReaderBuilder;
use arrow_csv::reader::Format;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use tempfile::TempDir;

/// Artifacts by name, each a folder.
pub struct Yard(TempDir);

/// How a step ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    /// The last line, of stderr where there is any, the yard's own path cut out.
    pub last_line: String,
}

impl Ended {
    pub fn of(ended: &Output, yard: &Yard) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let own = yard.path("").display().to_string();
        let (stdout, stderr) = (text(&ended.stdout), text(&ended.stderr));
        let last_line = stderr.lines().last().or(stdout.lines().last()).unwrap_or_default();
        Self {
            code: ended.status.code().unwrap(),
            last_line: last_line.replace(own.trim_end_matches('/'), ""),
            stdout,
        }
    }

    /// Its last words, after making sure that it failed as components fail.
    pub fn failure(self) -> String {
        assert_eq!(self.code, 1, "{self:?}");
        self.last_line
    }

    pub fn success(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

impl Yard {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// What a step said about its output.
    pub fn properties(&self, output: &str) -> Value {
        self.json(&format!("{output}.executor_output.json"))["artifacts"][output]["properties"].clone()
    }

    /// Span files, numbered as months of 2013, as an artifact of external data.
    pub fn source(&self, name: &str, files: &[(&str, Vec<u8>)]) {
        fs::create_dir(self.path(name)).unwrap();
        let mut spans = Vec::new();
        for (number, (file, bytes)) in (15706..).zip(files) {
            fs::write(self.path(name).join(file), bytes).unwrap();
            // As good as a digest here: it is told apart by content and nothing else.
            let digest = format!("text:{}", String::from_utf8_lossy(bytes));
            spans.push(json!({"span": number, "file": file, "digest": digest}));
        }
        let said = json!({"artifacts": {name: {"properties": {"spans": spans}}}});
        fs::write(self.path(&format!("{name}.executor_output.json")), said.to_string()).unwrap();
    }

    /// Runs a component; inputs are (input, artifact), the output is (output, artifact).
    pub fn step(&self, component: &str, with: Value, inputs: &[(&str, &str)], output: (&str, &str)) -> Ended {
        let input = |(name, artifact): &(&str, &str)| {
            let said = self.path(&format!("{artifact}.executor_output.json"));
            let properties = if said.exists() {
                self.properties(artifact)
            } else {
                json!({})
            };
            let digest = self.path(artifact).exists().then_some("sha256:0");
            (
                name.to_string(),
                json!({"path": self.path(artifact), "digest": digest, "properties": properties}),
            )
        };
        let inputs: serde_json::Map<String, Value> = inputs.iter().map(input).collect();
        let said = self.path("said.json");
        let task = json!({
            "parameters": with, "inputs": inputs,
            "outputs": {output.0: {"path": self.path(output.1)}}, "executor_output": said,
        });
        fs::write(self.path("task.json"), task.to_string()).unwrap();
        let ended = Command::new(env!("CARGO_BIN_EXE_trainyard-components"))
            .arg(component)
            .env("TRAINYARD_TASK", self.path("task.json"))
            .output()
            .unwrap();
        if said.exists() {
            // Filed under the artifact's name, as several steps have an output of the same name.
            let text = fs::read_to_string(&said).unwrap();
            let mut said_value: Value = serde_json::from_str(&text).unwrap();
            let properties = said_value["artifacts"][output.0].take();
            said_value["artifacts"] = json!({output.1: properties});
            fs::write(
                self.path(&format!("{}.executor_output.json", output.1)),
                said_value.to_string(),
            )
            .unwrap();
            fs::remove_file(said).unwrap();
        }
        Ended::of(&ended, self)
    }

    /// A source and the examples made of it.
    pub fn examples(&self, name: &str, files: &[(&str, Vec<u8>)], with: Value) -> Ended {
        let source = format!("source-{name}");
        self.source(&source, files);
        self.step("example-gen", with, &[("source", &source)], ("examples", name))
    }

    /// Examples of one file and their statistics.
    pub fn statistics(&self, name: &str, text: &str, with: Value) {
        let examples = format!("{name}-examples");
        self.examples(&examples, &[("2013-01.csv", text.into())], with)
            .success();
        self.step(
            "statistics-gen",
            json!({}),
            &[("examples", &examples)],
            ("statistics", name),
        )
        .success();
    }
}

/// A month of sixty flights as CSV: whole numbers, fractions with gaps, text.
pub fn month(number: usize) -> String {
    let mut text = "flight,origin,distance,temp,late\n".to_owned();
    for row in 0..60 {
        let temp = if row % 10 == 3 {
            "NA".to_owned()
        } else {
            format!("{}.5", row % 7)
        };
        let (origin, distance) = (["EWR", "JFK", "LGA"][row % 3], 200 + 17 * row % 91);
        text += &format!(
            "{number}{row:02},{origin},{distance},{temp},{}\n",
            u8::from(distance % 4 == 0)
        );
    }
    text
}

/// The same table as Parquet.
pub fn parquet(text: &str) -> Vec<u8> {
    let format = Format::default().with_header(true);
    let format = format.with_null_regex(regex::Regex::new("^NA$").unwrap());
    let (schema, _) = format.infer_schema(Cursor::new(text), None).unwrap();
    let reader = ReaderBuilder::new(Arc::new(schema))
        .with_format(format)
        .build(Cursor::new(text))
        .unwrap();
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batches[0].schema(), None).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
    bytes
}

/// Writes an InferenceResult.
pub fn predictions(folder: &Path, text: &str) {
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("predictions.parquet"), parquet(text)).unwrap();
}

/// Every row of an artifact's split, through the reader that the components use.
pub fn rows(examples: &Path, split: &str) -> Vec<RecordBatch> {
    let file = File::open(examples.join(format!("Split-{split}/data.parquet"))).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    reader.build().unwrap().collect::<Result<_, _>>().unwrap()
}
