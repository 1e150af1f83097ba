-- Tokens of programs and people: of each only a hash, which its holder proves to know the origin of.
CREATE TABLE tokens (
  hash TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  scope TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  used_at BIGINT,
  revoked_by TEXT,
  revoked_at BIGINT
);
-- A revoked one's name may be given again.
CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked_at IS NULL;
-- Who is signed in, by the hash of what the cookie holds.
CREATE TABLE sessions (
  hash TEXT NOT NULL PRIMARY KEY,
  identity TEXT NOT NULL,
  -- What forms of this session's pages bring along.
  proof TEXT NOT NULL,
  began_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL
);
CREATE INDEX sessions_used ON sessions (used_at);
-- What people and programs did: written before it is done, and its end afterwards.
CREATE TABLE audit (
  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  deed TEXT NOT NULL,
  -- What it was done to: a run, a target, a token.
  subject TEXT NOT NULL,
  reason TEXT,
  -- NULL while it is done, and where the service ended meanwhile.
  done BOOLEAN,
  outcome TEXT
);
CREATE INDEX audit_at ON audit (at);
