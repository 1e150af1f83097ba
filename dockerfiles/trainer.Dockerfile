# Trains gradient-boosted trees and exports ONNX. The packages are a layer of their own, so a change
# of the code rebuilds in a second. The context is a pipeline's folder.
FROM trainyard/base:bookworm
RUN pip install --quiet \
      lightgbm==4.7.0 \
      numpy==2.4.6 \
      onnx==1.23.2 \
      onnxmltools==1.16.0 \
      onnxruntime==1.32.0 \
      pyarrow==26.0.1 \
      scikit-learn==1.9.1 \
      skl2onnx==1.20.0
WORKDIR /component
COPY *.py ./
USER 10001:10001
