-- Mail to projects' admins, on its way out.

-- A row for each address, so that one that is refused costs the others nothing and no admin sees another's. Gone when it
-- is sent or given up.
CREATE TABLE mails (
    seq        INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE,
    project    BLOB NOT NULL,
    recipient  TEXT NOT NULL,
    report     TEXT NOT NULL,          -- JSON: what happened; words are made of it when it is sent
    due_at     INTEGER NOT NULL,       -- the next try
    failures   INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
);
CREATE INDEX mails_due ON mails (due_at);              -- and seq, as every index of a rowid table
CREATE INDEX mails_by_project ON mails (project);

-- What admins know of an endpoint's trouble.
ALTER TABLE endpoints ADD COLUMN told INTEGER NOT NULL DEFAULT 0;   -- they were mailed of the trouble it is in
ALTER TABLE endpoints ADD COLUMN told_at INTEGER;                   -- when they were last mailed of trouble
