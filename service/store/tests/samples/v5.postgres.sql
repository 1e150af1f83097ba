-- What a database of schema 5 has beside one of schema 4.

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

INSERT INTO target_holds (target, held, actor, reason, at) VALUES ('flights', TRUE, 'ada', 'incident 7', 1700000009000000);

INSERT INTO public._sqlx_migrations VALUES(5,'0005_target_holds','2026-11-26 20:10:04+00',true,'\x6156b221661e272cf37384b58e76eefb3b6705895a56dc883efc0fe7343d4e0affe0a8c43113f95073a75079e26970e2',1204133);
