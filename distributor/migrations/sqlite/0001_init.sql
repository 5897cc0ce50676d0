-- Times are seconds since 1970. Field elements are 32 bytes each, big-endian.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE uploader_keys (
    id          BLOB PRIMARY KEY,
    name        TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    projects    TEXT NOT NULL,
    push        INTEGER NOT NULL,
    read        INTEGER NOT NULL,
    withdraw    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    revoked_at  INTEGER
) STRICT;

CREATE TABLE projects (
    id               INTEGER PRIMARY KEY,
    name             TEXT NOT NULL UNIQUE,
    owner            BLOB NOT NULL REFERENCES uploader_keys (id),
    program          BLOB NOT NULL,
    record           BLOB NOT NULL,
    program_hash     BLOB NOT NULL,
    signer           BLOB NOT NULL,
    signature        BLOB NOT NULL,
    max_steps        INTEGER NOT NULL,
    max_memory_cells INTEGER NOT NULL,
    time_limit       INTEGER NOT NULL,
    preset           TEXT NOT NULL,
    description      TEXT NOT NULL,
    weight           INTEGER NOT NULL,
    withdrawn_at     INTEGER,
    proven_steps     INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL
) STRICT;

-- `state` knows no leases: a unit is leased while `lease_until` lies ahead. So a lease runs out without a statement.
CREATE TABLE units (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              BLOB NOT NULL UNIQUE,
    project         INTEGER NOT NULL REFERENCES projects (id),
    external_id     TEXT NOT NULL,
    arguments       BLOB NOT NULL,
    estimated_steps INTEGER NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('queued', 'executed', 'proved', 'failed', 'withdrawn')),
    -- Counts retries; only failures of the present round count against the unit.
    round           INTEGER NOT NULL DEFAULT 1,
    attempts        INTEGER NOT NULL DEFAULT 0,
    lease_attempt   INTEGER,
    lease_until     INTEGER NOT NULL DEFAULT 0,
    failure         TEXT,
    failure_detail  TEXT NOT NULL DEFAULT '',
    failure_donors  INTEGER NOT NULL DEFAULT 0,
    execution       BLOB,
    execution_size  INTEGER,
    execution_steps INTEGER,
    executor        BLOB,
    proof           BLOB,
    proof_size      INTEGER,
    prover          BLOB,
    n_steps         INTEGER,
    output          BLOB,
    proved_at       INTEGER,
    -- Number of the event that proved it: the order of results.
    proved_seq      INTEGER,
    collected_at    INTEGER,
    created_at      INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL,
    UNIQUE (project, external_id),
    CHECK ((state = 'proved') = (proof IS NOT NULL)),
    CHECK (state <> 'executed' OR execution IS NOT NULL)
) STRICT;

-- Serves the search for free units, and covers counting.
CREATE INDEX units_free ON units (project, state, lease_until, seq, collected_at);
CREATE INDEX units_size ON units (project, state, estimated_steps);
CREATE INDEX units_order ON units (project, seq);
CREATE UNIQUE INDEX units_results ON units (project, proved_seq) WHERE proved_seq IS NOT NULL;
CREATE INDEX units_proof ON units (proof) WHERE proof IS NOT NULL;
CREATE INDEX units_execution ON units (execution) WHERE execution IS NOT NULL;

CREATE TABLE attempts (
    unit       INTEGER NOT NULL REFERENCES units (seq),
    number     INTEGER NOT NULL,
    donor      BLOB NOT NULL,
    mode       TEXT NOT NULL,
    -- 'running' beyond `expires_at` reads as 'expired'.
    outcome    TEXT NOT NULL,
    round      INTEGER NOT NULL,
    token      BLOB UNIQUE,
    request    BLOB,
    started_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at   INTEGER,
    failure    TEXT,
    refusal    TEXT,
    detail     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (unit, number)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX attempts_request ON attempts (donor, request) WHERE request IS NOT NULL;
CREATE INDEX attempts_donor ON attempts (unit, donor);
CREATE INDEX attempts_running ON attempts (donor, expires_at) WHERE outcome = 'running';

-- Answers to accepted submissions, so that the same submission gets the same answer.
CREATE TABLE receipts (
    unit   INTEGER NOT NULL REFERENCES units (seq),
    kind   TEXT NOT NULL CHECK (kind IN ('proof', 'execution')),
    sha256 BLOB NOT NULL,
    donor  BLOB NOT NULL,
    fresh  INTEGER NOT NULL,
    steps  INTEGER NOT NULL,
    PRIMARY KEY (unit, kind, sha256, donor)
) STRICT, WITHOUT ROWID;

CREATE TABLE donors (
    key            BLOB PRIMARY KEY,
    first_seen     INTEGER NOT NULL,
    blocked_at     INTEGER,
    proven_steps   INTEGER NOT NULL DEFAULT 0,
    proven_units   INTEGER NOT NULL DEFAULT 0,
    executed_units INTEGER NOT NULL DEFAULT 0,
    refused        INTEGER NOT NULL DEFAULT 0,
    marks          INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE nonces (
    key        BLOB NOT NULL,
    nonce      BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (key, nonce)
) STRICT, WITHOUT ROWID;

CREATE INDEX nonces_expiry ON nonces (expires_at);

CREATE TABLE events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id),
    unit    INTEGER NOT NULL REFERENCES units (seq),
    state   TEXT NOT NULL,
    failure TEXT,
    time    INTEGER NOT NULL
) STRICT;

CREATE INDEX events_project ON events (project, seq);
