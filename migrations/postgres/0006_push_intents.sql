-- What is about to be done to a push target, stored before its first byte goes there.

CREATE TABLE push_intents (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target TEXT NOT NULL,
  -- The version's number, and whether it is a new one: a rollback may go back to one that served.
  number BIGINT NOT NULL,
  version TEXT NOT NULL,
  fresh BOOLEAN NOT NULL,
  -- push, promote or rollback.
  action TEXT NOT NULL,
  -- begun, unknown, recorded or withdrawn.
  state TEXT NOT NULL,
  reason TEXT,
  digest TEXT NOT NULL,
  -- The entry that the ledger gets when it is done.
  pipeline TEXT NOT NULL,
  model TEXT NOT NULL,
  run TEXT,
  actor TEXT NOT NULL,
  evidence TEXT NOT NULL,
  at BIGINT NOT NULL,
  settled_at BIGINT
);
-- A number is given once, whatever becomes of it.
CREATE UNIQUE INDEX push_intents_number ON push_intents (target, number) WHERE fresh;
-- One change of a target at a time.
CREATE UNIQUE INDEX push_intents_open ON push_intents (target) WHERE state IN ('begun', 'unknown');
CREATE INDEX push_intents_newest ON push_intents (target, id);

-- What the last look at a target found that its ledger does not say.
CREATE TABLE target_findings (
  target TEXT NOT NULL PRIMARY KEY,
  finding TEXT NOT NULL,
  at BIGINT NOT NULL
);
