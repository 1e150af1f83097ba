-- Runs that wait, or waited, for a person's word.
CREATE TABLE approvals (
  run TEXT NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  -- fork: nothing of its commit runs before; model: it is not pushed before.
  kind TEXT NOT NULL,
  -- Of a fork, the branch it would be merged into; another one voids the word.
  base TEXT,
  -- Of a model, where it is to be pushed.
  target TEXT,
  -- Of a model, how long it waits, in seconds.
  seconds BIGINT,
  -- How long it has waited while a service was there, in microseconds.
  waited BIGINT NOT NULL DEFAULT 0
);
-- Few wait; who waits is asked often.
CREATE INDEX runs_waiting ON runs (created_at, id) WHERE state = 'waiting_for_approval';
INSERT INTO tallies (what, number) VALUES ('waiting_for_approval', 0);
