-- What a run was asked for never changes: it lies apart from the columns that do, so that a lease or a step forward
-- does not write the plan again, and a list does not read it.
CREATE TABLE run_requests (
  run TEXT NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  request TEXT NOT NULL
);
INSERT INTO run_requests (run, request) SELECT id, request FROM runs;
ALTER TABLE runs DROP COLUMN request;
