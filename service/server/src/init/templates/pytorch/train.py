"""Trains a small network with PyTorch and writes one ONNX graph from the columns to the answer."""

import argparse
import io

import numpy
import onnx
import torch
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from features import CATEGORIES, LABEL, NUMBERS, VALUES, frame, label, read, stop
from model import report, save

OPSET = 18


class Network(torch.nn.Module):
    """Answers a probability where the label has two values, and else a number."""

    def __init__(self, width: int, hidden: int, mean: float, scale: float) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(width, hidden), torch.nn.ReLU(),
            torch.nn.Linear(hidden, hidden), torch.nn.ReLU(),
            torch.nn.Linear(hidden, 1),
        )  # fmt: skip
        self.mean, self.scale = mean, scale

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        answer = self.layers(features)
        return torch.sigmoid(answer) if VALUES else answer * self.scale + self.mean


def columns() -> ColumnTransformer:
    """What is put in front of the network: numbers around 0, categories as zeros and ones."""
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    entries = [("numbers", numbers, NUMBERS), ("categories", encoder, CATEGORIES)]
    return ColumnTransformer([entry for entry in entries if entry[2]])


def fit(network: Network, features: torch.Tensor, wanted: torch.Tensor, learning_rate: float, epochs: int) -> None:
    loss = torch.nn.BCELoss() if VALUES else torch.nn.MSELoss()
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-3)
    for _ in range(epochs):
        order = torch.randperm(len(features))
        for batch in order.split(256):
            optimizer.zero_grad()
            error = loss(network(features[batch]), wanted[batch])
            (error if VALUES else error / network.scale**2).backward()
            optimizer.step()
    network.eval()


def graph(before: onnx.ModelProto, network: Network, width: int) -> onnx.ModelProto:
    """Columns and network as one graph."""
    file = io.BytesIO()
    example = (torch.zeros(2, width),)
    batch = {"features": {0: torch.export.Dim("rows")}}
    program = torch.onnx.export(
        network, example, input_names=["features"], output_names=["answer"], opset_version=OPSET, dynamo=True,
        dynamic_shapes=batch, verbose=False,
    )  # fmt: skip
    program.save(file)
    after = onnx.load_from_string(file.getvalue())
    # Two graphs are merged only when they speak the same version.
    after.ir_version = before.ir_version
    before = onnx.compose.add_prefix(before, "columns_", rename_inputs=False)
    merged = onnx.compose.merge_models(before, after, io_map=[(before.graph.output[0].name, "features")])
    onnx.checker.check_model(merged)
    return merged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", required=True)
    parser.add_argument("--model", required=True, help="folder for the model")
    parser.add_argument("--learning-rate", type=float, default=0.003)
    parser.add_argument("--epochs", type=int, default=40)
    arguments = parser.parse_args()
    torch.manual_seed(7)
    torch.set_num_threads(2)

    table = read(arguments.examples, "train")
    rows, wanted = frame(table), label(table)
    if len(numpy.unique(wanted)) < 2:
        stop(f"column '{LABEL}' has the same value in all {len(wanted)} rows: there is nothing to learn")
    prepared = columns().fit(rows)
    features = torch.tensor(prepared.transform(rows).astype("float32"))
    network = Network(features.shape[1], 64, float(wanted.mean()), float(wanted.std()))
    target = torch.tensor(wanted.astype("float32").reshape(-1, 1))
    fit(network, features, target, arguments.learning_rate, arguments.epochs)
    with torch.no_grad():
        expected = network(features).numpy().ravel()

    types = [(name, FloatTensorType([None, 1]) if name in NUMBERS else StringTensorType([None, 1])) for name in rows]
    before = to_onnx(prepared, initial_types=types, target_opset={"": OPSET, "ai.onnx.ml": 3})
    save(arguments.model, graph(before, network, features.shape[1]), table, expected)
    print(f"trained on {len(wanted)} rows")
    report({"rows": float(len(wanted))})


if __name__ == "__main__":
    main()
