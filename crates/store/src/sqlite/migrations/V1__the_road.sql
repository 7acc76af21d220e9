-- The tables of the road and of those who configure it. Times are milliseconds since 1970; ids are 16 bytes.

-- Facts about the database itself: the check value of the master key.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE projects (
    id         BLOB PRIMARY KEY,
    slug       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    dialect    TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE api_keys (
    id         BLOB PRIMARY KEY,
    project    BLOB NOT NULL,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,          -- JSON list
    hash       BLOB NOT NULL UNIQUE,   -- SHA-256 of the key
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE endpoints (
    id              BLOB PRIMARY KEY,
    project         BLOB NOT NULL,
    url             TEXT NOT NULL,
    settings        TEXT NOT NULL,     -- JSON
    sealed          BLOB NOT NULL,     -- secrets, credentials and headers, encrypted
    status          INTEGER NOT NULL,  -- 0 active, 1 paused, 2 disabled
    disabled_reason TEXT,
    failure_count   INTEGER NOT NULL DEFAULT 0,
    failing_since   INTEGER,
    troubled        INTEGER NOT NULL DEFAULT 0,  -- a delivery was given up, or it was disabled, since the last success
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    deleted         INTEGER NOT NULL DEFAULT 0   -- 1: pending deliveries are being cancelled, 2: done
);

CREATE INDEX endpoints_half_deleted ON endpoints (id) WHERE deleted = 1;

CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,
    project     BLOB NOT NULL,
    id          TEXT NOT NULL,
    type        TEXT NOT NULL,
    tenant      TEXT,
    data        TEXT NOT NULL,         -- JSON, as it came in
    brand       TEXT,
    workflow    TEXT,
    summary     TEXT,
    occurred_at INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    deliver_at  INTEGER,
    expires_at  INTEGER,
    deliveries  INTEGER NOT NULL,      -- made when it was accepted
    fingerprint BLOB,                  -- SHA-256 of what was asked, if it may be asked again
    test        INTEGER NOT NULL       -- made for one endpoint alone, to try it: no other has missed it
);
CREATE UNIQUE INDEX events_by_id ON events (project, id);
CREATE INDEX events_by_age ON events (project);   -- and seq, as every index of a rowid table

CREATE TABLE idempotency (
    project     BLOB NOT NULL,
    key         TEXT NOT NULL,
    event       INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    PRIMARY KEY (project, key)
) WITHOUT ROWID;

CREATE TABLE deliveries (
    id              BLOB PRIMARY KEY,  -- UUID v7: in order of age
    project         BLOB NOT NULL,
    endpoint        BLOB NOT NULL,
    event           INTEGER NOT NULL,  -- events.seq
    status          INTEGER NOT NULL,  -- 0 pending, 1 delivered, 2 failed, 3 cancelled
    attempts        INTEGER NOT NULL DEFAULT 0,
    run_began_at    INTEGER NOT NULL DEFAULT 0,  -- attempts made when this run of the schedule began
    manual          INTEGER NOT NULL DEFAULT 0,  -- one attempt, no schedule
    place           INTEGER NOT NULL,  -- its turn within the endpoint: the first due time where order is strict, else the next
    next_attempt_at INTEGER NOT NULL,
    status_code     INTEGER,           -- of the last attempt
    reason          INTEGER            -- why cancelled: 0 expired, 1 endpoint deleted
) WITHOUT ROWID;
CREATE INDEX deliveries_pending ON deliveries (endpoint, place, id) WHERE status = 0;
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint, id);
CREATE INDEX deliveries_by_project ON deliveries (project, id);
CREATE INDEX deliveries_by_event ON deliveries (event);
CREATE INDEX deliveries_failed ON deliveries (project, id) WHERE status = 2;
CREATE INDEX deliveries_failed_by_endpoint ON deliveries (endpoint, id) WHERE status = 2;

CREATE TABLE attempts (
    delivery         BLOB NOT NULL,
    number           INTEGER NOT NULL,
    started_at       INTEGER NOT NULL,
    duration_ms      INTEGER NOT NULL,
    status_code      INTEGER,
    error_kind       TEXT,
    error            TEXT,
    request_headers  TEXT NOT NULL,    -- JSON list of pairs, secrets masked
    response_headers TEXT,
    response_body    BLOB,
    truncated        INTEGER NOT NULL,
    next_attempt_at  INTEGER
);
CREATE UNIQUE INDEX attempts_by_delivery ON attempts (delivery, number);

CREATE TABLE jobs (
    id         BLOB PRIMARY KEY,
    project    BLOB NOT NULL,
    task       TEXT NOT NULL,          -- JSON
    status     INTEGER NOT NULL,       -- 0 running, 1 done, 2 cancelled, 3 failed
    total      INTEGER NOT NULL,
    done       INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,
    cursor     BLOB,                   -- where the next step begins
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX jobs_running ON jobs (id) WHERE status = 0;
