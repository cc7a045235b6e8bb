-- Times are whole microseconds since 1970 in UTC. `account` is SHA-256 of the e-mail address in hex.

CREATE TABLE master_keys (           -- one row for each master key that has ever sealed here
  id          TEXT PRIMARY KEY,
  check_value BLOB NOT NULL          -- opens with that master key and no other
) STRICT;

CREATE TABLE accounts (
  account    TEXT PRIMARY KEY,
  address    BLOB NOT NULL,          -- the e-mail address, sealed
  password   TEXT NOT NULL,          -- argon2id, encoded
  created_at INTEGER NOT NULL,
  head       INTEGER NOT NULL DEFAULT 0,  -- the newest change's number
  pruned     INTEGER NOT NULL DEFAULT 0   -- changes up to here are no longer kept
) STRICT;

CREATE TABLE sessions (
  id         BLOB PRIMARY KEY,       -- SHA-256 of the id in the cookie
  account    TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  proven_at  INTEGER NOT NULL        -- when the password was last given
) STRICT;
CREATE INDEX sessions_of_account ON sessions (account);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE user_tokens (
  id         TEXT PRIMARY KEY,
  account    TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
  name       TEXT NOT NULL,
  digest     BLOB NOT NULL UNIQUE,   -- SHA-256 of the token
  hint       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE INDEX user_tokens_of_account ON user_tokens (account);

CREATE TABLE tools (
  id         TEXT PRIMARY KEY,
  account    TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
  name       TEXT NOT NULL,
  digest     BLOB NOT NULL UNIQUE,   -- SHA-256 of the token
  hint       TEXT NOT NULL,
  providers  TEXT,                   -- the allowed ones, between spaces (' openai google '); NULL: all
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE INDEX tools_of_account ON tools (account);

-- The sealed keys, by themselves, because SQLite's `secure_delete` has a hole: when it moves rows
-- from page to page, the bytes that it leaves behind are not overwritten, and stay in the file after
-- the row itself is erased. Rows here never move: they are only ever added at the end, never deleted,
-- and erased by zeros of the same length, which SQLite writes in place.
CREATE TABLE seals (
  slot    INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  sealed  BLOB NOT NULL
) STRICT;

CREATE TABLE keys (
  id          TEXT PRIMARY KEY,
  account     TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
  provider    TEXT NOT NULL,
  label       TEXT NOT NULL,
  masked      TEXT NOT NULL,
  version     INTEGER NOT NULL CHECK (version > 0),
  state       TEXT NOT NULL CHECK (state IN ('ACTIVE', 'UNVERIFIED', 'SCOPED', 'REJECTED')),
  is_default  INTEGER NOT NULL CHECK (is_default IN (0, 1)),
  slot        INTEGER REFERENCES seals,
  fingerprint BLOB,                  -- keyed; tells an owner that the same key is here already
  added_at    INTEGER NOT NULL,
  rotated_at  INTEGER,
  verified_at INTEGER,
  removed_at  INTEGER,
  -- A removed key is its tombstone: nothing of the secret stays.
  CHECK ((removed_at IS NULL) = (slot IS NOT NULL)),
  CHECK ((removed_at IS NULL) = (fingerprint IS NOT NULL)),
  CHECK (removed_at IS NULL OR is_default = 0)
) STRICT;
CREATE INDEX keys_of_account ON keys (account, provider) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX one_default ON keys (account, provider) WHERE is_default = 1;
CREATE UNIQUE INDEX one_label ON keys (account, provider, label) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX no_key_twice ON keys (account, provider, fingerprint) WHERE removed_at IS NULL;

CREATE TABLE changes (               -- what happened, in commit order; gap-free within an account
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  account  TEXT NOT NULL,
  seq      INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  reason   TEXT,
  provider TEXT,
  key      TEXT,
  version  INTEGER,
  tool     TEXT,
  at       INTEGER NOT NULL,
  UNIQUE (account, seq)
) STRICT;
CREATE INDEX changes_by_time ON changes (at);
CREATE INDEX revocations_of_account ON changes (account, seq) WHERE reason IS NOT NULL;

CREATE TABLE workers (               -- the server processes; one that fell silent has died
  id         TEXT PRIMARY KEY,
  started_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE listeners (             -- the running tools: each open keyRevoked subscription
  id           TEXT PRIMARY KEY,
  account      TEXT NOT NULL,
  tool         TEXT NOT NULL REFERENCES tools ON DELETE CASCADE,
  instance     TEXT NOT NULL,
  worker       TEXT NOT NULL,
  start        INTEGER NOT NULL,     -- the number of the change after which it listens
  connected_at INTEGER NOT NULL
) STRICT;
CREATE INDEX listeners_of_account ON listeners (account, tool);
CREATE INDEX listeners_of_worker ON listeners (worker);

CREATE TABLE heard (                 -- each acknowledgement: everything up to `seq` was applied
  account  TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
  tool     TEXT NOT NULL REFERENCES tools ON DELETE CASCADE,
  instance TEXT NOT NULL,
  seq      INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (account, tool, instance, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX heard_by_time ON heard (at);

CREATE TABLE calls (                 -- the ledger: one row for each brokered call
  id         TEXT NOT NULL,
  account    TEXT NOT NULL,
  tool       TEXT NOT NULL,
  key        TEXT NOT NULL,
  version    INTEGER NOT NULL,
  provider   TEXT NOT NULL,
  worker     TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  model      TEXT,
  outcome    TEXT CHECK (outcome IN
    ('ANSWERED', 'CUT', 'CLIENT_GONE', 'UPSTREAM_FAILED', 'REFUSED', 'LOST')),  -- NULL: it runs
  status     INTEGER,
  bytes_in   INTEGER NOT NULL DEFAULT 0,
  bytes_out  INTEGER NOT NULL DEFAULT 0,
  duration   INTEGER,                -- microseconds
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX calls_of_key ON calls (account, key, started_at);
CREATE INDEX running_calls ON calls (worker) WHERE outcome IS NULL;
CREATE INDEX cut_calls_of_key ON calls (key) WHERE outcome = 'CUT';
CREATE INDEX cut_calls_of_tool ON calls (tool) WHERE outcome = 'CUT';

CREATE TABLE audit (                 -- what was done; each entry is signed over the one before it
  account   TEXT NOT NULL,
  seq       INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  act       TEXT NOT NULL,
  subject   TEXT,                    -- the reference of a key, tool or token
  signature BLOB NOT NULL,
  PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_heads (           -- the newest entry of each account, signed: none can be cut off
  account   TEXT PRIMARY KEY,
  seq       INTEGER NOT NULL,
  signature BLOB NOT NULL
) STRICT, WITHOUT ROWID;
