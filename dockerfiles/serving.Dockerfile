# A model server: MLServer with a small runtime for ONNX. Mount a folder at /models; what it is asked can be
# kept (see serving/request_log.py).
FROM trainyard/base:bookworm
RUN pip install --quiet mlserver==1.7.1 onnxruntime==1.32.0
COPY dockerfiles/serving /server
WORKDIR /tmp
# The folder named on its command line is its repository; a settings.json would have to lie there too.
ENV PYTHONPATH=/server \
    HOME=/tmp \
    MLSERVER_HOST=0.0.0.0 \
    MLSERVER_HTTP_PORT=8080 \
    MLSERVER_PARALLEL_WORKERS=0 \
    MLSERVER_METRICS_DIR=/tmp
USER 10001:10001
EXPOSE 8080
CMD ["mlserver", "start", "/models"]
