-- What a run waits for that is none of its own business, for people: a full disk, an engine that does not answer.
CREATE TABLE run_waits (
  run TEXT NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  -- The version of the run that waits; once it comes further the row counts no more.
  version BIGINT NOT NULL,
  sentence TEXT NOT NULL
);
