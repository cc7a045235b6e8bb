-- Money is whole nano-dollars, unless a ceiling's unit says otherwise.

CREATE TABLE ceilings (              -- one row for each epoch of each ceiling; a reset begins a new one
  account   TEXT NOT NULL,
  id        TEXT NOT NULL,
  epoch     INTEGER NOT NULL CHECK (epoch > 0),
  provider  TEXT,                    -- NULL: all of them together
  tool      TEXT,                    -- NULL: all of them together
  unit      TEXT NOT NULL,           -- 'usd'; 'calls'; 'moved:eur', in the currency's smallest unit
  wanted    INTEGER NOT NULL CHECK (wanted >= 0),  -- what its owner set: nothing is let in above it
  ceiling   INTEGER NOT NULL,        -- the same, or what was used already when it was lowered
  settled   INTEGER NOT NULL DEFAULT 0,
  held      INTEGER NOT NULL DEFAULT 0,
  excess    INTEGER NOT NULL DEFAULT 0,  -- what a provider charged above what it had been said to
  warned    INTEGER NOT NULL DEFAULT 0,  -- per cent: the highest mark whose warning was given
  set_at    INTEGER NOT NULL,
  opened_at INTEGER NOT NULL,
  hit_at    INTEGER,                 -- from then on nothing is let in, until its owner resets it
  closed_at INTEGER,                 -- when the next epoch began, or the ceiling was taken away
  CHECK (settled >= 0 AND held >= 0 AND settled + held <= ceiling),
  CHECK (excess >= 0),
  PRIMARY KEY (account, id, epoch)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_ceiling
  ON ceilings (account, coalesce(provider, ''), coalesce(tool, ''), unit) WHERE closed_at IS NULL;

CREATE TABLE reservations (          -- what a call holds of a ceiling, and what became of it
  account TEXT NOT NULL,
  call    TEXT NOT NULL,
  ceiling TEXT NOT NULL,
  epoch   INTEGER NOT NULL,
  state   TEXT NOT NULL CHECK (
    state = 'HELD' OR state = 'DISPATCHED' OR state = 'SETTLED' OR state = 'RELEASED'
    OR state = 'DISPUTED'),
  amount  INTEGER NOT NULL CHECK (amount > 0),
  cost    INTEGER,
  PRIMARY KEY (account, call, ceiling, epoch)
) STRICT, WITHOUT ROWID;
CREATE INDEX disputed_reservations ON reservations (account, call) WHERE state = 'DISPUTED';

CREATE TABLE ledger (                -- what was charged, entry by entry; nothing in it is ever changed
  account  TEXT NOT NULL,
  call     TEXT NOT NULL,
  entry    INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  provider TEXT NOT NULL,
  tool     TEXT NOT NULL,
  model    TEXT,
  unit     TEXT NOT NULL,
  amount   INTEGER NOT NULL,         -- below zero where a disputed amount was given back
  kind     TEXT NOT NULL CHECK (
    kind = 'CHARGED' OR kind = 'DISPUTED' OR kind = 'GIVEN_BACK'),
  source   TEXT NOT NULL CHECK (
    source = 'PROVIDER' OR source = 'USAGE' OR source = 'USER' OR source = 'BOUND'
    OR source = 'UNPRICED'),
  PRIMARY KEY (account, call, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_by_time ON ledger (account, at);
CREATE TRIGGER ledger_is_append_only
  BEFORE UPDATE OF call, entry, at, provider, tool, model, unit, amount, kind, source ON ledger
  BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;

CREATE TABLE prices (                -- its owner's own, before the list's
  account  TEXT NOT NULL,
  provider TEXT NOT NULL,
  item     TEXT NOT NULL,            -- a model, an operation, or '*' for what has no price otherwise
  measure  TEXT NOT NULL,
  rate     INTEGER NOT NULL CHECK (rate >= 0),  -- a million tokens', one unit's of anything else
  set_at   INTEGER NOT NULL,
  PRIMARY KEY (account, provider, item, measure)
) STRICT, WITHOUT ROWID;

CREATE TABLE frozen (                -- models that cost more than their bound: no ceiling lets them in
  account  TEXT NOT NULL,
  provider TEXT NOT NULL,
  item     TEXT NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (account, provider, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE commitments (           -- what was made at a provider and costs by the hour
  account  TEXT NOT NULL,
  provider TEXT NOT NULL,
  resource TEXT NOT NULL,            -- the provider's own name for it
  call     TEXT NOT NULL,            -- that made it
  tool     TEXT NOT NULL,
  item     TEXT,                     -- the plan
  hourly   INTEGER NOT NULL,
  since    INTEGER NOT NULL,
  paid_to  INTEGER NOT NULL,         -- each hour is charged as it begins
  ended_at INTEGER,
  PRIMARY KEY (account, provider, resource)
) STRICT, WITHOUT ROWID;
CREATE INDEX running_commitments ON commitments (paid_to) WHERE ended_at IS NULL;

ALTER TABLE calls ADD COLUMN operation TEXT;
ALTER TABLE calls ADD COLUMN bound INTEGER;   -- the most that it could cost; NULL: nobody can tell

ALTER TABLE changes ADD COLUMN ceiling TEXT;
ALTER TABLE changes ADD COLUMN percent INTEGER;
