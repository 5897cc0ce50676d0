-- What was proven when, for whom and by whom, counted as it is accepted; what owners and donors say of themselves.

-- The receipts of first proofs are the ledger that everything below adds up.
ALTER TABLE receipts ADD COLUMN time INTEGER NOT NULL DEFAULT 0;
-- The donor's team at that time.
ALTER TABLE receipts ADD COLUMN team INTEGER;
-- 1 in one of the rows of a file: that with which it was credited first.
ALTER TABLE receipts ADD COLUMN files INTEGER NOT NULL DEFAULT 0;

UPDATE receipts SET time = coalesce((SELECT proved_at FROM units WHERE seq = receipts.unit), 0)
WHERE kind = 'proof' AND fresh = 1;
UPDATE receipts SET files = 1 WHERE kind = 'proof' AND fresh = 1 AND NOT EXISTS (SELECT 1 FROM receipts r
    WHERE r.kind = 'proof' AND r.fresh = 1 AND r.donor = receipts.donor AND r.sha256 = receipts.sha256
    AND r.unit < receipts.unit);

-- Sums by hour, day and month (numbers of those since 1970) and of all time (0). `subject` is 0 for the grid, the row of a
-- project or team, the key of a donor.
CREATE TABLE tallies (
    kind    TEXT NOT NULL CHECK (kind IN ('grid', 'project', 'donor', 'team')),
    subject ANY NOT NULL,
    span    TEXT NOT NULL CHECK (span IN ('hour', 'day', 'month', 'ever')),
    start   INTEGER NOT NULL,
    steps   INTEGER NOT NULL,
    units   INTEGER NOT NULL,
    proofs  INTEGER NOT NULL,
    -- How many donors are in it; only of the grid's days, and of all time of everything but donors.
    donors  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, subject, span, start)
) STRICT, WITHOUT ROWID;

CREATE INDEX tallies_board ON tallies (kind, span, start, steps DESC, subject);
CREATE INDEX tallies_old ON tallies (span, kind, start);

-- What a donor did for a project, or for a team while it was in it.
CREATE TABLE shares (
    kind    TEXT NOT NULL CHECK (kind IN ('project', 'team')),
    subject INTEGER NOT NULL,
    donor   BLOB NOT NULL,
    steps   INTEGER NOT NULL,
    units   INTEGER NOT NULL,
    proofs  INTEGER NOT NULL,
    PRIMARY KEY (kind, subject, donor)
) STRICT, WITHOUT ROWID;

CREATE INDEX shares_most ON shares (kind, subject, steps DESC, donor);
CREATE INDEX shares_donor ON shares (donor, kind, steps DESC);

-- A team is there once somebody in it has proven something. `likeness` is the same for names that look the same.
CREATE TABLE teams (
    id         INTEGER PRIMARY KEY,
    likeness   TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- What a donor calls itself, and the team that it wants to count for.
ALTER TABLE donors ADD COLUMN nickname TEXT;
ALTER TABLE donors ADD COLUMN nickname_likeness TEXT;
ALTER TABLE donors ADD COLUMN team TEXT;
ALTER TABLE donors ADD COLUMN team_likeness TEXT;
CREATE INDEX donors_nickname ON donors (nickname_likeness, proven_steps DESC) WHERE nickname_likeness IS NOT NULL;

-- What an owner tells visitors about a project; unlike the declaration it is not signed.
CREATE TABLE pages (
    project      INTEGER PRIMARY KEY REFERENCES projects (id),
    about        TEXT NOT NULL,
    topic        TEXT,
    cite         TEXT NOT NULL,
    plot         TEXT,
    -- Whether anybody may see results and proofs.
    open_results INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL
) STRICT;

-- When a proof was first accepted, and its steps.
ALTER TABLE proofs ADD COLUMN accepted_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE proofs ADD COLUMN steps INTEGER NOT NULL DEFAULT 0;
UPDATE proofs SET
    accepted_at = coalesce((SELECT min(proved_at) FROM units u WHERE u.proof = proofs.sha256 AND u.project = proofs.project), 0),
    steps = coalesce((SELECT sum(n_steps) FROM units u WHERE u.proof = proofs.sha256 AND u.project = proofs.project), 0);
CREATE INDEX proofs_recent ON proofs (project, id);
CREATE INDEX proofs_prover ON proofs (prover, id);

-- The projects on the front page: those with work first, then by what was proven.
CREATE INDEX projects_shown ON projects (proven_steps DESC, id) WHERE withdrawn_at IS NULL;

-- What was credited for units of projects that were deleted since: who, for which team (0 for none), in which hour.
CREATE TABLE departed (
    donor  BLOB NOT NULL,
    team   INTEGER NOT NULL,
    hour   INTEGER NOT NULL,
    steps  INTEGER NOT NULL,
    units  INTEGER NOT NULL,
    proofs INTEGER NOT NULL,
    PRIMARY KEY (donor, team, hour)
) STRICT, WITHOUT ROWID;

-- Everything that was credited, and what the sums are by it; old hours, and old days of donors and teams, are not kept.
CREATE VIEW ledger AS
SELECT project, donor, team, steps, units, files, hour, hour / 24 AS day,
    (strftime('%Y', hour * 3600, 'unixepoch') - 1970) * 12 + strftime('%m', hour * 3600, 'unixepoch') - 1 AS month
FROM (SELECT u.project, r.donor, r.team, r.steps, 1 AS units, r.files, r.time / 3600 AS hour
    FROM receipts r JOIN units u ON u.seq = r.unit WHERE r.kind = 'proof' AND r.fresh = 1
    UNION ALL SELECT NULL, donor, nullif(team, 0), steps, units, proofs, hour FROM departed);

CREATE VIEW found_tallies AS
WITH kept AS (SELECT
    coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'tallied hours from'), 0) AS hour,
    coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'tallied days from'), 0) AS day)
