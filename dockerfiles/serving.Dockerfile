# A model server: MLServer with a runtime of twenty lines for ONNX. Mount a folder at /models.
FROM trainyard/base:bookworm
RUN pip install --quiet mlserver==1.7.1 onnxruntime==1.32.0
COPY dockerfiles/serving /server
WORKDIR /server
ENV PYTHONPATH=/server HOME=/tmp
USER 10001:10001
EXPOSE 8080
CMD ["mlserver", "start", "/server"]
