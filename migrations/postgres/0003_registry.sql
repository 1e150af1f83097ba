-- Names of versions, append-only: the newest entry of a model and alias is in force.

CREATE TABLE aliases (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model TEXT NOT NULL,
  alias TEXT NOT NULL,
  -- NULL where the name was taken away.
  version TEXT,
  actor TEXT NOT NULL,
  reason TEXT,
  at BIGINT NOT NULL
);
CREATE INDEX aliases_newest ON aliases (model, alias, id);

-- A person approved the model, with a reason that is in the evidence.
ALTER TABLE promotions ADD COLUMN forced BOOLEAN NOT NULL DEFAULT FALSE;
