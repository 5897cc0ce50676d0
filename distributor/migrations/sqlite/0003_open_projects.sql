-- The projects that have work, so that a lease does not look at those that have none.

-- Units that are queued or executed, whether lent or not; kept by the triggers below.
ALTER TABLE projects ADD COLUMN open_units INTEGER NOT NULL DEFAULT 0;

UPDATE projects SET open_units = coalesce((SELECT sum(units) FROM unit_counts
    WHERE project = projects.id AND state IN ('queued', 'executed')), 0);

CREATE INDEX projects_open ON projects (id, weight, most_weight)
WHERE open_units > 0 AND withdrawn_at IS NULL AND signed = 1;

CREATE TRIGGER counts_added AFTER INSERT ON unit_counts WHEN new.state IN ('queued', 'executed')
BEGIN
    UPDATE projects SET open_units = open_units + new.units WHERE id = new.project;
END;

CREATE TRIGGER counts_changed AFTER UPDATE OF units ON unit_counts WHEN new.state IN ('queued', 'executed')
BEGIN
    UPDATE projects SET open_units = open_units + new.units - old.units WHERE id = new.project;
END;

CREATE TRIGGER counts_deleted AFTER DELETE ON unit_counts WHEN old.state IN ('queued', 'executed')
BEGIN
    UPDATE projects SET open_units = open_units - old.units WHERE id = old.project;
END;
