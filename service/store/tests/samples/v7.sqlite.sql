-- What a database of schema 7 has beside one of schema 5.

-- What is about to be done to a push target, stored before its first byte goes there.

CREATE TABLE push_intents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
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

-- Why a delivery still waits, for people.
ALTER TABLE deliveries ADD COLUMN waits_for TEXT;

-- Runs in whose hands a service died, until they come further.
CREATE TABLE crashes (
  run TEXT NOT NULL PRIMARY KEY REFERENCES runs (id),
  -- The version of the run at which it happened, how often, and when last.
  version BIGINT NOT NULL,
  times BIGINT NOT NULL,
  at BIGINT NOT NULL
);

-- The right to do what one process does at a time, by name. Its epoch grows with every taking; who holds an
-- older one changes nothing. The holder moves the beat: no clock is compared with another.
CREATE TABLE leases (
  name TEXT NOT NULL PRIMARY KEY,
  owner TEXT,
  epoch BIGINT NOT NULL,
  beat BIGINT NOT NULL
);

UPDATE deliveries SET waits_for = 'it will be tried again: nobody answers' WHERE id = 'd2';
INSERT INTO crashes (run, version, times, at) VALUES ('r2', 1, 2, 1700000009000000);
INSERT INTO leases (name, owner, epoch, beat) VALUES ('push', 'one', 3, 4);

INSERT INTO _sqlx_migrations VALUES(6,'0006_push_intents','2026-11-26 23:50:06',1,X'486cd0fb1987302de83b6346ce8b4d6a656981b771a5fc006d7d338752e1b698c97c5b91524f698650fb93454753202b',1204133);
INSERT INTO _sqlx_migrations VALUES(7,'0007_set_aside','2026-11-26 23:50:07',1,X'c6bc1a77cecb2e54abb50cddd231633c2ffef540122c2b106341eb94ec5a5a61c86d9389b17215a28c06763a33e55ed6',1204133);
