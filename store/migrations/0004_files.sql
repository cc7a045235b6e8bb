-- Answers that a tool asked to have kept. Names and types are the owner's: sealed, as the content is.

CREATE TABLE files (
  account  TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
  id       TEXT NOT NULL,
  tool     TEXT NOT NULL,
  call     TEXT NOT NULL,
  provider TEXT NOT NULL,
  made_at  INTEGER NOT NULL,
  kept_at  INTEGER,                   -- NULL: the answer still comes
  bytes    INTEGER NOT NULL DEFAULT 0,
  facts    BLOB,                      -- sealed: name, type, number of parts; NULL until it is whole
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX files_under_way ON files (made_at) WHERE kept_at IS NULL;

CREATE TABLE file_parts (
  account TEXT NOT NULL,
  file    TEXT NOT NULL,
  part    INTEGER NOT NULL,
  sealed  BLOB NOT NULL,              -- under a key of the file's own
  FOREIGN KEY (account, file) REFERENCES files ON DELETE CASCADE ON UPDATE CASCADE
) STRICT;
CREATE UNIQUE INDEX parts_of_file ON file_parts (account, file, part);
