-- What was answered about a commit, to each question that was asked about it: what GitHub is shown follows from all.
CREATE TABLE checks (
  repo TEXT NOT NULL,
  commit_sha TEXT NOT NULL,
  pipeline TEXT NOT NULL,
  -- Who asks: pull_request or branch.
  asked_by TEXT NOT NULL,
  -- The branch whose gate judges.
  base TEXT NOT NULL,
  answer TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (repo, commit_sha, pipeline, asked_by, base)
);
CREATE INDEX checks_at ON checks (at);
-- Pull requests as the newest event told of them.
CREATE TABLE pull_requests (
  repo TEXT NOT NULL,
  number BIGINT NOT NULL,
  is_open BOOLEAN NOT NULL,
  base TEXT NOT NULL,
  head TEXT NOT NULL,
  -- When GitHub changed it so.
  at BIGINT NOT NULL,
  PRIMARY KEY (repo, number)
);
CREATE INDEX pull_requests_head ON pull_requests (repo, head);
-- Where the newest push that was looked at brought a branch.
CREATE TABLE branches (
  repo TEXT NOT NULL,
  branch TEXT NOT NULL,
  head TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (repo, branch)
);
INSERT INTO branches (repo, branch, head, at)
  SELECT repo, branch, MAX(commit_sha), MAX(at) FROM pipelines GROUP BY repo, branch;
-- Who changes answers of a repository has its row until the end of the transaction.
CREATE TABLE check_turns (
  repo TEXT NOT NULL PRIMARY KEY
);
