-- Times are whole microseconds since 1970 in UTC. `account` is SHA-256 of the e-mail address in hex.

CREATE TABLE master_keys (           -- one row for each master key that has ever sealed here
  id          TEXT PRIMARY KEY,
  check_value BLOB NOT NULL          -- opens with that master key and no other
) STRICT;

CREATE TABLE accounts (
  account     TEXT PRIMARY KEY,      -- random for one that has a telephone number and no address
  address     BLOB,                  -- the e-mail address, sealed
  verified_at INTEGER,               -- when mail to the address was shown to reach its owner
  created_at  INTEGER NOT NULL,
  disabled_at INTEGER,               -- by the operator: nothing is granted
  deleted_at  INTEGER,               -- by its owner: nothing is granted, the rest is swept away
  head        INTEGER NOT NULL DEFAULT 0,  -- the newest change's number
  pruned      INTEGER NOT NULL DEFAULT 0,  -- changes up to here are no longer kept
  voucher     BLOB NOT NULL
) STRICT;
CREATE INDEX deleted_accounts ON accounts (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE moves (                 -- accounts that took another address, and so another id
  was     TEXT NOT NULL,
  account TEXT NOT NULL,
  at      INTEGER NOT NULL
) STRICT;
CREATE INDEX moves_from ON moves (was, at);

-- A voucher is a keyed digest over what its row grants, and to whom: `accounts/vouching.py`. A row
-- that was written by somebody without the master key grants nothing.

CREATE TABLE passwords (
  account    TEXT PRIMARY KEY REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
  encoded    TEXT NOT NULL,          -- argon2id
  changed_at INTEGER NOT NULL,
  voucher    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (            -- accounts elsewhere, and telephone numbers, that sign one in
  id         TEXT PRIMARY KEY,
  account    TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
  kind       TEXT NOT NULL CHECK (kind IN ('GOOGLE', 'GITHUB', 'WHATSAPP')),
  subject    BLOB NOT NULL UNIQUE,   -- a keyed digest of who it is there
  name       BLOB NOT NULL,          -- what its owner knows it by (a login, a number), sealed
  created_at INTEGER NOT NULL,
  used_at    INTEGER,
  voucher    BLOB NOT NULL
) STRICT;
CREATE INDEX identities_of_account ON identities (account);

CREATE TABLE passkeys (
  id         TEXT PRIMARY KEY,
  account    TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
  credential BLOB NOT NULL UNIQUE,   -- the authenticator's id for it
  public_key BLOB NOT NULL,          -- COSE
  handle     BLOB NOT NULL,          -- the user handle that the authenticator was given
  sign_count INTEGER NOT NULL,
  transports TEXT NOT NULL,          -- between spaces
  backed_up  INTEGER NOT NULL,
  name       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at    INTEGER,
  voucher    BLOB NOT NULL
) STRICT;
CREATE INDEX passkeys_of_account ON passkeys (account);

CREATE TABLE totp (                  -- the second factor
  account   TEXT PRIMARY KEY REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
  sealed    BLOB NOT NULL,           -- the shared secret
  last_step INTEGER NOT NULL,        -- the newest code that was taken: none is taken twice
  added_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
  account TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
  digest  BLOB NOT NULL,             -- keyed, so that none can be planted; a used one is gone
  PRIMARY KEY (account, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  id         BLOB PRIMARY KEY,       -- SHA-256 of the id in the cookie
  reference  TEXT NOT NULL UNIQUE,   -- what its owner names it by, to end it
  account    TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  proven_at  INTEGER NOT NULL,       -- when its owner last showed who they are
  used_at    INTEGER NOT NULL,
  means      TEXT NOT NULL,          -- by what they showed it
  device     TEXT NOT NULL,          -- the browser's own words, cut and cleaned
  place      TEXT NOT NULL,          -- the client's address
  voucher    BLOB NOT NULL
) STRICT;
CREATE INDEX sessions_of_account ON sessions (account);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE tickets (               -- good for one thing, once: mailed links, codes, things begun
  digest     BLOB PRIMARY KEY,       -- SHA-256 of the ticket
  purpose    TEXT NOT NULL,
  account    TEXT REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
  sealed     BLOB NOT NULL,          -- what it stands for
  tries      INTEGER NOT NULL,       -- how often it may still be tried
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tickets_of_account ON tickets (account, purpose);
CREATE INDEX tickets_by_end ON tickets (expires_at);

CREATE TABLE outbox (                -- mail that is to go out: kept until it is delivered
  id         TEXT PRIMARY KEY,
  account    TEXT NOT NULL,
  letter     TEXT NOT NULL,          -- which one
  sealed     BLOB NOT NULL,          -- to whom, and what it says
  created_at INTEGER NOT NULL,
  due_at     INTEGER NOT NULL,
  tries      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_by_turn ON outbox (due_at);

CREATE TABLE buckets (               -- rate limits: how much is left in each, and since when
  name TEXT PRIMARY KEY,
  left INTEGER NOT NULL,             -- thousandths
  at   INTEGER NOT NULL,
  full_at INTEGER NOT NULL           -- from then on the row says nothing
) STRICT, WITHOUT ROWID;
CREATE INDEX buckets_by_end ON buckets (full_at);

CREATE TABLE user_tokens (
  id         TEXT PRIMARY KEY,
  account    TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
  name       TEXT NOT NULL,
  digest     BLOB NOT NULL UNIQUE,   -- SHA-256 of the token
  prefix     TEXT NOT NULL,          -- its public beginning
  scopes     TEXT NOT NULL,          -- between spaces
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  used_at    INTEGER,
  voucher    BLOB NOT NULL
) STRICT;
CREATE INDEX user_tokens_of_account ON user_tokens (account);

CREATE TABLE tools (
  id         TEXT PRIMARY KEY,
  account    TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
  name       TEXT NOT NULL,
  digest     BLOB NOT NULL UNIQUE,   -- SHA-256 of the token
  prefix     TEXT NOT NULL,          -- its public beginning
  providers  TEXT,                   -- the allowed ones, between spaces (' openai google '); NULL: all
  per_minute INTEGER,                -- calls; NULL: as many as it likes
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  used_at    INTEGER,                -- to the minute
  voucher    BLOB NOT NULL
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
  account     TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
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
  was      TEXT,                     -- the account's id until then, when it has moved
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
  account  TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
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
