//! How much work each operation makes, counted in instructions of SQLite's virtual machine: it grows with what is asked for, not
//! with what is stored.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use super::{MIGRATIONS, SqliteStore};
use crate::store::{
    Accept, Donors as _, DrawnUnit, Keys as _, LeaseAsk, LeaseGrant, Leases as _, Operations as _, Projects as _,
    ProofsOf, Pusher, Quota, Release, Rules, Scopes, Statistics as _, Subject, Submission, Submissions as _,
    UnitFilter, Units as _, UploaderKey, VerifiedRun,
};
use felt::Felt;
use protocol::{
    BoardKind, Digest, DonorKey, DonorLimits, DonorProfile, FailureCause, FailureReport, Felts, Lease, LeaseMode,
    LeaseToken, MAX_ATTEMPTS, MAX_REPORTS, NewUnit, Preset, ProgramHash, ProjectName, ProjectSpec, RequestKey,
    Signature, SignerKey, Span, Timestamp, UnitId, UnitLimits, UnitState, UploaderKeyId,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// Instructions between two counts.
const STEP: i32 = 10;

const NOW: Timestamp = Timestamp(1_000_000);

const OWNER: UploaderKeyId = UploaderKeyId::from_bytes([1; 6]);

/// A store with very many units of all sizes.
struct Crowd {
    store: SqliteStore,
    counter: Arc<AtomicU64>,
    drawn: AtomicU64,
    _folder: TempDir,
}

fn primes() -> ProjectName {
    "primes".parse().unwrap()
}

fn donor(number: u8) -> DonorKey {
    DonorKey::from_bytes([number; 32])
}

fn pusher() -> Pusher {
    Pusher { owner: OWNER, quota: Quota::NONE }
}

fn spec() -> ProjectSpec {
    ProjectSpec {
        program: Digest::of(b"program"),
        record: Digest::of(b"record"),
        program_hash: ProgramHash::from_bytes([5; 32]),
        signer: SignerKey::from_bytes([6; 32]),
        signature: Signature::from_bytes([7; 64]),
        limits: UnitLimits::default(),
        preset: Preset::Default100,
        description: String::new(),
        weight: 1,
        byte_price: None,
        keep_proofs: protocol::KeepProofs::All,
    }
}

fn key() -> UploaderKey {
    UploaderKey {
        id: OWNER,
        name: "alice".to_owned(),
        secret_hash: Digest::of(b"secret"),
        projects: "*".to_owned(),
        scopes: Scopes::default(),
        owner: OWNER,
        quota: Default::default(),
        created_at: NOW,
        revoked_at: None,
    }
}

impl Crowd {
    /// So many units, of which each has another of 16 sizes.
    async fn new(units: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::connect(&folder.path().join("cairn.db")).await.unwrap();
        let rules =
            Rules { new_leases: 1000, most_leases: 1000, trust_units: 1, suspect_cooldown: 1, ..Rules::default() };
        store.set_rules(rules);
        store.add_key(&key()).await.unwrap();
        store.put_project(&primes(), &spec(), &pusher(), NOW).await.unwrap();
        let crowd = Self { store, counter: Arc::default(), drawn: AtomicU64::new(0), _folder: folder };
        for first in (0..units).step_by(1000) {
            crowd.push(first..first + 1000).await;
        }
        crowd.count().await;
        crowd
    }

    async fn push(&self, numbers: std::ops::Range<u64>) {
        let unit = |number: u64| NewUnit {
            external_id: number.to_string().parse().unwrap(),
            arguments: Felts(vec![Felt::from(number)]),
            estimated_steps: 1000 << (number % 16),
        };
        let drawn: Vec<_> =
            numbers.map(|n| DrawnUnit { id: UnitId::from_bytes(self.bytes()), unit: unit(n) }).collect();
        self.store.add_units(&primes(), &drawn, &pusher(), NOW).await.unwrap();
    }

    /// Counts the instructions of every connection.
    async fn count(&self) {
        let mut held = Vec::new();
        for (pool, connections) in [(&self.store.durable, 1), (&self.store.quick, 1), (&self.store.readers, 4)] {
            for _ in 0..connections {
                let mut connection = pool.acquire().await.unwrap();
                let counter = Arc::clone(&self.counter);
                let tick = move || {
                    counter.fetch_add(1, Ordering::Relaxed);
                    true
                };
                connection.lock_handle().await.unwrap().set_progress_handler(STEP, tick);
                held.push(connection);
            }
        }
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        bytes[..8].copy_from_slice(&self.drawn.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        bytes
    }

    fn ask(&self, number: u8, mode: LeaseMode, max_steps: u64) -> LeaseAsk {
        LeaseAsk {
            donor: donor(number),
            request: RequestKey::from_bytes(self.bytes()),
            token: LeaseToken::from_bytes(self.bytes()),
            project: None,
            mode,
            limits: DonorLimits::alone(max_steps, u64::MAX, 0),
            draw: 0,
            now: NOW,
            until: NOW.plus(100),
            renewable_for: 1000,
            renewable_for_new: 1000,
            source: "here".to_owned(),
        }
    }

    async fn lease(&self, number: u8, mode: LeaseMode) -> Lease {
        match self.store.lease(&self.ask(number, mode, u64::MAX)).await.unwrap() {
            LeaseGrant::Granted(lease) => *lease,
            other => panic!("{other:?}"),
        }
    }

    fn submission(&self, lease: &Lease, number: u8) -> Submission {
        let sha256 = Digest::from_bytes(self.bytes());
        let units = lease.units.iter().map(|unit| unit.id).collect();
        Submission { units, donor: donor(number), lease: Some(lease.token), sha256, size: 1, now: NOW }
    }

    async fn prove(&self, number: u8) {
        let lease = self.lease(number, LeaseMode::Both).await;
        let shown = VerifiedRun { n_steps: 10, output: Felts(Vec::new()) };
        let accept = self.store.accept_proof(&self.submission(&lease, number), &[shown]).await.unwrap();
        assert!(matches!(accept, Accept::Receipt(_)));
    }

    /// A donor in one of three teams proves a new unit, with more steps the higher its number.
    async fn prove_as(&self, donor: DonorKey, number: u32) {
        let profile = DonorProfile { nickname: None, team: Some(format!("Team {}", number % 3).parse().unwrap()) };
        self.store.set_profile(&donor, &profile, NOW).await.unwrap();
        let unit = NewUnit {
            external_id: format!("of {number}").parse().unwrap(),
            arguments: Felts(Vec::new()),
            estimated_steps: 5,
        };
        let drawn = [DrawnUnit { id: UnitId::from_bytes(self.bytes()), unit }];
        self.store.add_units(&primes(), &drawn, &pusher(), NOW).await.unwrap();
        let sha256 = Digest::from_bytes(self.bytes());
        let submission = Submission { units: vec![drawn[0].id], donor, lease: None, sha256, size: 1, now: NOW };
        let shown = VerifiedRun { n_steps: 10 + u64::from(number), output: Felts(Vec::new()) };
        self.store.accept_proof(&submission, &[shown]).await.unwrap();
    }

    async fn fail(&self, number: u8) {
        let lease = self.lease(number, LeaseMode::Both).await;
        let failure = FailureReport { cause: FailureCause::Panic, detail: String::new() };
        let release = Release {
            token: lease.token,
            donor: donor(number),
            units: Vec::new(),
            failure: Some(failure),
            recheck: None,
            now: NOW,
        };
        self.store.release(&release).await.unwrap();
    }

    async fn execute(&self, number: u8) {
        let lease = self.lease(number, LeaseMode::Execute).await;
        let shown = VerifiedRun { n_steps: 10, output: Felts(Vec::new()) };
        self.store.accept_execution(&self.submission(&lease, number), &shown).await.unwrap();
    }

    async fn page(&self, state: Option<UnitState>, cursor: u64) {
        let filter = UnitFilter { state, suspect: false };
        self.store.units(&primes(), &filter, cursor, 10, NOW).await.unwrap();
    }

    async fn measure(&self, work: impl Future) -> u64 {
        let before = self.counter.load(Ordering::Relaxed);
        work.await;
        (self.counter.load(Ordering::Relaxed) - before) * STEP as u64
    }

    /// Instructions of each operation.
    async fn figures(&self) -> Vec<(&'static str, u64)> {
        let mut figures = Vec::new();
        macro_rules! measure {
            ($($name:literal: $work:expr;)*) => { $(figures.push(($name, self.measure(async { $work }).await));)* };
        }
        measure! {
            "a lease": drop(self.lease(1, LeaseMode::Both).await);
            "a lease for a small donor": drop(self.store.lease(&self.ask(2, LeaseMode::Both, 1500)).await);
            "a lease for nobody": drop(self.store.lease(&self.ask(2, LeaseMode::Both, 10)).await);
            "no execution to prove": drop(self.store.lease(&self.ask(2, LeaseMode::Prove, u64::MAX)).await);
            "a proof": self.prove(3).await;
            "a failure": self.fail(4).await;
            "a lease after a failure": drop(self.lease(4, LeaseMode::Both).await);
            "a suspect unit for a trusted donor": drop(self.lease(3, LeaseMode::Both).await);
            "an execution": self.execute(3).await;
            "a page of projects": drop(self.store.projects(None, 100, NOW).await);
            "one project": drop(self.store.project(&primes(), NOW).await);
            "a donor": drop(self.store.donor(&donor(1), NOW).await);
            "its owner": drop(self.store.project_owner(&primes()).await);
            "a page of units": self.page(None, 500).await;
            "a page of queued units": self.page(Some(UnitState::Queued), 500).await;
            "a page of leased units": self.page(Some(UnitState::Leased), 0).await;
            "a page of proved units": self.page(Some(UnitState::Proved), 0).await;
            "a page of failed units": self.page(Some(UnitState::Failed), 0).await;
            "a page of suspect units": drop(self.store.units(
                &primes(), &UnitFilter { state: None, suspect: true }, 0, 10, NOW).await);
            "a page of results": drop(self.store.results(&primes(), 0, 10).await);
            "events": drop(self.store.events(&primes(), 100, 10).await);
            "the last event": drop(self.store.last_event().await);
            "more units": self.push(10_000_000..10_000_010).await;
            "files": drop(self.store.orphans(10).await);
            "a proof's projects": drop(self.store.projects_of_proof(&Digest::of(b"none")).await);
            "the grid's figures": drop(self.store.figures(NOW).await);
            "a series": drop(self.store.series(&Subject::Project(primes()), Span::Hour, Timestamp(0)).await);
            "a leaderboard": drop(self.store.board(BoardKind::Donors, Span::Day, NOW, 10).await);
            "what was proven of a project": drop(self.store.project_figures(&primes(), 10).await);
            "a donor's page": drop(self.store.donor_page(&donor(3)).await);
            "projects at a glance": drop(self.store.first_cards(10).await);
            "the newest proofs": drop(self.store.proofs_of(&ProofsOf::Project(primes()), 10).await);
            "the newest proofs of a donor": drop(self.store.proofs_of(&ProofsOf::Donor(donor(3)), 10).await);
            "values for a plot": drop(self.store.values(&primes(), &"line:0:0".parse().unwrap(), 0, 10).await);
            "a project's page": drop(self.store.page(&primes()).await);
            "collected": drop(self.store.mark_collected(&primes(), u64::MAX >> 1, None, NOW).await);
        }
        figures
    }
}

async fn compare(small: u64, large: u64) {
    let (few, many) = (Crowd::new(small).await.figures().await, Crowd::new(large).await.figures().await);
    for ((name, few), (_, many)) in few.into_iter().zip(many) {
        assert!(many <= few + few / 2 + 500, "{name}: {few} instructions of {small} units, {many} of {large}");
    }
}

#[tokio::test]
async fn no_operation_costs_more_with_more_units() {
    compare(1000, 8000).await;
}

#[tokio::test]
#[ignore = "makes a database of a million units, which takes minutes"]
async fn nor_with_a_million() {
    compare(1000, 1_000_000).await;
}

/// Neither a lease nor a page of projects costs by the number of projects: those without work are not looked at, and of those with
/// work a bounded number is.
#[tokio::test]
async fn no_operation_costs_more_with_more_projects() {
    let mut figures = Vec::new();
    for (idle, busy) in [(10, 300), (600, 300), (10, 900)] {
        let crowd = Crowd::new(1000).await;
        let name = |number: u64| format!("p{number:05}").parse::<ProjectName>().unwrap();
        for number in 0..idle + busy {
            crowd.store.put_project(&name(number), &spec(), &pusher(), NOW).await.unwrap();
            if number >= idle {
                let unit =
                    NewUnit { external_id: "x".parse().unwrap(), arguments: Felts(Vec::new()), estimated_steps: 5 };
                let drawn = [DrawnUnit { id: UnitId::from_bytes(crowd.bytes()), unit }];
                crowd.store.add_units(&name(number), &drawn, &pusher(), NOW).await.unwrap();
            }
        }
        for number in 0..idle {
            crowd.store.withdraw_project(&name(number), NOW).await.unwrap();
        }
        let lease = crowd.measure(async { drop(crowd.lease(1, LeaseMode::Both).await) }).await;
        let nothing = crowd.measure(crowd.store.lease(&crowd.ask(2, LeaseMode::Both, 1))).await;
        let page = crowd.measure(crowd.store.projects(Some(&name(50)), 100, NOW)).await;
        let active = crowd.measure(crate::store::Removal::active_projects(&crowd.store, None, 100, NOW)).await;
        figures.push([lease, nothing, page, active]);
    }
    for more in &figures[1..] {
        for (few, more) in figures[0].iter().zip(more) {
            assert!(*more <= few + few / 2 + 500, "{figures:?}");
        }
    }
}

/// Nor does a page of the site by the number of donors, but for their number on the way to a rank.
#[tokio::test]
async fn no_page_costs_more_with_more_donors() {
    let mut figures = Vec::new();
    for donors in [400_u32, 3000] {
        let crowd = Crowd::new(100).await;
        for number in 0..donors {
            crowd.prove_as(DonorKey::from_bytes(std::array::from_fn(|i| number.to_be_bytes()[i % 4])), number).await;
        }
        let best = DonorKey::from_bytes(std::array::from_fn(|i| (donors - 1).to_be_bytes()[i % 4]));
        let store = &crowd.store;
        figures.push([
            crowd.measure(store.figures(NOW)).await,
            crowd.measure(store.board(BoardKind::Donors, Span::Ever, NOW, 50)).await,
            crowd.measure(store.board(BoardKind::Donors, Span::Month, NOW, 50)).await,
            crowd.measure(store.board(BoardKind::Teams, Span::Day, NOW, 50)).await,
            crowd.measure(store.project_figures(&primes(), 20)).await,
            crowd.measure(store.donor_page(&best)).await,
            crowd.measure(store.team_page(protocol::TeamId(1))).await,
            crowd.measure(store.first_cards(10)).await,
            crowd.measure(crowd.prove_as(best, donors)).await,
        ]);
    }
    for (few, many) in figures[0].iter().zip(figures[1]) {
        assert!(many <= few + few / 2 + 500, "{figures:?}");
    }
}

/// Each look goes along an index in its order: no table is read through, and nothing is sorted but the few rows found.
#[tokio::test]
async fn looks_follow_their_index() {
    let crowd = Crowd::new(0).await;
    for sql in super::queue::LOOKS.iter().copied().flatten() {
        let explain: &'static str = format!("EXPLAIN QUERY PLAN {sql}").leak();
        let mut asked = sqlx::query(explain);
        for _ in 0..11 {
            asked = asked.bind(0);
        }
        let rows = asked.fetch_all(&crowd.store.readers).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, "detail")).collect();
        assert!(plan.iter().any(|step| step.starts_with("SEARCH u USING")), "{plan:?}\n{sql}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN u")), "{plan:?}\n{sql}");
    }
}

