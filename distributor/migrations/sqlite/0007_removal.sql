-- Projects that are deleted, and a list of those that are not withdrawn.

-- Since when it is being deleted, with all that belongs to it, a batch at a time.
ALTER TABLE projects ADD COLUMN removed_at INTEGER;

CREATE INDEX projects_removed ON projects (id) WHERE removed_at IS NOT NULL;
CREATE INDEX projects_active ON projects (name) WHERE withdrawn_at IS NULL;

-- What is counted goes with the units, and so do their files.
CREATE TRIGGER units_deleted AFTER DELETE ON units
BEGIN
    UPDATE unit_counts SET units = units - 1 WHERE project = old.project AND state = old.counted
        AND suspect = old.suspect AND size_class = old.counted_class;
    UPDATE projects SET bytes = bytes - length(old.arguments), open_units = open_units - (old.again IS NOT NULL)
        WHERE id = old.project;
    INSERT OR IGNORE INTO orphans (kind, sha256) SELECT 'execution', old.execution WHERE old.execution IS NOT NULL;
END;
