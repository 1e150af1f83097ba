-- What a database of schema 5 has beside one of schema 4.

-- Push targets that people froze and released, append-only: the newest entry of a target is in force.

CREATE TABLE target_holds (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  target TEXT NOT NULL,
  held BOOLEAN NOT NULL,
  actor TEXT NOT NULL,
  -- NULL where a release says none.
  reason TEXT,
  at BIGINT NOT NULL
);
CREATE INDEX target_holds_newest ON target_holds (target, id);

INSERT INTO target_holds (target, held, actor, reason, at) VALUES ('flights', TRUE, 'ada', 'incident 7', 1700000009000000);

INSERT INTO _sqlx_migrations VALUES(5,'0005_target_holds','2026-11-26 20:10:04',1,X'a45e9f364587483d3fcbabb7daf8272ee12503a32825cf03c5319f4782c1b3dfda35e6caf3a1864309bdbce91363f940',1204133);