/// What is counted beyond 32 bits shows as the largest number, and of very many attempts and reports only the last are shown.
#[tokio::test]
async fn an_answer_about_a_unit_is_bounded() {
    let crowd = Crowd::new(0).await;
    crowd.push(0..1).await;
    let page = crowd.store.units(&primes(), &UnitFilter { state: None, suspect: false }, 0, 1, NOW).await.unwrap();
    for sql in [
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) \
         INSERT INTO attempts (unit, number, donor, mode, outcome, round, started_at, expires_at) \
         SELECT 1, i, CAST(printf('%032d', i) AS BLOB), 'both', 'released', 0, i, i FROM n",
        "INSERT INTO donors (key, first_seen) SELECT donor, 1 FROM attempts",
        "INSERT INTO reports (unit, donor, round, limits, cause, detail, time) \
         SELECT unit, donor, (SELECT round FROM units WHERE seq = 1), 1, 'panic', '', number FROM attempts",
        "UPDATE units SET attempts = 1200, failure = 'panic', failure_donors = 1 << 40",
    ] {
        sqlx::query(sql).execute(&crowd.store.durable).await.unwrap();
    }
    let detail = crowd.store.unit(&page.units[0].id, NOW).await.unwrap().unwrap();
    assert_eq!((detail.attempts.len(), detail.folded_attempts), (MAX_ATTEMPTS as usize, 200));
    assert_eq!((detail.attempts[0].number, detail.attempts.last().unwrap().number), (201, 1200));
    assert_eq!((detail.reports.len(), detail.reports[0].time), (MAX_REPORTS as usize, Timestamp(1200)));
    assert_eq!(detail.unit.failure.unwrap().donors, u32::MAX);
}

