-- What a database of schema 4 has beside one of schema 3.

-- One row. Its number grows in the transaction of every write that a page or the command line could show.

CREATE TABLE change_number (
  one BOOLEAN NOT NULL PRIMARY KEY DEFAULT TRUE CHECK (one),
  number BIGINT NOT NULL
);
INSERT INTO change_number (number) VALUES (1);

-- Whoever listens hears of it after the commit.
CREATE FUNCTION trainyard_tell_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NOTIFY trainyard_change;
  RETURN NULL;
END $$;
CREATE TRIGGER trainyard_tell_change AFTER UPDATE ON change_number
  FOR EACH STATEMENT EXECUTE FUNCTION trainyard_tell_change();

INSERT INTO public._sqlx_migrations VALUES (4, '0004_change_number', '2026-11-26 16:20:40.118203+00', true, '\x7a5e2e0ed8c27d5f31763f4076a29c9205951ac9f44bad50d2a69a813f49e370a7bf9744f79612cd0d23344b959c839f', 1930411);
UPDATE change_number SET number = 7;
