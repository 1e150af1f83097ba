-- The SHA-256 of a webhook's body, in hex: the same event with the same body within a week is no new one.
ALTER TABLE deliveries ADD COLUMN digest TEXT;
-- What is wrong with it, seen at the door; it starts nothing.
ALTER TABLE deliveries ADD COLUMN flagged TEXT;
-- Who had it looked at anew, and whether although something had followed from it.
ALTER TABLE deliveries ADD COLUMN replayed_by TEXT;
ALTER TABLE deliveries ADD COLUMN forced BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX deliveries_same ON deliveries (kind, digest, received_at) WHERE digest IS NOT NULL;
-- How each pipeline's triggers and filters met the event.
ALTER TABLE events ADD COLUMN looks TEXT;
-- Repositories whose branches and pull requests were compared with what was seen: what comes after that is news.
CREATE TABLE sweeps (
  repo TEXT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL
);
