"""MLServer runtime for an ONNX graph: numbers go in as float32, text as strings, in the request's shapes."""

import numpy
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri


class OnnxModel(MLModel):
    async def load(self) -> bool:
        uri = await get_model_uri(self.settings)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(uri, options, providers=["CPUExecutionProvider"])
        self._wanted = [entry.name for entry in self._session.get_inputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        given = {entry.name: entry for entry in payload.inputs}
        missing = [name for name in self._wanted if name not in given]
        if missing:
            raise InferenceError(f"the request has no input '{missing[0]}'")
        inputs = {}
        for name in self._wanted:
            entry = given[name]
            if entry.datatype == "BYTES":
                values = numpy.array(StringCodec.decode_input(entry), dtype=object)
            else:
                values = NumpyCodec.decode_input(entry).astype(numpy.float32)
            inputs[name] = values.reshape(entry.shape)
        names = [entry.name for entry in self._session.get_outputs()]
        try:
            values = self._session.run(names, inputs)
        except Exception as error:
            raise InferenceError(f"the model refuses the request: {error}") from error
        outputs = [NumpyCodec.encode_output(name, value) for name, value in zip(names, values)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)