/// A donor on which all units failed is told so without a look at each of them.
#[tokio::test]
async fn failures_on_one_donor_cost_no_more_than_a_few_looks() {
    let mut looks = Vec::new();
    for units in [1000, 4000] {
        let crowd = Crowd::new(units).await;
        for _ in 0..units {
            crowd.fail(9).await;
        }
        let mut ask = crowd.ask(9, LeaseMode::Both, u64::MAX);
        (ask.now, ask.until) = (NOW.plus(100), NOW.plus(200));
        let refused = async { assert!(matches!(crowd.store.lease(&ask).await.unwrap(), LeaseGrant::NoWork(_))) };
        looks.push(crowd.measure(refused).await);
    }
    assert!(looks[1] <= looks[0] + looks[0] / 2, "{looks:?}");
}

/// What a database of the first version holds is read by this one, and counted.
#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cairn.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let (name, sql) = MIGRATIONS[0];
    let first = sqlx::migrate::Migration::new(
        1,
        name.into(),
        sqlx::migrate::MigrationType::Simple,
        sqlx::SqlStr::from_static(sql),
        false,
    );
    sqlx::migrate::Migrator::with_migrations(vec![first]).run(&pool).await.unwrap();
    sqlx::raw_sql(OLD_DATA).execute(&pool).await.unwrap();
    pool.close().await;

    let store = SqliteStore::connect(&path).await.unwrap();
    store.set_rules(Rules { trust_units: 1, ..Rules::default() });
    assert!(store.recount(false).await.unwrap().is_empty());
    let project = store.project(&primes(), NOW).await.unwrap().unwrap();
    let units = project.units;
    assert_eq!((units.queued, units.executed, units.proved, units.failed, units.suspect), (1, 1, 1, 1, 1));
    assert_eq!((project.weight, project.spec.weight), (300, 300), "what it had it keeps");
    let page = store.units(&primes(), &UnitFilter { state: None, suspect: true }, 0, 10, NOW).await.unwrap();
    assert_eq!(page.units.len(), 1);
    let detail = store.unit(&page.units[0].id, NOW).await.unwrap().unwrap();
    assert_eq!((detail.reports.len(), detail.reports[0].donor), (1, donor(2)));
    // Its settings are not covered by the old signature, so nothing is lent until it is signed again.
    let ask = LeaseAsk { project: Some(primes()), ..asked() };
    assert_eq!(store.lease(&ask).await.unwrap(), LeaseGrant::NoWork(protocol::NoWork::Paused));
    assert_eq!(store.key(&OWNER).await.unwrap().unwrap().owner, OWNER);
    let mut again = project.spec.clone();
    again.signature = Signature::from_bytes([8; 64]);
    store.put_project(&primes(), &again, &pusher(), NOW).await.unwrap();
    assert!(matches!(store.lease(&ask).await.unwrap(), LeaseGrant::Granted(_)));
    // The proof of the failed unit's execution is an orphan; that which waits for its proof is not.
    assert_eq!(store.orphans(10).await.unwrap().len(), 1);
    // The prover of old is trusted for what it proved under a lease.
    let standing = sqlx::query("SELECT 1 FROM standings WHERE steps = 900 AND units = 1");
    assert!(standing.fetch_optional(&store.readers).await.unwrap().is_some());
}

