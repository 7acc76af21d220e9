-- Fan-outs: events whose deliveries are many and are made in slices, behind the commit that took the event in.

-- For whom: a list of recipients, as of the moment of acceptance. Events that came for the same ones share it; it goes
-- with the last of them.
CREATE TABLE fan_out_lists (
    id         INTEGER PRIMARY KEY,
    recipients BLOB NOT NULL           -- endpoint, length of the note, note; one behind the other
);

-- A row for each event whose deliveries are not all made yet.
CREATE TABLE fan_outs (
    event    INTEGER PRIMARY KEY,      -- events.seq
    project  BLOB NOT NULL,
    list     INTEGER NOT NULL,         -- fan_out_lists.id
    position INTEGER NOT NULL          -- recipients that have had their turn
);
CREATE INDEX fan_outs_by_project ON fan_outs (project);   -- and event, as every index of a rowid table
CREATE INDEX fan_outs_by_list ON fan_outs (list);
