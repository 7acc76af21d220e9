-- Fan-outs: events whose deliveries are many and are made in slices, behind the commit that took the event in.

-- For whom: a list of recipients, as of the moment of acceptance. Events of one commit that are for the same ones share
-- it; it goes with the last of them.
CREATE TABLE fan_out_lists (
    id         uuid PRIMARY KEY,
    recipients bytea NOT NULL          -- endpoint, length of the note, note; one behind the other
);

-- A row for each event whose deliveries are not all made yet.
CREATE TABLE fan_outs (
    project  uuid NOT NULL,
    event    uuid NOT NULL,            -- events.key
    list     uuid NOT NULL,            -- fan_out_lists.id
    position integer NOT NULL,         -- recipients that have had their turn
    PRIMARY KEY (project, event)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX fan_outs_by_list ON fan_outs (list);
CREATE INDEX fan_outs_by_event ON fan_outs (event);
