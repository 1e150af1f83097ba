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
