-- Trainyard's own tables. Ids are text, times are microseconds since 1970-01-01 UTC, JSON is text.

CREATE TABLE deliveries (
  id TEXT NOT NULL PRIMARY KEY,
  origin TEXT NOT NULL,
  kind TEXT NOT NULL,
  received_at BIGINT NOT NULL,
  headers TEXT NOT NULL,
  body BYTEA NOT NULL,
  processed_at BIGINT,
  outcome TEXT
);
CREATE INDEX deliveries_waiting ON deliveries (received_at, id) WHERE processed_at IS NULL;
CREATE INDEX deliveries_newest ON deliveries (received_at, id);

CREATE TABLE events (
  id TEXT NOT NULL PRIMARY KEY,
  delivery TEXT REFERENCES deliveries (id),
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  event TEXT NOT NULL,
  -- NULL for an event that may be repeated, and for a repetition.
  dedupe_key TEXT UNIQUE,
  outcome TEXT NOT NULL
);
CREATE INDEX events_delivery ON events (delivery);

CREATE TABLE holds (
  hold_key TEXT NOT NULL PRIMARY KEY,
  held_until BIGINT NOT NULL,
  event TEXT NOT NULL,
  payload TEXT NOT NULL
);
CREATE INDEX holds_due ON holds (held_until);

CREATE TABLE hold_events (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hold_key TEXT NOT NULL REFERENCES holds (hold_key) ON DELETE CASCADE,
  event TEXT NOT NULL,
  UNIQUE (hold_key, event)
);

CREATE TABLE runs (
  id TEXT NOT NULL PRIMARY KEY,
  pipeline TEXT NOT NULL,
  repo TEXT,
  branch TEXT,
  commit_sha TEXT,
  pull_request BIGINT,
  trigger_kind TEXT NOT NULL,
  cause TEXT NOT NULL,
  event TEXT REFERENCES events (id),
  created_at BIGINT NOT NULL,
  request TEXT NOT NULL,
  -- The number of its events; an append that expects another one is refused.
  version BIGINT NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'queued',
  summary TEXT,
  blessing TEXT,
  blessed_model TEXT,
  metrics TEXT NOT NULL DEFAULT '{}',
  steps TEXT NOT NULL,
  cancel_requested BOOLEAN NOT NULL DEFAULT FALSE,
  started_at BIGINT,
  ended_at BIGINT,
  lease_owner TEXT,
  lease_epoch BIGINT NOT NULL DEFAULT 0,
  lease_until BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX runs_newest ON runs (created_at, id);
CREATE INDEX runs_pipeline ON runs (pipeline, created_at, id);
CREATE INDEX runs_active ON runs (created_at, id) WHERE state IN ('queued', 'running');
CREATE INDEX runs_event ON runs (event);

CREATE TABLE run_events (
  run TEXT NOT NULL REFERENCES runs (id),
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (run, seq)
);

CREATE TABLE preimages (
  run TEXT NOT NULL REFERENCES runs (id),
  step TEXT NOT NULL,
  cache_key TEXT NOT NULL,
  preimage TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (run, step)
);

CREATE TABLE promotions (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target TEXT NOT NULL,
  -- The entry of the target before this one, 0 for the first: the ledger cannot fork.
  previous BIGINT NOT NULL,
  pipeline TEXT NOT NULL,
  action TEXT NOT NULL,
  version TEXT NOT NULL,
  model TEXT NOT NULL,
  run TEXT,
  actor TEXT NOT NULL,
  evidence TEXT NOT NULL,
  at BIGINT NOT NULL,
  UNIQUE (target, previous)
);
CREATE INDEX promotions_target ON promotions (target, id);

CREATE TABLE outbox (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  item_key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  repo TEXT NOT NULL,
  installation_id BIGINT,
  payload TEXT NOT NULL,
  generation BIGINT NOT NULL DEFAULT 1,
  attempts BIGINT NOT NULL DEFAULT 0,
  next_attempt_at BIGINT NOT NULL,
  last_error TEXT
);
CREATE INDEX outbox_due ON outbox (next_attempt_at);

CREATE TABLE pipelines (
  repo TEXT NOT NULL,
  name TEXT NOT NULL,
  installation_id BIGINT,
  branch TEXT NOT NULL,
  commit_sha TEXT NOT NULL,
  folder TEXT NOT NULL,
  plan TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (repo, name)
);

-- The repository is the empty text for a folder on this machine.
CREATE TABLE schedules (
  repo TEXT NOT NULL,
  pipeline TEXT NOT NULL,
  folder TEXT NOT NULL,
  commit_sha TEXT,
  branch TEXT,
  cron TEXT NOT NULL,
  timezone TEXT NOT NULL,
  catchup TEXT NOT NULL,
  since BIGINT NOT NULL,
  last_slot BIGINT,
  present BOOLEAN NOT NULL,
  PRIMARY KEY (repo, pipeline)
);

CREATE TABLE schedule_slots (
  repo TEXT NOT NULL,
  pipeline TEXT NOT NULL,
  slot BIGINT NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (repo, pipeline, slot)
);

-- Indexes that ml-metadata does not need and we do: names and contents without their type.
CREATE INDEX trainyard_artifact_name ON Artifact (name);
CREATE INDEX trainyard_execution_name ON Execution (name);
CREATE INDEX trainyard_artifact_digest ON ArtifactProperty (string_value)
  WHERE name = 'digest' AND is_custom_property = TRUE;
