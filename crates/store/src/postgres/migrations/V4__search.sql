-- What occurs where: store/src/occurrences.rs. Slots are of 16 ms, by the time that keys and ids begin with. There may be
-- the same row twice: nodes write without waiting for each other.
CREATE TABLE occurrences (
    scope uuid NOT NULL,               -- a project, or an endpoint
    kind  smallint NOT NULL,           -- 0 events of a type, 1 events of a tenant, 2 deliveries of a type, 3 an outcome,
                                       -- 4 an outcome of a tenant's, 5 deliveries of a tenant
    name  text COLLATE "C" NOT NULL,   -- outcomes: status, colon, status code in three digits
    slot  bigint NOT NULL
);

CREATE FUNCTION slot_of(id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT ('x' || substr(replace(id::text, '-', ''), 1, 11))::bit(44)::bigint $$;

INSERT INTO occurrences SELECT DISTINCT project, 0, type, slot_of(key) FROM events;
INSERT INTO occurrences SELECT DISTINCT project, 1, tenant, slot_of(key) FROM events WHERE tenant IS NOT NULL;
INSERT INTO occurrences
    SELECT DISTINCT o.* FROM deliveries AS d JOIN events AS e ON e.key = d.event
        CROSS JOIN LATERAL (SELECT d.status || ':' || lpad(coalesce(d.status_code, 0)::text, 3, '0') AS outcome) AS x
        CROSS JOIN LATERAL (VALUES
            (d.project, 2, e.type, slot_of(d.id)),
            (d.project, 3, CASE WHEN d.status <> 0 THEN x.outcome END, slot_of(d.id)),
            (d.endpoint, 3, CASE WHEN d.status <> 0 THEN x.outcome END, slot_of(d.id)),
            (d.project, 4, CASE WHEN d.status <> 0 THEN e.tenant || E'\x01' || x.outcome END, slot_of(d.id)),
            (d.project, 5, e.tenant, slot_of(d.id))) AS o (scope, kind, name, slot)
    WHERE o.name IS NOT NULL;
CREATE INDEX occurrences_by_name ON occurrences (scope, kind, name, slot);
CREATE INDEX occurrences_by_age ON occurrences USING brin (slot);

-- What is pending is looked up by whose it is.
ALTER TABLE pending
    ADD COLUMN project     uuid,
    ADD COLUMN tenant      text,
    ADD COLUMN status_code integer;    -- of the last attempt
UPDATE pending AS p SET project = d.project, tenant = e.tenant, status_code = d.status_code
    FROM deliveries AS d JOIN events AS e ON e.key = d.event WHERE d.id = p.delivery;
ALTER TABLE pending ALTER COLUMN project SET NOT NULL;
CREATE INDEX pending_by_project ON pending (project, delivery);
CREATE INDEX pending_by_endpoint ON pending (endpoint, delivery);
CREATE INDEX pending_by_tenant ON pending (project, tenant, delivery) WHERE tenant IS NOT NULL;
CREATE INDEX pending_by_status_code ON pending (project, status_code, delivery) WHERE status_code IS NOT NULL;
ANALYZE occurrences, pending;
