-- What an answer is inspected by, and what becomes of one that can't be.

ALTER TABLE keys ADD COLUMN trace BLOB;  -- sealed: by what the key is known again in an answer, not the key
ALTER TABLE tools ADD COLUMN inspected_only INTEGER NOT NULL DEFAULT 0  -- refused: what can't be inspected
  CHECK (inspected_only = 0 OR inspected_only = 1);

-- Which tools use a key is read from this index alone; else each of its calls would be looked up.
DROP INDEX calls_of_key;
CREATE INDEX calls_of_key ON calls (account, key, started_at, tool);
