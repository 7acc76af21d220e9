-- Whether a project's endpoints and events must each have a tenant: 0 they may, 1 they must.
ALTER TABLE projects ADD COLUMN tenants smallint NOT NULL DEFAULT 0;

-- A project's jobs, newest first.
CREATE INDEX jobs_by_project ON jobs (project, id);
