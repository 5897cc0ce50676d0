//! A scripted distributor: it follows the protocol and verifies what it gets, and can be told to lie, to fail and to
//! be out of its mind, which a real one cannot.

use super::fixture;
use super::process::most_units;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post, put};
use cairo_runner::{Arguments, RunnableProgram};
use protocol::{
    Cause, Digest, DonorCredit, DonorKey, ExecutionInfo, ExecutionReceipt, ExecutionStatus, FailureReport, Felts,
    GivenBack, Identity, Lease, LeaseMode, LeaseRequest, LeaseToken, LeasedProject, LeasedUnit, NoWork, Nonce, Preset,
    Problem, Project, ProjectName, ProjectSpec, ProofReceipt, ProofStatus, Renewed, RequestKey, SignedHeaders,
    Timestamp, UnitId, UnitLimits, UnitReceipt,
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// An answer from somebody else than the distributor: status, headers, body.
type Foreign = (u16, Vec<(&'static str, String)>, String);

/// What the distributor does otherwise than it should.
pub struct Script {
    /// Its clock less the machine's.
    pub clock: i64,
    /// Seconds of a lease.
    pub lease_seconds: u64,
    /// Serves these bytes instead of each program.
    pub other_program: Option<Vec<u8>>,
    /// Signs with another key than it says.
    pub bad_signature: bool,
    /// Says that its protocol has this version.
    pub version: u32,
    /// Takes in that many submissions and loses the connection before it answers.
    pub lose_answers: u32,
    /// Refuses proofs with this cause.
    pub refuse: Option<Cause>,
    /// Answers each submission with 503.
    pub unavailable: bool,
    /// Never answers such requests: `program`, or `proof` (after it was taken).
    pub stall: Option<&'static str>,
    /// Answers to every second request for a lease, which come from somebody else: status, headers, body.
    pub strangers: VecDeque<Foreign>,
    /// Whether the next request for a lease is answered by a stranger.
    pub stranger_next: bool,
    /// Most units of a lease.
    pub most_units: usize,
    /// What is changed in each lease.
    pub bend: Option<fn(&mut Lease)>,
    /// What `GET /v1/projects` says, in place of nothing.
    pub projects: Option<String>,
}

/// A unit.
pub struct Unit {
    pub id: UnitId,
    pub arguments: Felts,
    pub lease: Option<(LeaseToken, DonorKey, Timestamp, RequestKey)>,
    pub leases: u32,
    /// Accepted proofs; must never be more than one.
    pub proofs: Vec<(Digest, DonorKey)>,
    pub execution: Option<(Vec<u8>, u64)>,
    pub failures: Vec<FailureReport>,
    pub submissions: u32,
}

/// What the distributor knows.
pub struct World {
    pub script: Script,
    pub units: Vec<Unit>,
    pub program: Vec<u8>,
    pub runnable: Option<RunnableProgram>,
    /// What the lease says about the program if the file is no program.
    pub limits: UnitLimits,
    pub requests: Vec<String>,
    nonces: HashSet<Nonce>,
    uploader: Identity,
}

impl World {
    /// From now on somebody else signs the programs.
    pub fn change_uploader(&mut self) {
        self.uploader = Identity::random().unwrap();
    }

    /// All leases run out, and each later one at once.
    pub fn expire_leases(&mut self) {
        self.script.lease_seconds = 0;
        self.units.iter_mut().filter_map(|unit| unit.lease.as_mut()).for_each(|lease| lease.2 = Timestamp(0));
    }
}

struct Shared {
    world: Mutex<World>,
    changed: Condvar,
}

/// A running distributor.
#[derive(Clone)]
pub struct Grid {
    pub address: String,
    shared: Arc<Shared>,
}

pub const PROJECT: &str = "primes";

impl Grid {
    /// One that serves this fixture.
    pub fn of(program: &str) -> Self {
        let program = fixture(program);
        let runnable = RunnableProgram::from_json(&program).ok();
        let script = Script {
            clock: 0,
            lease_seconds: 120,
            other_program: None,
            bad_signature: false,
            version: protocol::PROTOCOL_VERSION,
            lose_answers: 0,
            refuse: None,
            unavailable: false,
            stall: None,
            strangers: VecDeque::new(),
            stranger_next: false,
            most_units: most_units(),
            bend: None,
            projects: None,
        };
        let world = World {
            script,
            units: Vec::new(),
            program,
            runnable,
            limits: UnitLimits { max_steps: 1 << 20, max_memory_cells: 1 << 22, time_limit: 60 },
            requests: Vec::new(),
            nonces: HashSet::new(),
            uploader: Identity::random().unwrap(),
        };
        let shared = Arc::new(Shared { world: Mutex::new(world), changed: Condvar::new() });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let grid = Self { address, shared };
        let router = router(grid.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        grid
    }

    /// With these argument sets.
    pub fn with_units(self, arguments: &[&str]) -> Self {
        for json in arguments {
            let arguments = Arguments::from_json(json.as_bytes()).unwrap();
            let bound = self.world().runnable.as_ref().map(|program| program.bind(&arguments).unwrap());
            self.world().units.push(Unit {
                id: UnitId::random().unwrap(),
                arguments: Felts(bound.unwrap_or_default()),
                lease: None,
                leases: 0,
                proofs: Vec::new(),
                execution: None,
                failures: Vec::new(),
                submissions: 0,
            });
        }
        self
    }

    /// From now on serves these bytes as its program, and signs them.
    pub fn serve_signed(&self, program: Vec<u8>) {
        self.world().program = program;
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }

    /// Waits until something is so.
    pub fn wait_until(&self, what: &str, condition: impl Fn(&World) -> bool) {
        let begin = Instant::now();
        let mut world = self.world();
        while !condition(&world) {
            assert!(begin.elapsed() < super::process::PATIENCE, "{what} did not come about");
            world = self.shared.changed.wait_timeout(world, Duration::from_secs(1)).unwrap().0;
        }
    }

    /// Every unit was proved exactly once.
    pub fn assert_all_proved_once(&self) {
        for unit in &self.world().units {
            assert_eq!(unit.proofs.len(), 1, "unit {}: failures {:?}", unit.id, unit.failures);
        }
    }
}

fn router(grid: Grid) -> Router {
    Router::new()
        .route("/v1/leases", post(lease))
        .route("/v1/leases/{token}/renew", post(renew))
        .route("/v1/leases/{token}", delete(release))
        .route("/v1/programs/{digest}", get(program))
        .route("/v1/executions/{digest}", get(execution))
        .route("/v1/proofs/{digest}", put(proof))
        .route("/v1/units/{id}/execution", put(put_execution))
        .route("/v1/projects", get(projects))
        .route("/v1/projects/{name}", get(project))
        .route("/v1/donors/me", get(credit))
        .fallback(any(|| async { StatusCode::NOT_FOUND }))
        .layer(axum::extract::DefaultBodyLimit::max(256 << 20))
        .with_state(grid)
}

fn json(world: &World, value: &impl Serialize) -> Response {
    let headers =
        [("content-type", "application/json".to_owned()), ("cairn-protocol", world.script.version.to_string())];
    (headers, serde_json::to_vec(value).unwrap()).into_response()
}

fn refuse(world: &World, cause: Cause, detail: &str) -> Response {
    let mut problem = Problem::new(cause, detail);
    problem.server_time = (cause == Cause::ClockSkew).then(|| now(world));
    let headers =
        [("content-type", protocol::PROBLEM_JSON.to_owned()), ("cairn-protocol", world.script.version.to_string())];
    let status = StatusCode::from_u16(cause.status()).unwrap();
    (status, headers, serde_json::to_vec(&problem).unwrap()).into_response()
}

fn now(world: &World) -> Timestamp {
    Timestamp(Timestamp::now().0.saturating_add_signed(world.script.clock))
}

/// Who signed, or the refusal.
fn signed(
    world: &mut World,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<DonorKey, Box<Response>> {
    world.requests.push(format!("{method} {uri}"));
    let get = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let refused = |world: &World, cause, detail: String| Err(Box::new(refuse(world, cause, &detail)));
    let signed = match SignedHeaders::from_headers(get) {
        Ok(signed) => signed,
        Err(error) => return refused(world, Cause::MissingSignature, error.to_string()),
    };
    if let Err(error) = signed.verify(method.as_str(), uri.path()) {
        return refused(world, Cause::BadSignature, error.to_string());
    }
    if signed.time.0.abs_diff(now(world).0) > 60 {
        return refused(world, Cause::ClockSkew, "your clock is off".to_owned());
    }
    if !world.nonces.insert(signed.nonce) {
        return refused(world, Cause::Replayed, "seen before".to_owned());
    }
    if signed.content != Digest::of(body) {
        return refused(world, Cause::DigestMismatch, "other bytes".to_owned());
    }
    Ok(signed.key)
}

async fn lease(State(grid): State<Grid>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut world = grid.world();
    world.script.stranger_next = !world.script.stranger_next;
    if !world.script.stranger_next
        && let Some((status, headers, body)) = world.script.strangers.pop_front()
    {
        let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
        response.headers_mut().remove("content-type");
        for (name, value) in headers {
            response.headers_mut().insert(name, axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        grid.shared.changed.notify_all();
        return response;
    }
    let donor = match signed(&mut world, &method, &uri, &headers, &body) {
        Ok(donor) => donor,
        Err(refusal) => return *refusal,
    };
    let request: LeaseRequest = serde_json::from_slice(&body).unwrap();
    let name: ProjectName = PROJECT.parse().unwrap();
    if request.project.as_ref().is_some_and(|project| *project != name) {
        return refuse(&world, Cause::UnknownProject, "there is no such project");
    }
    let time = now(&world);
    let seconds = world.script.lease_seconds;
    let prove = request.mode != LeaseMode::Execute;
    let open = |unit: &Unit| {
        let free = unit
            .lease
            .as_ref()
            .is_none_or(|(_, holder, expires, key)| *expires < time || (*holder == donor && *key == request.request));
        let wanted = match (request.mode, unit.execution.is_some()) {
            (LeaseMode::Execute, executed) => !executed,
            (LeaseMode::Prove, executed) => executed,
            (LeaseMode::Both, _) => true,
        };
        unit.proofs.is_empty() && unit.failures.is_empty() && free && wanted
    };
    let most = world.script.most_units.min(request.limits.lease_units.max(1) as usize);
    let executed = |index: &usize| prove && world.units[*index].execution.is_some();
    let mut lent: Vec<usize> = (0..world.units.len()).filter(|index| open(&world.units[*index])).collect();
    let Some(first) = lent.first().copied() else {
        let all_done = world.units.iter().all(|unit| !unit.proofs.is_empty() || !unit.failures.is_empty());
        let reason = if all_done { NoWork::Empty } else { NoWork::AllLeased };
        let headers = [
            ("cairn-protocol", world.script.version.to_string()),
            ("cairn-reason", reason.name().to_owned()),
            ("retry-after", "1".to_owned()),
        ];
        return (StatusCode::NO_CONTENT, headers).into_response();
    };
    // All units of a lease are for the same.
    lent.retain(|index| executed(index) == executed(&first));
    lent.truncate(most);
    let mode = if executed(&first) { LeaseMode::Prove } else { request.mode };
    let project = leased_project(&world);
    let token = match &world.units[first].lease {
        Some((token, _, _, key)) if *key == request.request => *token,
        _ => LeaseToken::random().unwrap(),
    };
    let expires_at = time.plus(seconds);
    let mut units = Vec::new();
    for index in lent {
        let unit = &mut world.units[index];
        unit.lease = Some((token, donor, expires_at, request.request));
        unit.leases += 1;
        let execution = unit.execution.as_ref().filter(|_| mode == LeaseMode::Prove);
        units.push(LeasedUnit {
            id: unit.id,
            attempt: unit.leases,
            arguments: unit.arguments.clone(),
            estimated_steps: 1000,
            execution: execution.map(|(bytes, n_steps)| ExecutionInfo {
                sha256: Digest::of(bytes),
                size: bytes.len() as u64,
                n_steps: *n_steps,
            }),
        });
    }
    let mut lease = Lease { token, mode, now: time, expires_at, renewable_until: time.plus(86_400), units, project };
    if let Some(bend) = world.script.bend {
        bend(&mut lease);
    }
    grid.shared.changed.notify_all();
    json(&world, &lease)
}

fn leased_project(world: &World) -> LeasedProject {
    let name: ProjectName = PROJECT.parse().unwrap();
    let program = Digest::of(&world.program);
    let (record, program_hash) = match &world.runnable {
        Some(runnable) => (protocol::record_digest(runnable.program()), protocol::program_hash(runnable.program())),
        None => (Digest::of(b""), protocol::ProgramHash::from_bytes([0; 32])),
    };
    let (limits, preset, description, weight) = (world.limits, Preset::Default100, Digest::of(b""), 1);
    let offer = protocol::Offer {
        name: &name,
        program: &program,
        record: &record,
        limits: &limits,
        preset,
        description,
        weight,
        byte_price: None,
    };
    let signature = world.uploader.sign_program(&offer);
    let signer = if world.script.bad_signature { Identity::random().unwrap() } else { world.uploader.clone() };
    LeasedProject {
        name,
        program,
        record,
        program_hash,
        signer: signer.signer_key(),
        signature,
        limits,
        preset,
        description,
        weight,
        byte_price: None,
    }
}

async fn renew(
    State(grid): State<Grid>,
    Path(token): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = grid.world();
    if let Err(refusal) = signed(&mut world, &method, &uri, &headers, &body) {
        return *refusal;
    }
    let (time, seconds) = (now(&world), world.script.lease_seconds);
    let leases = world.units.iter_mut().filter_map(|unit| unit.lease.as_mut());
    let mut found = false;
    for lease in leases.filter(|lease| lease.0.to_string() == token) {
        (lease.2, found) = (time.plus(seconds), true);
    }
    if !found {
        return refuse(&world, Cause::UnknownLease, "there is no such lease");
    }
    json(&world, &Renewed { now: time, expires_at: time.plus(seconds), settled: Vec::new() })
}

async fn release(
    State(grid): State<Grid>,
    Path(token): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = grid.world();
    if let Err(refusal) = signed(&mut world, &method, &uri, &headers, &body) {
        return *refusal;
    }
    let held = |unit: &&mut Unit| unit.lease.as_ref().is_some_and(|lease| lease.0.to_string() == token);
    let back: GivenBack = if body.is_empty() { GivenBack::default() } else { serde_json::from_slice(&body).unwrap() };
    for unit in world.units.iter_mut().filter(held) {
        if back.units.is_empty() || back.units.contains(&unit.id) {
            unit.lease = None;
            unit.failures.extend(back.failure.clone());
        }
    }
    grid.shared.changed.notify_all();
    json(&world, &())
}

async fn program(State(grid): State<Grid>) -> Response {
    let stalls = {
        let mut world = grid.world();
        world.requests.push("GET program".to_owned());
        grid.shared.changed.notify_all();
        world.script.stall == Some("program")
    };
    if stalls {
        std::future::pending::<()>().await;
    }
    let world = grid.world();
    let bytes = world.script.other_program.clone().unwrap_or_else(|| world.program.clone());
    ([("cairn-protocol", world.script.version.to_string())], bytes).into_response()
}

async fn execution(State(grid): State<Grid>, Path(digest): Path<String>) -> Response {
    let world = grid.world();
    let executions = world.units.iter().filter_map(|unit| unit.execution.as_ref());
    let found = executions.map(|(bytes, _)| bytes).find(|bytes| Digest::of(bytes).to_string() == digest).cloned();
    match found {
        Some(bytes) => ([("cairn-protocol", world.script.version.to_string())], bytes).into_response(),
        None => refuse(&world, Cause::UnknownBlob, "there is no such execution"),
    }
}

async fn projects(State(grid): State<Grid>) -> Response {
    let world = grid.world();
    if let Some(projects) = &world.script.projects {
        return ([("cairn-protocol", world.script.version.to_string())], projects.clone()).into_response();
    }
    json(&world, &BTreeMap::from([("projects", Vec::<HashMap<String, String>>::new())]))
}

async fn project(State(grid): State<Grid>, Path(name): Path<String>) -> Response {
    let world = grid.world();
    let project = leased_project(&world);
    if project.name.as_str() != name {
        return refuse(&world, Cause::UnknownProject, "there is no such project");
    }
    let spec = ProjectSpec {
        program: project.program,
        record: project.record,
        program_hash: project.program_hash,
        signer: project.signer,
        signature: project.signature,
        limits: project.limits,
        preset: project.preset,
        description: String::new(),
        weight: 1,
        byte_price: None,
        keep_proofs: protocol::KeepProofs::All,
    };
    let project = Project {
        name: project.name,
        spec,
        state: protocol::ProjectState::Active,
        weight: 1,
        units: protocol::UnitCounts::default(),
        proven_steps: 0,
        proofs: protocol::ProofCounts::default(),
        created_at: Timestamp(0),
    };
    json(&world, &project)
}

async fn credit(State(grid): State<Grid>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut world = grid.world();
    match signed(&mut world, &method, &uri, &headers, &body) {
        Err(refusal) => *refusal,
        Ok(donor) => {
            let credit = DonorCredit {
                donor,
                proven_steps: 0,
                proven_units: 0,
                executed_units: 0,
                refused: 0,
                marks: 0,
                live_leases: 0,
                since: None,
            };
            json(&world, &credit)
        }
    }
}

async fn proof(
    State(grid): State<Grid>,
    Path(digest): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let stalls = grid.world().script.stall == Some("proof");
    let answer = take_proof(&grid, &digest, &method, &uri, &headers, &body);
    if stalls {
        std::future::pending::<()>().await;
    }
    answer
}

fn take_proof(grid: &Grid, digest: &str, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Response {
    let mut world = grid.world();
    if world.script.unavailable {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let donor = match signed(&mut world, method, uri, headers, body) {
        Ok(donor) => donor,
        Err(refusal) => return *refusal,
    };
    if let Some(cause) = world.script.refuse {
        return refuse(&world, cause, "no");
    }
    let (named, length) = protocol::read_trailer(body).unwrap();
    let proof = &body[..body.len() - length];
    let sha256 = Digest::of(proof);
    assert_eq!(sha256.to_string(), digest);
    let program = world.runnable.as_ref().unwrap().program().clone();
    let mut arguments = Vec::new();
    for id in &named {
        let Some(unit) = world.units.iter_mut().find(|unit| unit.id == *id) else {
            return refuse(&world, Cause::UnknownUnit, "there is no such unit");
        };
        unit.submissions += 1;
        arguments.push(unit.arguments.0.clone());
    }
    let policy = protocol::policy(Preset::Default100, world.limits.max_steps);
    let shown = match protocol::proof::verify(&program, arguments, &donor, proof, &policy) {
        Ok(shown) => shown,
        Err(error) => return refuse(&world, Cause::VerifyFailed, &error.to_string()),
    };
    let mut units = Vec::new();
    for (id, run) in named.into_iter().zip(shown) {
        let unit = world.units.iter_mut().find(|unit| unit.id == id).unwrap();
        let accepted = UnitReceipt { unit: id, status: ProofStatus::Accepted, credited_steps: run.n_steps };
        units.push(match unit.proofs.first() {
            Some((known, _)) if *known == sha256 => accepted,
            Some(_) => UnitReceipt { status: ProofStatus::AlreadyProved, credited_steps: 0, ..accepted },
            None => {
                unit.proofs.push((sha256, donor));
                accepted
            }
        });
    }
    answer_or_lose(grid, world, &ProofReceipt { sha256, units })
}

async fn put_execution(
    State(grid): State<Grid>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = grid.world();
    if let Err(refusal) = signed(&mut world, &method, &uri, &headers, &body) {
        return *refusal;
    }
    let execution = match cairo_execution::load(&body[..], cairo_execution::LoadLimits::default()) {
        Ok(execution) => execution,
        Err(error) => return refuse(&world, Cause::BadExecution, &error.to_string()),
    };
    let unit = world.units.iter_mut().find(|unit| unit.id.to_string() == id).unwrap();
    assert_eq!(execution.arguments, unit.arguments.0);
    let n_steps = execution.n_steps() as u64;
    let status = if unit.execution.is_some() { ExecutionStatus::AlreadyExecuted } else { ExecutionStatus::Accepted };
    unit.execution.get_or_insert((body.to_vec(), n_steps));
    unit.lease = None;
    let receipt = ExecutionReceipt { status, unit: unit.id, sha256: Digest::of(&body), n_steps };
    answer_or_lose(&grid, world, &receipt)
}

/// Answers, or loses the connection after everything was done.
fn answer_or_lose(grid: &Grid, mut world: MutexGuard<'_, World>, receipt: &impl Serialize) -> Response {
    grid.shared.changed.notify_all();
    if world.script.lose_answers > 0 {
        world.script.lose_answers -= 1;
        // An answer without the protocol's header is not a distributor's: the donor must ask again.
        return StatusCode::BAD_GATEWAY.into_response();
    }
    json(&world, receipt)
}