SELECT 'grid' AS kind, 0 AS subject, 'hour' AS span, hour AS start, sum(steps) AS steps, sum(units) AS units,
    sum(files) AS proofs, 0 AS donors FROM ledger WHERE hour >= (SELECT hour FROM kept) GROUP BY hour UNION ALL
SELECT 'grid', 0, 'day', day, sum(steps), sum(units), sum(files), count(DISTINCT donor) FROM ledger GROUP BY day UNION ALL
SELECT 'grid', 0, 'ever', 0, sum(steps), sum(units), sum(files), count(DISTINCT donor) FROM ledger HAVING count(*) > 0 UNION ALL
SELECT 'project', project, 'hour', hour, sum(steps), sum(units), sum(files), 0 FROM ledger
    WHERE project IS NOT NULL AND hour >= (SELECT hour FROM kept) GROUP BY project, hour UNION ALL
SELECT 'project', project, 'day', day, sum(steps), sum(units), sum(files), 0 FROM ledger
    WHERE project IS NOT NULL GROUP BY project, day UNION ALL
SELECT 'project', project, 'ever', 0, sum(steps), sum(units), sum(files), count(DISTINCT donor) FROM ledger
    WHERE project IS NOT NULL GROUP BY project UNION ALL
SELECT 'donor', donor, 'day', day, sum(steps), sum(units), sum(files), 0 FROM ledger
    WHERE day >= (SELECT day FROM kept) GROUP BY donor, day UNION ALL
SELECT 'donor', donor, 'month', month, sum(steps), sum(units), sum(files), 0 FROM ledger GROUP BY donor, month UNION ALL
SELECT 'donor', donor, 'ever', 0, sum(steps), sum(units), sum(files), 0 FROM ledger GROUP BY donor UNION ALL
SELECT 'team', team, 'day', day, sum(steps), sum(units), sum(files), 0 FROM ledger
    WHERE team IS NOT NULL AND day >= (SELECT day FROM kept) GROUP BY team, day UNION ALL
SELECT 'team', team, 'month', month, sum(steps), sum(units), sum(files), 0 FROM ledger
    WHERE team IS NOT NULL GROUP BY team, month UNION ALL
SELECT 'team', team, 'ever', 0, sum(steps), sum(units), sum(files), count(DISTINCT donor) FROM ledger
    WHERE team IS NOT NULL GROUP BY team;

CREATE VIEW found_shares AS
SELECT 'project' AS kind, project AS subject, donor, sum(steps) AS steps, sum(units) AS units, sum(files) AS proofs
FROM ledger WHERE project IS NOT NULL GROUP BY project, donor UNION ALL
SELECT 'team', team, donor, sum(steps), sum(units), sum(files) FROM ledger WHERE team IS NOT NULL GROUP BY team, donor;

INSERT INTO tallies (kind, subject, span, start, steps, units, proofs, donors)
SELECT kind, subject, span, start, steps, units, proofs, donors FROM found_tallies;
INSERT INTO shares (kind, subject, donor, steps, units, proofs)
SELECT kind, subject, donor, steps, units, proofs FROM found_shares;
