-- When a message was put into the outbox: one that nobody takes is given up at last.
ALTER TABLE outbox ADD COLUMN put_at BIGINT NOT NULL DEFAULT 0;
UPDATE outbox SET put_at = next_attempt_at;

-- Old events that no delivery brought are looked for by their time.
CREATE INDEX events_alone ON events (at) WHERE delivery IS NULL;
