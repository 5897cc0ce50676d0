-- Trust by proven work, a search for units that scans nothing, counts that are kept, files that go with their rows,
-- owners and quotas.

ALTER TABLE donors ADD COLUMN trusted_at INTEGER;

-- What a donor proved of a project, under leases of its own and first.
CREATE TABLE standings (
    project   INTEGER NOT NULL REFERENCES projects (id),
    donor     BLOB NOT NULL,
    steps     INTEGER NOT NULL,
    units     INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    PRIMARY KEY (project, donor)
) STRICT, WITHOUT ROWID;

CREATE INDEX standings_donor ON standings (donor);

INSERT INTO standings (project, donor, steps, units, active_at)
SELECT u.project, u.prover, sum(u.n_steps), count(*), max(u.proved_at) FROM units u
WHERE u.state = 'proved' AND EXISTS (SELECT 1 FROM attempts a WHERE a.unit = u.seq AND a.donor = u.prover
    AND a.outcome = 'proved' AND a.token IS NOT NULL)
GROUP BY u.project, u.prover;

-- The newest report of a failure of each donor and unit.
CREATE TABLE reports (
    unit   INTEGER NOT NULL REFERENCES units (seq),
    donor  BLOB NOT NULL,
    -- Only reports of the unit's present round and the project's present limits count.
    round  INTEGER NOT NULL,
    limits INTEGER NOT NULL,
    cause  TEXT NOT NULL,
    detail TEXT NOT NULL,
    time   INTEGER NOT NULL,
    -- The limits under which it last claimed what a proof shows to be wrong.
    claim  INTEGER,
    PRIMARY KEY (unit, donor)
) STRICT, WITHOUT ROWID;

INSERT OR REPLACE INTO reports (unit, donor, round, limits, cause, detail, time)
SELECT unit, donor, round, 1, failure, detail, coalesce(ended_at, started_at) FROM attempts
WHERE outcome = 'failed' AND failure NOT IN ('bad_execution', 'stopped') ORDER BY unit, number;

ALTER TABLE projects ADD COLUMN limits INTEGER NOT NULL DEFAULT 1;
-- Most weight, as the operator gives it.
ALTER TABLE projects ADD COLUMN most_weight INTEGER NOT NULL DEFAULT 100;
-- Whether the signature covers the settings.
ALTER TABLE projects ADD COLUMN signed INTEGER NOT NULL DEFAULT 0;
-- Bytes of arguments and proofs.
ALTER TABLE projects ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
-- Number of the last event that is not kept any more.
ALTER TABLE projects ADD COLUMN folded_events INTEGER NOT NULL DEFAULT 0;

CREATE INDEX projects_owner ON projects (owner);

UPDATE projects SET most_weight = max(weight, 100), bytes = coalesce((SELECT
    sum(length(arguments) + coalesce(proof_size, 0)) FROM units WHERE project = projects.id), 0);

ALTER TABLE units ADD COLUMN suspect INTEGER NOT NULL DEFAULT 0
    CHECK (suspect = 0 OR state IN ('queued', 'executed'));
-- Reports of this round, of everybody and of trusted donors; a donor may report again.
ALTER TABLE units ADD COLUMN reports INTEGER NOT NULL DEFAULT 0;
ALTER TABLE units ADD COLUMN trusted_reports INTEGER NOT NULL DEFAULT 0;
ALTER TABLE units ADD COLUMN failure_trusted INTEGER NOT NULL DEFAULT 0;
-- When a suspect unit is lent again, to anybody and to trusted donors.
ALTER TABLE units ADD COLUMN ready_any INTEGER NOT NULL DEFAULT 0;
ALTER TABLE units ADD COLUMN ready_trusted INTEGER NOT NULL DEFAULT 0;
-- Binary logarithm of the estimated steps, rounded down.
ALTER TABLE units ADD COLUMN size_class INTEGER NOT NULL DEFAULT 0;
-- Attempts whose rows are not kept any more.
ALTER TABLE units ADD COLUMN folded_attempts INTEGER NOT NULL DEFAULT 0;
-- What it counts as.
ALTER TABLE units ADD COLUMN counted TEXT NOT NULL GENERATED ALWAYS AS
    (CASE WHEN collected_at IS NOT NULL THEN 'collected' ELSE state END) VIRTUAL;
ALTER TABLE units ADD COLUMN counted_class INTEGER NOT NULL GENERATED ALWAYS AS
    (CASE WHEN state IN ('queued', 'executed') THEN size_class ELSE 0 END) VIRTUAL;

UPDATE units SET size_class = (WITH RECURSIVE powers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM powers WHERE n < 62)
    SELECT max(n) FROM powers WHERE (1 << n) <= estimated_steps);
UPDATE units SET suspect = 1, reports = failure_donors WHERE failure IS NOT NULL AND state IN ('queued', 'executed');

