-- Projects' own ways of speaking, and bodies that cannot be made again from their events.

ALTER TABLE projects ADD COLUMN admins TEXT NOT NULL DEFAULT '[]';  -- JSON list of mail addresses

CREATE TABLE dialects (
    project    BLOB NOT NULL,
    name       TEXT NOT NULL,
    file       TEXT NOT NULL,          -- TOML, as it was judged
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (project, name)
) WITHOUT ROWID;

CREATE TABLE event_types (
    project     BLOB NOT NULL,
    name        TEXT NOT NULL,
    type_group  TEXT,
    description TEXT,
    schema      TEXT,                  -- JSON
    example     TEXT,                  -- JSON
    PRIMARY KEY (project, name)
) WITHOUT ROWID;

-- What an attempt sent: the body itself, or else the built-in dialect that makes it from the event. Neither: the
-- dialect is standard, or no body was made.
ALTER TABLE attempts ADD COLUMN request_body BLOB;
ALTER TABLE attempts ADD COLUMN dialect TEXT;
ALTER TABLE attempts ADD COLUMN notes TEXT;             -- JSON list

-- Why a delivery was made although its endpoint's filter could not be asked.
ALTER TABLE deliveries ADD COLUMN note TEXT;