fn asked() -> LeaseAsk {
    LeaseAsk {
        donor: donor(5),
        request: RequestKey::from_bytes([1; 16]),
        token: LeaseToken::from_bytes([1; 32]),
        project: None,
        mode: LeaseMode::Execute,
        limits: DonorLimits::alone(1 << 20, 1 << 40, 0),
        draw: 0,
        now: NOW,
        until: NOW.plus(100),
        renewable_for: 1000,
        renewable_for_new: 1000,
        source: String::new(),
    }
}

/// A project with a unit that is proved, one that waits for its proof, one that failed, and one that failed once.
const OLD_DATA: &str = "
    INSERT INTO uploader_keys VALUES (x'010101010101', 'alice', zeroblob(32), '*', 1, 1, 1, 0, NULL);
    INSERT INTO projects (id, name, owner, program, record, program_hash, signer, signature, max_steps, max_memory_cells,
        time_limit, preset, description, weight, created_at) VALUES (1, 'primes', x'010101010101', zeroblob(32),
        zeroblob(32), zeroblob(32), zeroblob(32), zeroblob(64), 10000, 10000, 60, 'default-100', '', 300, 0);
    INSERT INTO units (seq, id, project, external_id, arguments, estimated_steps, state, attempts, proof, proof_size, prover,
        n_steps, output, proved_at, proved_seq, created_at, changed_at) VALUES (1, x'00000000000000000001', 1, 'a', zeroblob(32),
        1000, 'proved', 1, zeroblob(32), 500, x'0101010101010101010101010101010101010101010101010101010101010101', 900,
        zeroblob(32), 999000, 1, 0, 0);
    INSERT INTO units (seq, id, project, external_id, arguments, estimated_steps, state, execution, execution_size,
        execution_steps, created_at, changed_at) VALUES
        (2, x'00000000000000000002', 1, 'b', zeroblob(64), 1 << 20, 'executed', zeroblob(32), 5, 5, 0, 0),
        (3, x'00000000000000000003', 1, 'c', zeroblob(32), 3, 'failed',
         x'0202020202020202020202020202020202020202020202020202020202020202', 5, 5, 0, 0);
    INSERT INTO units (seq, id, project, external_id, arguments, estimated_steps, state, attempts, failure, failure_detail,
        failure_donors, created_at, changed_at) VALUES (4, x'00000000000000000004', 1, 'd', zeroblob(32), 1, 'queued', 1,
        'panic', 'it panicked', 1, 0, 0);
    INSERT INTO donors (key, first_seen) VALUES
        (x'0101010101010101010101010101010101010101010101010101010101010101', 0),
        (x'0202020202020202020202020202020202020202020202020202020202020202', 0);
    INSERT INTO attempts (unit, number, donor, mode, outcome, round, token, started_at, expires_at, ended_at, failure) VALUES
        (1, 1, x'0101010101010101010101010101010101010101010101010101010101010101', 'both', 'proved', 1, zeroblob(16), 0, 0, 0,
         NULL),
        (4, 1, x'0202020202020202020202020202020202020202020202020202020202020202', 'both', 'failed', 1, NULL, 0, 0, 0,
         'panic');
";
