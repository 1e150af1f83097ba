-- What people asked for on GitHub by comments and buttons: done in order, one after the other for each repository.
CREATE TABLE asks (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  event TEXT NOT NULL UNIQUE,
  -- The repository's number: names change.
  repo_id BIGINT NOT NULL,
  ask TEXT NOT NULL,
  -- How often it was brought forward: who has seen fewer looks again.
  steps BIGINT NOT NULL DEFAULT 0,
  at BIGINT NOT NULL,
  done_at BIGINT,
  -- Why it is not done yet, for people.
  waits_for TEXT
);
CREATE INDEX asks_open ON asks (number) WHERE done_at IS NULL;
CREATE INDEX asks_at ON asks (at);
CREATE INDEX runs_commit ON runs (repo, commit_sha, created_at, id);
CREATE INDEX runs_pull_request ON runs (repo, pull_request, created_at, id);
