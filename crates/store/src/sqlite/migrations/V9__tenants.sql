-- Whether a project's endpoints and events must each have a tenant: 0 they may, 1 they must.
ALTER TABLE projects ADD COLUMN tenants INTEGER NOT NULL DEFAULT 0;
