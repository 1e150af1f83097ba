-- What GitHub was told of a name at a commit, as a check run or, where checks are not allowed, as a commit status: a
-- commit that shows one of both shows it to the end.
CREATE TABLE check_runs (
  repo TEXT NOT NULL,
  commit_sha TEXT NOT NULL,
  name TEXT NOT NULL,
  as_status BOOLEAN NOT NULL,
  -- NULL while one is being made, and nobody knows yet whether it was.
  check_run_id BIGINT,
  -- The newest one before it.
  after_id BIGINT NOT NULL,
  external_id TEXT NOT NULL,
  -- NULL while it is not over.
  conclusion TEXT,
  made_at BIGINT NOT NULL,
  PRIMARY KEY (repo, commit_sha, name)
);
CREATE INDEX check_runs_made_at ON check_runs (made_at);
-- Earlier versions told statuses alone.
INSERT INTO check_runs (repo, commit_sha, name, as_status, after_id, external_id, made_at)
  SELECT repo, commit_sha, 'trainyard/' || pipeline, TRUE, 0, '', MAX(at) FROM checks
  GROUP BY repo, commit_sha, pipeline;
INSERT INTO check_runs (repo, commit_sha, name, as_status, after_id, external_id, made_at)
  SELECT repo, commit_sha, 'trainyard/' || pipeline || ' (into ' || base || ')', TRUE, 0, '', MAX(at) FROM checks
  WHERE asked_by = 'pull_request' AND base <> '' GROUP BY repo, commit_sha, pipeline, base;
