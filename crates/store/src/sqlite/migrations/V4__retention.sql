-- Retention: what has been kept long enough is deleted.

ALTER TABLE projects ADD COLUMN retention TEXT NOT NULL DEFAULT '{}';  -- JSON: what the project says of it

-- Which bodies were dropped of an attempt: 1 the response's, 2 the request's, 3 both. NULL: none.
ALTER TABLE attempts ADD COLUMN dropped INTEGER;

-- A key is forgotten with its event.
CREATE INDEX idempotency_by_event ON idempotency (event);
CREATE INDEX jobs_by_project ON jobs (project);   -- and id, as every index of this table

-- How far through the attempts bodies were dropped, for each time that some project keeps them. Attempts are numbered
-- (by rowid) as they are recorded.
CREATE TABLE bodies_dropped (
    kept_ms INTEGER PRIMARY KEY,
    attempt INTEGER NOT NULL
);
