//! The pipelines that are killed: one for each target, and one of them also listens to data and to the clock.

/// An image with a shell; where programs run without images, nobody asks for it.
const IMAGE: &str = "trainyard/base:bookworm";

pub const DOCKERFILE: &str = "FROM trainyard/base:bookworm\nWORKDIR /code\nCOPY train.sh ./\n";

/// Its model is as good as the parameter says, and another one each time and for other data.
pub const TRAIN: &str = r#"set -e
sleep 0.2
mkdir "$1"
data=none
if [ -n "$4" ]; then data=$(find "$4" -type f | sort | xargs cat | cksum | cut -d' ' -f1); fi
printf '{"auc": %s, "serve": "well", "serial": %s, "data": "%s"}' "$2" "$3" "$data" >"$1/model.onnx"
printf '{"implementation": "onnx.Model"}' >"$1/model-settings.json"
printf '{"request": {"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}]}, "response": {"outputs": [{"name": "score", "data": [%s]}]}}' "$2" >"$1/sample.json"
"#;

const PIPELINE: &str = r#"name: NAME
parameters: { auc: AUC, serial: SERIAL }
on:
  push: { branches: [main], paths: ["pipelines/NAME/**"] }
LISTENS
concurrency: { max_active_runs: 2 }
steps:
EXAMPLES
  train:
    build: { dockerfile: pipelines/NAME/code/Dockerfile, context: pipelines/NAME/code }
    command: [sh, ./train.sh, "{{outputs.model}}", "{{parameters.auc}}", "{{parameters.serial}}"DATA]
    outputs: { model: Model }
  evaluate:
    image: IMAGE
    command:
      - sh
      - -c
      - |
        mkdir "$1"
        printf '{"schema_version":1,"model_type":"regression","baseline":false,"slices":[{"slice_key":{},"num_examples":100,"metrics":{"auc":{"candidate":%s}}}]}' "$2" >"$1/evaluation.json"
      - sh
      - "{{outputs.evaluation}}"
      - "{{parameters.auc}}"
    inputs: { model: train }
    outputs: { evaluation: ModelEvaluation }
gate:
  baseline: none
  metrics:
    auc: { value_threshold: { lower_bound: 0.6 } }
push: { target: NAME }
"#;

/// The pipeline of a target.
pub fn text(target: &str, auc: &str, serial: u64) -> String {
    let (listens, examples, data) = match target {
        "folder" => (
            LISTENS,
            EXAMPLES,
            ", \"{{inputs.examples}}\"]\n    inputs: { examples: examples }",
        ),
        _ => ("", "", "]"),
    };
    PIPELINE
        .replace("LISTENS\n", listens)
        .replace("EXAMPLES\n", examples)
        .replace("DATA]", data)
        .replace("NAME", target)
        .replace("IMAGE", IMAGE)
        .replace("AUC", auc)
        .replace("SERIAL", &serial.to_string())
}

const LISTENS: &str = r#"  data: { source: rows, quiet_period: 1s }
  schedule: { cron: "* * * * *", timezone: UTC, catchup: latest }
data: { rows: { uri: "rows/{YYYY}-{MM}.csv" } }
"#;

const EXAMPLES: &str = "  examples: { uses: example-gen, with: { source: rows, splits: { train: 1 } } }\n";

/// The settings of a target whose candidates are tried in a container.
pub fn tried() -> String {
    format!("image = \"trainyard/serving\"\ncommand = [\"python3\", \"-c\", '''{SERVER}''']\nport = 8080\n")
}

/// It answers as the model server of these tests does, of what it finds in its folder.
const SERVER: &str = r#"
import glob, json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Server(BaseHTTPRequestHandler):
    def answer(self, body):
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def do_GET(self):
        self.answer({})
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if not self.path.endswith("/infer"):
            return self.answer({})
        model = json.load(open(glob.glob("/models/*/*/model.onnx")[0]))
        output = {"name": "score", "shape": [1], "datatype": "FP64", "data": [model["auc"]]}
        self.answer({"model_name": "tried", "outputs": [output]})

ThreadingHTTPServer(("", 8080), Server).serve_forever()
"#;
