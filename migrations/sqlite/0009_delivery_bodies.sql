-- The body of a delivery lies apart from what becomes of it: settling it writes no body again. Bodies are numbered
-- in the order in which they were stored, and no number comes back when the newest are gone.
CREATE TABLE delivery_bodies (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  delivery TEXT NOT NULL,
  body BLOB NOT NULL
);

DROP INDEX deliveries_waiting;
ALTER TABLE deliveries ADD COLUMN body_id BIGINT;
INSERT INTO delivery_bodies (delivery, body) SELECT id, body FROM deliveries ORDER BY received_at, id;
CREATE INDEX delivery_bodies_moved ON delivery_bodies (delivery);
UPDATE deliveries SET body_id = (SELECT b.id FROM delivery_bodies b WHERE b.delivery = deliveries.id);
DROP INDEX delivery_bodies_moved;
ALTER TABLE deliveries DROP COLUMN body;
CREATE INDEX deliveries_waiting ON deliveries (body_id) WHERE processed_at IS NULL;

-- Lists of runs by state, and by pipeline and state.
CREATE INDEX runs_state ON runs (state, created_at, id);
CREATE INDEX runs_pipeline_state ON runs (pipeline, state, created_at, id);

-- The newest event of a kind: whether a branch moved on since and came back.
CREATE INDEX events_newest ON events (kind, at, id);

-- How many there are, so that nobody counts them.
CREATE TABLE tallies (
  what TEXT NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL
);
INSERT INTO tallies (what, number)
  SELECT 'deliveries', COUNT(*) FROM deliveries
  UNION ALL SELECT 'waiting', COUNT(*) FROM deliveries WHERE processed_at IS NULL
  UNION ALL SELECT 'artifacts', COUNT(*) FROM Artifact
  UNION ALL SELECT 'executions', COUNT(*) FROM Execution
  UNION ALL SELECT 'queued', COUNT(*) FROM runs WHERE state = 'queued'
  UNION ALL SELECT 'running', COUNT(*) FROM runs WHERE state = 'running'
  UNION ALL SELECT 'succeeded', COUNT(*) FROM runs WHERE state = 'succeeded'
  UNION ALL SELECT 'failed', COUNT(*) FROM runs WHERE state = 'failed'
  UNION ALL SELECT 'cancelled', COUNT(*) FROM runs WHERE state = 'cancelled';

CREATE TRIGGER tally_delivery_stored AFTER INSERT ON deliveries BEGIN
  UPDATE tallies SET number = number + 1 WHERE what = 'deliveries';
  UPDATE tallies SET number = number + 1 WHERE what = 'waiting' AND NEW.processed_at IS NULL;
END;
CREATE TRIGGER tally_delivery_settled AFTER UPDATE OF processed_at ON deliveries
WHEN (OLD.processed_at IS NULL) <> (NEW.processed_at IS NULL) BEGIN
  UPDATE tallies SET number = number + CASE WHEN NEW.processed_at IS NULL THEN 1 ELSE -1 END WHERE what = 'waiting';
END;
CREATE TRIGGER tally_delivery_gone AFTER DELETE ON deliveries BEGIN
  UPDATE tallies SET number = number - 1 WHERE what = 'deliveries';
  UPDATE tallies SET number = number - 1 WHERE what = 'waiting' AND OLD.processed_at IS NULL;
END;
CREATE TRIGGER tally_run_stored AFTER INSERT ON runs BEGIN
  UPDATE tallies SET number = number + 1 WHERE what = NEW.state;
END;
CREATE TRIGGER tally_run_moved AFTER UPDATE OF state ON runs WHEN OLD.state <> NEW.state BEGIN
  UPDATE tallies SET number = number - 1 WHERE what = OLD.state;
  UPDATE tallies SET number = number + 1 WHERE what = NEW.state;
END;
CREATE TRIGGER tally_run_gone AFTER DELETE ON runs BEGIN
  UPDATE tallies SET number = number - 1 WHERE what = OLD.state;
END;
CREATE TRIGGER tally_artifact_stored AFTER INSERT ON Artifact BEGIN
  UPDATE tallies SET number = number + 1 WHERE what = 'artifacts';
END;
CREATE TRIGGER tally_artifact_gone AFTER DELETE ON Artifact BEGIN
  UPDATE tallies SET number = number - 1 WHERE what = 'artifacts';
END;
CREATE TRIGGER tally_execution_stored AFTER INSERT ON Execution BEGIN
  UPDATE tallies SET number = number + 1 WHERE what = 'executions';
END;
CREATE TRIGGER tally_execution_gone AFTER DELETE ON Execution BEGIN
  UPDATE tallies SET number = number - 1 WHERE what = 'executions';
END;