-- Files that lost a reference: to be deleted if nothing else refers to them.
CREATE TABLE orphans (
    kind   TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (kind, sha256)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO orphans (kind, sha256) SELECT 'execution', execution FROM units
WHERE state <> 'executed' AND execution IS NOT NULL;
UPDATE units SET execution = NULL, execution_size = NULL, execution_steps = NULL
WHERE state <> 'executed' AND execution IS NOT NULL;

-- The one place where a unit lets go of its execution.
CREATE TRIGGER units_let_go AFTER UPDATE OF state ON units
WHEN new.state <> 'executed' AND new.execution IS NOT NULL
BEGIN
    INSERT OR IGNORE INTO orphans (kind, sha256) VALUES ('execution', new.execution);
    UPDATE units SET execution = NULL, execution_size = NULL, execution_steps = NULL WHERE seq = new.seq;
END;

-- Units by what they count as; kept by the triggers below.
CREATE TABLE unit_counts (
    project    INTEGER NOT NULL REFERENCES projects (id),
    state      TEXT NOT NULL,
    suspect    INTEGER NOT NULL,
    size_class INTEGER NOT NULL,
    units      INTEGER NOT NULL,
    PRIMARY KEY (project, state, suspect, size_class)
) STRICT, WITHOUT ROWID;

INSERT INTO unit_counts (project, state, suspect, size_class, units)
SELECT project, counted, suspect, counted_class, count(*) FROM units
GROUP BY project, counted, suspect, counted_class;

CREATE TRIGGER units_added AFTER INSERT ON units
BEGIN
    INSERT INTO unit_counts (project, state, suspect, size_class, units)
    VALUES (new.project, new.counted, new.suspect, new.counted_class, 1)
    ON CONFLICT DO UPDATE SET units = units + 1;
    UPDATE projects SET bytes = bytes + length(new.arguments) WHERE id = new.project;
END;

CREATE TRIGGER units_changed AFTER UPDATE OF state, suspect, collected_at ON units
WHEN old.counted <> new.counted OR old.suspect <> new.suspect OR old.counted_class <> new.counted_class
BEGIN
    UPDATE unit_counts SET units = units - 1 WHERE project = old.project AND state = old.counted
        AND suspect = old.suspect AND size_class = old.counted_class;
    INSERT INTO unit_counts (project, state, suspect, size_class, units)
    VALUES (new.project, new.counted, new.suspect, new.counted_class, 1)
    ON CONFLICT DO UPDATE SET units = units + 1;
END;

CREATE TRIGGER units_proved AFTER UPDATE OF proof ON units WHEN old.proof IS NULL AND new.proof IS NOT NULL
BEGIN
    UPDATE projects SET bytes = bytes + new.proof_size WHERE id = new.project;
END;

DROP INDEX units_free;
DROP INDEX units_size;
-- The search for a unit: the longest free one of a size; of suspect ones, that which waits longest.
CREATE INDEX units_lend ON units (project, state, suspect, size_class, lease_until, seq);
CREATE INDEX units_lend_trusted ON units (project, state, size_class, ready_trusted, seq) WHERE suspect = 1;
CREATE INDEX units_lend_any ON units (project, state, size_class, ready_any, seq) WHERE suspect = 1;
CREATE INDEX units_steps ON units (project, state, suspect, estimated_steps);
-- Pages of units, and what is lent.
CREATE INDEX units_counted ON units (project, counted, seq);
CREATE INDEX units_suspect ON units (project, seq) WHERE suspect = 1;
CREATE INDEX units_lent ON units (project, seq) WHERE lease_attempt IS NOT NULL;
CREATE INDEX units_lent_until ON units (project, lease_until, state, suspect) WHERE lease_attempt IS NOT NULL;
CREATE INDEX units_uncollected ON units (project, proved_seq) WHERE state = 'proved' AND collected_at IS NULL;

-- Where a donor without accepted proofs asked from; gone when its lease ends.
ALTER TABLE attempts ADD COLUMN source TEXT;
ALTER TABLE attempts ADD COLUMN renewable_until INTEGER;
CREATE INDEX attempts_source ON attempts (source, expires_at) WHERE source IS NOT NULL;

CREATE TRIGGER attempts_ended AFTER UPDATE OF outcome ON attempts
WHEN new.source IS NOT NULL AND new.outcome <> 'running'
BEGIN
    UPDATE attempts SET source = NULL WHERE unit = new.unit AND number = new.number;
END;

-- Keys of one owner have the same `owner`: the id of the first of them. Without numbers the settings' ones apply.
ALTER TABLE uploader_keys ADD COLUMN owner BLOB;
ALTER TABLE uploader_keys ADD COLUMN max_projects INTEGER;
ALTER TABLE uploader_keys ADD COLUMN max_units INTEGER;
ALTER TABLE uploader_keys ADD COLUMN max_bytes INTEGER;

-- Programs and records, with who uploaded them first.
CREATE TABLE uploads (
    kind   TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    owner  BLOB NOT NULL,
    size   INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    PRIMARY KEY (kind, sha256)
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_owner ON uploads (owner);

-- Donors of whom nothing is worth remembering.
CREATE INDEX donors_strangers ON donors (first_seen)
WHERE proven_units = 0 AND executed_units = 0 AND blocked_at IS NULL AND trusted_at IS NULL;
