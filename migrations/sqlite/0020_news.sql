-- Who speaks or is spoken to: messages of one lane are told one after the other, and no lane waits for another.
ALTER TABLE outbox ADD COLUMN lane TEXT NOT NULL DEFAULT '';
-- What is told first where not everything may be: 0 verdicts, 1 comments, 2 progress.
ALTER TABLE outbox ADD COLUMN urgency BIGINT NOT NULL DEFAULT 1;
UPDATE outbox SET lane = CASE WHEN installation_id IS NULL THEN 'owner ' || substr(repo, 1, instr(repo, '/') - 1)
  ELSE 'installation ' || installation_id END;
CREATE INDEX outbox_lanes ON outbox (lane, urgency, next_attempt_at);
-- What happened, for those who are told beside GitHub. Who hears of it is decided when it is routed into the outbox.
CREATE TABLE news (
  id TEXT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  news TEXT NOT NULL,
  routed BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX news_to_route ON news (at, id) WHERE routed = FALSE;
-- How each pipeline is on each branch: the texts are empty of a folder on this machine.
CREATE TABLE pipeline_health (
  repo TEXT NOT NULL,
  pipeline TEXT NOT NULL,
  branch TEXT NOT NULL,
  health TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (repo, pipeline, branch)
);
