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
