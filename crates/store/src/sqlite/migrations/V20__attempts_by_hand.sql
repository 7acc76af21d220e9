-- An attempt that a person asks for goes before the planned one and does not replace it.

-- When the schedule's own attempt is due, while one asked for by hand goes before it. NULL: next_attempt_at is the plan.
ALTER TABLE deliveries ADD COLUMN planned_at INTEGER;
