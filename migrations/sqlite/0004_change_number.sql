-- One row. Its number grows in the transaction of every write that a page or the command line could show.

CREATE TABLE change_number (
  one BOOLEAN NOT NULL PRIMARY KEY DEFAULT TRUE CHECK (one),
  number BIGINT NOT NULL
);
INSERT INTO change_number (number) VALUES (1);
