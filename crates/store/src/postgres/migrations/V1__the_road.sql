-- The tables of the road and of those who configure it. Times are milliseconds since 1970 by the database's clock.
--
-- Events, deliveries and attempts are kept by day: their keys are UUIDs of version 7, which begin with the time, so a day
-- is a range of keys, a lookup by key reads one day and retention drops whole ones. What belongs to no day that has a
-- partition is in the default one, so that nothing ever fails for want of a partition.

-- Facts about the database itself: the check value of the master key.
CREATE TABLE meta (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);

-- Projects, keys, endpoints and ways of speaking are held in memory by every node. A change counts up the revision and
-- says what it was about; nodes that see another revision than theirs read what changed.
CREATE TABLE directory (
    revision bigint NOT NULL
);
INSERT INTO directory VALUES (0);

CREATE TABLE changes (
    revision bigint NOT NULL,
    kind     smallint NOT NULL,        -- 0 project, 1 key, 2 endpoint
    id       uuid NOT NULL,
    PRIMARY KEY (revision, kind, id)
);

CREATE TABLE projects (
    id         uuid PRIMARY KEY,
    slug       text NOT NULL UNIQUE,
    name       text NOT NULL,
    dialect    text NOT NULL,
    admins     text NOT NULL,          -- JSON list of mail addresses
    retention  text NOT NULL DEFAULT '{}',  -- JSON: what the project says of it
    created_at bigint NOT NULL
);

CREATE TABLE api_keys (
    id         uuid PRIMARY KEY,
    project    uuid NOT NULL,
    name       text NOT NULL,
    scopes     text NOT NULL,          -- JSON list
    hash       bytea NOT NULL UNIQUE,  -- SHA-256 of the key
    created_at bigint NOT NULL
);
CREATE INDEX api_keys_by_project ON api_keys (project);

