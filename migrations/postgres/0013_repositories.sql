-- Repositories by the number that GitHub gave them: their names change, and are given to others.
CREATE TABLE repositories (
  id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  at BIGINT NOT NULL
);
-- Every name that a repository had, until another has it.
CREATE TABLE repository_names (
  name TEXT NOT NULL PRIMARY KEY,
  id BIGINT NOT NULL
);
-- As the newest event of each tells it.
INSERT INTO repositories (id, name, at)
  SELECT id, name, at FROM (
    SELECT id, name, at,
      ROW_NUMBER() OVER (PARTITION BY id ORDER BY at DESC, name) AS of_id,
      ROW_NUMBER() OVER (PARTITION BY name ORDER BY at DESC, id) AS of_name
    FROM (
      SELECT CAST(substring(event from '"repo_id": ?([0-9]{1,18})') AS BIGINT) AS id,
        substring(event from '"repo": ?"([^"]+)"') AS name, at
      FROM events WHERE kind IN ('push', 'pull_request')
    ) told
    WHERE id IS NOT NULL AND name IS NOT NULL
  ) newest WHERE of_id = 1 AND of_name = 1;
INSERT INTO repository_names (name, id) SELECT name, id FROM repositories;
