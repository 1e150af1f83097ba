-- Push targets that people froze and released, append-only: the newest entry of a target is in force.

CREATE TABLE target_holds (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target TEXT NOT NULL,
  held BOOLEAN NOT NULL,
  actor TEXT NOT NULL,
  -- NULL where a release says none.
  reason TEXT,
  at BIGINT NOT NULL
);
CREATE INDEX target_holds_newest ON target_holds (target, id);