CREATE TABLE dialects (
    project    uuid NOT NULL,
    name       text NOT NULL,
    file       text NOT NULL,          -- TOML, as it was judged
    updated_at bigint NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE event_types (
    project     uuid NOT NULL,
    name        text NOT NULL,
    type_group  text,
    description text,
    schema      text,                  -- JSON
    example     text,                  -- JSON
    PRIMARY KEY (project, name)
);

CREATE TABLE endpoints (
    id              uuid PRIMARY KEY,
    project         uuid NOT NULL,
    url             text NOT NULL,
    settings        text NOT NULL,     -- JSON
    sealed          bytea NOT NULL,    -- secrets, credentials and headers, encrypted
    status          smallint NOT NULL, -- 0 active, 1 paused, 2 disabled
    disabled_reason text,
    created_at      bigint NOT NULL,
    updated_at      bigint NOT NULL,
    deleted         smallint NOT NULL DEFAULT 0  -- 1: pending deliveries are being cancelled, 2: done
);
CREATE INDEX endpoints_half_deleted ON endpoints (id) WHERE deleted = 1;

-- Endpoints' runs of failures. Changed by attempts, so it is not the directory's business. No row: all is well.
CREATE TABLE health (
    endpoint      uuid PRIMARY KEY,
    failure_count integer NOT NULL DEFAULT 0,
    failing_since bigint,
    troubled      boolean NOT NULL DEFAULT false,  -- a delivery was given up, or it was disabled, since the last success
    told          boolean NOT NULL DEFAULT false,  -- admins were mailed of the trouble it is in
    told_at       bigint                           -- when they were last mailed of trouble
) WITH (fillfactor = 70);

CREATE TABLE events (
    key         uuid NOT NULL,         -- version 7: in the order they were accepted
    project     uuid NOT NULL,
    id          text NOT NULL,
    type        text NOT NULL,
    tenant      text,
    data        text NOT NULL,         -- JSON, as it came in
    brand       text,
    workflow    text,
    summary     text,
    occurred_at bigint NOT NULL,
    created_at  bigint NOT NULL,
    deliver_at  bigint,
    expires_at  bigint,
    deliveries  integer NOT NULL,      -- made when it was accepted
    test        boolean NOT NULL,      -- made for one endpoint alone, to try it: no other has missed it
    PRIMARY KEY (key)
) PARTITION BY RANGE (key);
CREATE INDEX events_by_age ON events (project, key);
CREATE TABLE events_default PARTITION OF events DEFAULT;
-- Each partition has one of these. Over all of them ids are kept apart by `idempotency`, if their callers chose them, and by
-- chance if we did.
CREATE UNIQUE INDEX events_default_by_id ON events_default (project, id);

-- By what a repeated request is recognised, whichever node it comes to and however old its event is.
CREATE TABLE idempotency (
    project     uuid NOT NULL,
    kind        smallint NOT NULL,     -- 0 the event's id, 1 the request's key
    name        text NOT NULL,
    event       uuid NOT NULL,         -- events.key
    fingerprint bytea NOT NULL,        -- SHA-256 of what was asked
    PRIMARY KEY (project, kind, name)
);
CREATE INDEX idempotency_by_event ON idempotency (event);

-- What never changes of a delivery's row is in its indexes, and what changes is in none, so that an attempt rewrites the
-- row in place.
CREATE TABLE deliveries (
    id              uuid NOT NULL,     -- version 7: in order of age
    project         uuid NOT NULL,
    endpoint        uuid NOT NULL,
    event           uuid NOT NULL,     -- events.key
    status          smallint NOT NULL DEFAULT 0,   -- 0 pending, 1 delivered, 2 failed, 3 cancelled
    attempts        integer NOT NULL DEFAULT 0,
    run_began_at    integer NOT NULL DEFAULT 0,    -- attempts made when this run of the schedule began
    manual          boolean NOT NULL,  -- one attempt, no schedule
    next_attempt_at bigint NOT NULL,
    status_code     integer,           -- of the last attempt
    reason          smallint,          -- why cancelled: 0 expired, 1 endpoint deleted
    note            text,              -- why it was made although its endpoint's filter could not be asked
    failed          boolean NOT NULL DEFAULT false,  -- status = 2, for the indexes
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint, id);
CREATE INDEX deliveries_by_project ON deliveries (project, id);
CREATE INDEX deliveries_by_event ON deliveries (event);
CREATE INDEX deliveries_failed ON deliveries (project, id) WHERE failed;
CREATE INDEX deliveries_failed_by_endpoint ON deliveries (endpoint, id) WHERE failed;
CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT WITH (fillfactor = 80);

-- What is still to be sent: a row for each pending delivery, gone when it is settled.
CREATE TABLE pending (
    delivery uuid PRIMARY KEY,
    endpoint uuid NOT NULL,
    place    bigint NOT NULL           -- its turn within the endpoint: the first due time where order is strict, else the next
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
CREATE INDEX pending_in_order ON pending (endpoint, place, delivery);

CREATE TABLE attempts (
    delivery         uuid NOT NULL,
    number           integer NOT NULL,
    started_at       bigint NOT NULL,
    duration_ms      bigint NOT NULL,
    status_code      integer,
    error_kind       text,
    error            text,
    request_headers  bytea NOT NULL,   -- packed, secrets masked
    response_headers bytea,
    response_body    bytea,
    truncated        boolean NOT NULL,
    next_attempt_at  bigint,
    request_body     bytea,            -- what was sent, unless a built-in dialect makes it from the event
    dialect          text,             -- that dialect, unless it is standard
    notes            text,             -- JSON list
    dropped          bigint,           -- which bodies were dropped: 1 the response's, 2 the request's, 3 both
    PRIMARY KEY (delivery, number)
) PARTITION BY RANGE (delivery);
CREATE INDEX attempts_with_bodies ON attempts (started_at) WHERE response_body IS NOT NULL OR request_body IS NOT NULL;
CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;

CREATE TABLE jobs (
    id         uuid PRIMARY KEY,
    project    uuid NOT NULL,
    endpoint   uuid,                   -- whose owner runs it; without one, the owner of the job's own shard does
    task       text NOT NULL,          -- JSON
    status     smallint NOT NULL,      -- 0 running, 1 done, 2 cancelled, 3 failed
    total      bigint NOT NULL,
    done       bigint NOT NULL DEFAULT 0,
    failed     bigint NOT NULL DEFAULT 0,
    cursor     bytea,                  -- where the next step begins
    created_at bigint NOT NULL
);
CREATE INDEX jobs_running ON jobs (id) WHERE status = 0;
CREATE INDEX jobs_by_age ON jobs (created_at) WHERE status <> 0;

-- Mail to projects' admins, on its way out: a row for each address, gone when it is sent or given up.
CREATE TABLE mails (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         uuid NOT NULL UNIQUE,
    project    uuid NOT NULL,
    shard      smallint NOT NULL,      -- the project's: its owner sends
    recipient  text NOT NULL,
    report     text NOT NULL,          -- JSON: what happened; words are made of it when it is sent
    due_at     bigint NOT NULL,        -- the next try
    failures   integer NOT NULL DEFAULT 0,
    created_at bigint NOT NULL
);
CREATE INDEX mails_due ON mails (shard, due_at, seq);
CREATE INDEX mails_by_project ON mails (project);

-- The cluster. A node that is heard of holds the shards that name it; one that is not heard of until `expires_at`, by
-- this database's clock, holds none.
CREATE TABLE nodes (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    version    text NOT NULL,
    delivers   boolean NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);

CREATE TABLE shards (
    shard    smallint PRIMARY KEY,
    node     uuid,
    epoch    bigint NOT NULL DEFAULT 0,  -- how often it changed hands
    taken_at timestamptz
) WITH (fillfactor = 50);
INSERT INTO shards (shard) SELECT * FROM generate_series(0, 255);
