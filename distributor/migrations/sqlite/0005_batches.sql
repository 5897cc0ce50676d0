-- Leases of several units, proofs of several runs, proofs that are not kept for ever.

-- The rows of a lease share its token and its request; `place` is the unit's place in it.
CREATE TABLE new_attempts (
    unit            INTEGER NOT NULL REFERENCES units (seq),
    number          INTEGER NOT NULL,
    donor           BLOB NOT NULL,
    mode            TEXT NOT NULL,
    -- 'running' beyond `expires_at` reads as 'expired'.
    outcome         TEXT NOT NULL,
    round           INTEGER NOT NULL,
    token           BLOB,
    request         BLOB,
    place           INTEGER NOT NULL DEFAULT 0,
    started_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    renewable_until INTEGER,
    ended_at        INTEGER,
    failure         TEXT,
    refusal         TEXT,
    detail          TEXT NOT NULL DEFAULT '',
    -- Where a donor without accepted proofs asked from; gone when its lease ends.
    source          TEXT,
    PRIMARY KEY (unit, number)
) STRICT, WITHOUT ROWID;

INSERT INTO new_attempts (unit, number, donor, mode, outcome, round, token, request, started_at, expires_at,
    renewable_until, ended_at, failure, refusal, detail, source)
SELECT unit, number, donor, mode, outcome, round, token, request, started_at, expires_at,
    renewable_until, ended_at, failure, refusal, detail, source FROM attempts;

DROP TABLE attempts;
ALTER TABLE new_attempts RENAME TO attempts;

CREATE INDEX attempts_token ON attempts (token) WHERE token IS NOT NULL;
CREATE INDEX attempts_request ON attempts (donor, request) WHERE request IS NOT NULL;
CREATE INDEX attempts_donor ON attempts (unit, donor);
CREATE INDEX attempts_running ON attempts (donor, expires_at) WHERE outcome = 'running';
CREATE INDEX attempts_source ON attempts (source, expires_at) WHERE source IS NOT NULL;

CREATE TRIGGER attempts_ended AFTER UPDATE OF outcome ON attempts
WHEN new.source IS NOT NULL AND new.outcome <> 'running'
BEGIN
    UPDATE attempts SET source = NULL WHERE unit = new.unit AND number = new.number;
END;

-- Whether a donor brought a proof before, whatever its units.
CREATE INDEX receipts_proof ON receipts (donor, sha256) WHERE kind = 'proof';

-- Which of the proof's runs is the unit's.
ALTER TABLE units ADD COLUMN proof_index INTEGER;
-- Since when it is to be proven again, though its result is there.
ALTER TABLE units ADD COLUMN again INTEGER;
UPDATE units SET proof_index = 0 WHERE proof IS NOT NULL;
CREATE INDEX units_again ON units (project, lease_until, again, seq) WHERE again IS NOT NULL;

ALTER TABLE projects ADD COLUMN keep_proofs TEXT NOT NULL DEFAULT 'all';
-- Kept by the triggers below.
ALTER TABLE projects ADD COLUMN proof_files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN proof_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN thinned_files INTEGER NOT NULL DEFAULT 0;

-- A proof is one file, for the runs of several units of a project.
CREATE TABLE proofs (
    id           INTEGER PRIMARY KEY,
    project      INTEGER NOT NULL REFERENCES projects (id),
    sha256       BLOB NOT NULL,
    size         INTEGER NOT NULL,
    runs         INTEGER NOT NULL,
    prover       BLOB NOT NULL,
    -- When the last of the units that have it as their proof was collected, and the root of that manifest.
    collected_at INTEGER,
    root         BLOB,
    -- The rule under which it was looked at and stays.
    kept_by      TEXT,
    -- Since when its file is not kept any more.
    thinned_at   INTEGER,
    UNIQUE (sha256, project)
) STRICT;

CREATE INDEX proofs_spare ON proofs (project, id) WHERE collected_at IS NOT NULL AND thinned_at IS NULL;

-- Of which units its runs are, whether or not these have it as their proof: all are needed to verify it.
CREATE TABLE proof_runs (
    proof INTEGER NOT NULL REFERENCES proofs (id),
    place INTEGER NOT NULL,
    unit  INTEGER NOT NULL REFERENCES units (seq),
    PRIMARY KEY (proof, place)
) STRICT, WITHOUT ROWID;

INSERT INTO proofs (project, sha256, size, runs, prover, collected_at)
SELECT project, proof, max(proof_size), 1, max(prover),
    CASE WHEN count(collected_at) = count(*) THEN max(collected_at) END
FROM units WHERE proof IS NOT NULL GROUP BY project, proof;

INSERT INTO proof_runs (proof, place, unit)
SELECT p.id, 0, min(u.seq) FROM proofs p JOIN units u ON u.proof = p.sha256 AND u.project = p.project GROUP BY p.id;

-- A file counts once, however many units refer to it.
DROP TRIGGER units_proved;

CREATE TRIGGER proofs_added AFTER INSERT ON proofs
BEGIN
    UPDATE projects SET bytes = bytes + new.size, proof_files = proof_files + 1, proof_bytes = proof_bytes + new.size
    WHERE id = new.project;
END;

CREATE TRIGGER proofs_thinned AFTER UPDATE OF thinned_at ON proofs WHEN old.thinned_at IS NULL AND new.thinned_at IS NOT NULL
BEGIN
    UPDATE projects SET bytes = bytes - new.size, proof_files = proof_files - 1, proof_bytes = proof_bytes - new.size,
        thinned_files = thinned_files + 1 WHERE id = new.project;
    INSERT OR IGNORE INTO orphans (kind, sha256) VALUES ('proof', new.sha256);
END;

CREATE TRIGGER proofs_back AFTER UPDATE OF thinned_at ON proofs WHEN old.thinned_at IS NOT NULL AND new.thinned_at IS NULL
BEGIN
    UPDATE projects SET bytes = bytes + new.size, proof_files = proof_files + 1, proof_bytes = proof_bytes + new.size,
        thinned_files = thinned_files - 1 WHERE id = new.project;
END;

CREATE TRIGGER proofs_deleted AFTER DELETE ON proofs
BEGIN
    UPDATE projects SET bytes = bytes - CASE WHEN old.thinned_at IS NULL THEN old.size ELSE 0 END,
        proof_files = proof_files - (old.thinned_at IS NULL),
        proof_bytes = proof_bytes - CASE WHEN old.thinned_at IS NULL THEN old.size ELSE 0 END,
        thinned_files = thinned_files - (old.thinned_at IS NOT NULL) WHERE id = old.project;
    INSERT OR IGNORE INTO orphans (kind, sha256) VALUES ('proof', old.sha256);
END;

UPDATE projects SET
    bytes = coalesce((SELECT sum(length(arguments)) FROM units WHERE project = projects.id), 0)
        + coalesce((SELECT sum(size) FROM proofs WHERE project = projects.id), 0),
    proof_files = (SELECT count(*) FROM proofs WHERE project = projects.id),
    proof_bytes = coalesce((SELECT sum(size) FROM proofs WHERE project = projects.id), 0);

-- What is to be proven again is work, too.
CREATE TRIGGER units_again_changed AFTER UPDATE OF again ON units WHEN (old.again IS NULL) <> (new.again IS NULL)
BEGIN
    UPDATE projects SET open_units = open_units + (new.again IS NOT NULL) - (old.again IS NOT NULL) WHERE id = new.project;
END;
