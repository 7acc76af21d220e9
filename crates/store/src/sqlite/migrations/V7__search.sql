-- What deliveries are looked up by: their outcome, alone and with the endpoint or the tenant. The old indexes by project and
-- endpoint make room for ones that have it, so that no commit writes to more indexes than before.

DROP INDEX deliveries_by_project;
DROP INDEX deliveries_by_endpoint;
DROP INDEX deliveries_failed;
CREATE INDEX deliveries_by_project ON deliveries (project, status, status_code, id);
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint, status, status_code, id);

ALTER TABLE deliveries ADD COLUMN tenant TEXT;         -- its event's
UPDATE deliveries SET tenant = e.tenant FROM events AS e WHERE e.seq = deliveries.event AND e.tenant IS NOT NULL;
CREATE INDEX deliveries_by_tenant ON deliveries (project, tenant, status, status_code, id) WHERE tenant IS NOT NULL;

-- What occurs where: store/src/occurrences.rs. Events are kept by blocks of 64, by number; deliveries by slots of 16 ms,
-- by the time that their ids begin with.
CREATE TABLE occurrences (
    project BLOB NOT NULL,
    kind    INTEGER NOT NULL,          -- 0 events of a type, 1 events of a tenant, 2 deliveries of a type
    name    TEXT NOT NULL,
    slot    INTEGER NOT NULL,
    PRIMARY KEY (project, kind, name, slot)
) WITHOUT ROWID;
CREATE INDEX occurrences_by_age ON occurrences (project, kind, slot);

INSERT INTO occurrences SELECT DISTINCT project, 0, type, seq >> 6 FROM events;
INSERT INTO occurrences SELECT DISTINCT project, 1, tenant, seq >> 6 FROM events WHERE tenant IS NOT NULL;

-- The first 44 of the 48 bits of the time.
INSERT INTO occurrences SELECT DISTINCT d.project, 2, e.type,
        (instr('123456789ABCDEF', substr(d.hex,  1, 1)) << 40) + (instr('123456789ABCDEF', substr(d.hex,  2, 1)) << 36)
      + (instr('123456789ABCDEF', substr(d.hex,  3, 1)) << 32) + (instr('123456789ABCDEF', substr(d.hex,  4, 1)) << 28)
      + (instr('123456789ABCDEF', substr(d.hex,  5, 1)) << 24) + (instr('123456789ABCDEF', substr(d.hex,  6, 1)) << 20)
      + (instr('123456789ABCDEF', substr(d.hex,  7, 1)) << 16) + (instr('123456789ABCDEF', substr(d.hex,  8, 1)) << 12)
      + (instr('123456789ABCDEF', substr(d.hex,  9, 1)) << 8) + (instr('123456789ABCDEF', substr(d.hex, 10, 1)) << 4)
      +  instr('123456789ABCDEF', substr(d.hex, 11, 1))
    FROM (SELECT project, event, substr(hex(substr(id, 1, 6)), 1, 11) AS hex FROM deliveries) AS d
    JOIN events AS e ON e.seq = d.event;
