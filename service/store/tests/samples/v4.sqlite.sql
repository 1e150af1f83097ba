-- What a database of schema 4 has beside one of schema 3.

-- One row. Its number grows in the transaction of every write that a page or the command line could show.

CREATE TABLE change_number (
  one BOOLEAN NOT NULL PRIMARY KEY DEFAULT TRUE CHECK (one),
  number BIGINT NOT NULL
);
INSERT INTO change_number (number) VALUES (1);

INSERT INTO _sqlx_migrations VALUES(4,'0004_change_number','2026-11-26 16:20:40',1,X'a50d371f6244c24bbf7540f8d3b6fbaeb0d3236c9a92397d269d4a8df3f32f9ffbf1b80ff6cbe0f6184c97ddd0fea8a1',1204133);
UPDATE change_number SET number = 7;
