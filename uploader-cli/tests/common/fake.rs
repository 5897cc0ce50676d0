//! A distributor in memory. It follows the protocol; what a test changes in it are the lies.

use super::server::{Request, Response, serve};
use super::{KEY, load, prove_units};
use cairo_runner::Arguments;
use protocol::signing::Identity;
use protocol::{
    Attempt, BlobStored, Cause, Changed, Collected, Digest, DonorKey, Failure, FailureCause, LeaseMode, NewUnits,
    Outcome, Preset, Project, ProjectList, ProjectName, ProjectSpec, ProjectState, ProjectStored, ProofInfo, ProofRuns,
    ProvedRun, Report, ResultPage, StoredUnit, Timestamp, Unit, UnitCounts, UnitDetail, UnitId, UnitPage, UnitResult,
    UnitState, UnitsStored,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

#[derive(Default)]
pub struct Data {
    pub blobs: BTreeMap<Digest, Vec<u8>>,
    pub project: Option<(ProjectName, ProjectSpec)>,
    pub units: Vec<Unit>,
    pub results: Vec<UnitResult>,
    /// Requests answered, as `METHOD path`.
    pub log: Vec<String>,
    pub collected: u64,
    /// Whether the project was withdrawn.
    pub withdrawn: bool,
    /// Root of the manifest into which was collected.
    pub root: Option<Digest>,
    /// What proofs of several runs are of.
    pub runs: BTreeMap<Digest, ProofRuns>,
    /// How many requests it still answers; then it is busy.
    pub budget: Option<usize>,
    /// How many batches of units it still takes; then it refuses them for good.
    pub batches: Option<usize>,
    /// What donors say of each attempt, in place of something harmless.
    pub words: Option<String>,
    /// How each request is refused, whatever it is.
    pub refusal: Option<String>,
    /// Answers of somebody in between to the next requests for results, one each.
    pub strangers: Vec<Response>,
    /// Answers to batches of units leave out the last one.
    pub forgetful: bool,
    /// Lists of results have no end.
    pub endless: bool,
    /// Lists of units have no end: they name the same one for ever.
    pub endless_units: bool,
    /// What is counted and timed in units' histories is as large as it can be, and the wrong way round.
    pub monstrous: bool,
}

/// A handle on a distributor that serves.
#[derive(Clone)]
pub struct Fake {
    pub address: String,
    pub data: Arc<Mutex<Data>>,
}

impl Fake {
    pub fn start() -> Self {
        let data = Arc::new(Mutex::new(Data::default()));
        let served = Arc::clone(&data);
        let address = serve(move |request| answer(&mut served.lock().expect("the data"), request));
        Self { address, data }
    }

    /// Behind a proxy that has it under a path, and nothing else.
    pub fn start_under(prefix: &'static str) -> Self {
        let data = Arc::new(Mutex::new(Data::default()));
        let served = Arc::clone(&data);
        let address = serve(move |request| match request.path.strip_prefix(prefix) {
            Some(path) => {
                let request = Request { path: path.to_owned(), ..request.clone() };
                answer(&mut served.lock().expect("the data"), &request)
            }
            None => Response::stranger(404, "<html>There is something else here</html>"),
        });
        Self { address: format!("{address}{prefix}"), data }
    }

    pub fn with<T>(&self, change: impl FnOnce(&mut Data) -> T) -> T {
        change(&mut self.data.lock().expect("the data"))
    }

    /// Proves the units of these names, as a donor would.
    pub fn prove(&self, program: &Path, units: &[&str]) {
        self.prove_by(3, program, units);
    }

    /// The same by another donor. What was proved before takes the new proof and moves to the end of the list.
    pub fn prove_by(&self, seed: u8, program: &Path, units: &[&str]) {
        let donor = Identity::from_seed(&[seed; 32]);
        for name in units {
            let unit = self.unit(name);
            let arguments = Arguments::from_felts(&unit.arguments.0);
            let proof = prove_units(&load(program), &[arguments], &donor, self.preset());
            self.accept(&[unit], proof, donor.donor_key());
        }
    }

    /// Proves the units of these names in one proof.
    pub fn prove_together(&self, program: &Path, units: &[&str]) {
        let donor = Identity::from_seed(&[3; 32]);
        let units: Vec<Unit> = units.iter().map(|name| self.unit(name)).collect();
        let arguments: Vec<Arguments> = units.iter().map(|unit| Arguments::from_felts(&unit.arguments.0)).collect();
        let proof = prove_units(&load(program), &arguments, &donor, self.preset());
        self.accept(&units, proof, donor.donor_key());
    }

    fn unit(&self, name: &str) -> Unit {
        self.with(|data| data.units.iter().find(|unit| unit.external_id.as_str() == name).cloned()).expect("the unit")
    }

    fn preset(&self) -> Preset {
        self.with(|data| data.project.as_ref().expect("the project").1.preset)
    }

    /// Takes a proof of these units, in the order of its runs.
    fn accept(&self, units: &[Unit], proof: Vec<u8>, prover: DonorKey) {
        let claim = cairo_air::CairoProof::decode(&proof).expect("a proof").claim;
        let (sha256, size) = (Digest::of(&proof), proof.len() as u64);
        self.with(|data| {
            data.blobs.insert(sha256, proof);
            for (index, (unit, run)) in (0..).zip(units.iter().zip(&claim.runs)) {
                let info = ProofInfo {
                    sha256,
                    size,
                    index,
                    runs: units.len() as u32,
                    kept: true,
                    prover,
                    n_steps: run.n_steps,
                    output: protocol::Felts(run.output.clone()),
                    proved_at: Timestamp(1_700_000_000),
                };
                let cursor = data.results.last().map_or(0, |last| last.cursor) + 1;
                data.results.retain(|result| result.unit != unit.id);
                data.results.push(UnitResult {
                    cursor,
                    unit: unit.id,
                    external_id: unit.external_id.clone(),
                    arguments: unit.arguments.clone(),
                    proof: info,
                });
                let stored = data.units.iter_mut().find(|stored| stored.id == unit.id).expect("the unit");
                (stored.state, stored.again) = (UnitState::Proved, false);
            }
            let run = |unit: &Unit| ProvedRun {
                unit: unit.id,
                external_id: unit.external_id.clone(),
                arguments: unit.arguments.clone(),
            };
            let runs = units.iter().map(run).collect();
            data.runs.insert(sha256, ProofRuns { sha256, size, kept: true, prover, runs });
        });
    }

    /// Lets a unit fail for good.
    pub fn fail(&self, name: &str) {
        self.with(|data| {
            let unit = data.units.iter_mut().find(|unit| unit.external_id.as_str() == name).expect("the unit");
            unit.state = UnitState::Failed;
            unit.attempts = 3;
            unit.failure =
                Some(Failure { cause: FailureCause::Panic, detail: "it panicked".to_owned(), donors: 3, trusted: 3 });
        });
    }
}

fn counts(units: &[Unit]) -> UnitCounts {
    let count = |state| units.iter().filter(|unit| unit.state == state).count() as u64;
    UnitCounts {
        queued: count(UnitState::Queued),
        leased: count(UnitState::Leased),
        executed: count(UnitState::Executed),
        proved: count(UnitState::Proved),
        collected: count(UnitState::Collected),
        failed: count(UnitState::Failed),
        withdrawn: count(UnitState::Withdrawn),
        suspect: units.iter().filter(|unit| unit.suspect).count() as u64,
    }
}

fn project(data: &Data) -> Option<Project> {
    let (name, spec) = data.project.clone()?;
    Some(Project {
        name,
        weight: spec.weight,
        spec,
        state: if data.withdrawn { ProjectState::Withdrawn } else { ProjectState::Active },
        units: counts(&data.units),
        proven_steps: data.results.iter().map(|result| result.proof.n_steps).sum(),
        proofs: Default::default(),
        created_at: Timestamp(1_700_000_000),
    })
}

fn answer(data: &mut Data, request: &Request) -> Response {
    if let Some(budget) = &mut data.budget {
        match budget.checked_sub(1) {
            Some(rest) => *budget = rest,
            None => return Response::problem(Cause::Busy, "the distributor has too much to do"),
        }
    }
    if let Some(refusal) = &data.refusal {
        return Response::problem(Cause::UnitState, refusal);
    }
    if request.path.ends_with("/results") && !data.strangers.is_empty() {
        return data.strangers.remove(0);
    }
    data.log.push(format!("{} {}", request.method, request.path));
    let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    let is_public = request.method == "GET" && (path.len() == 2 || (path.len() == 3 && path[1] == "projects"));
    if !is_public && request.authorization.as_deref() != Some(&format!("Bearer {KEY}")) {
        return Response::problem(Cause::BadKey, "the access key is not valid");
    }
    match (request.method.as_str(), path.as_slice()) {
        ("PUT", ["v1", "programs" | "records", digest]) => {
            let sha256: Digest = digest.parse().expect("a digest");
            assert_eq!(sha256, Digest::of(&request.body));
            let created = data.blobs.insert(sha256, request.body.clone()).is_none();
            Response::json(&BlobStored { sha256, size: request.body.len() as u64, created })
        }
        ("GET", ["v1", "proofs" | "programs", digest]) => match data.blobs.get(&digest.parse().expect("a digest")) {
            Some(bytes) => Response::bytes(bytes.clone()),
            None => Response::problem(Cause::UnknownBlob, "there is no such file"),
        },
        ("GET", ["v1", "projects"]) => {
            let all = request.query.contains("withdrawn=true");
            let listed = project(data).filter(|_| all || !data.withdrawn);
            Response::json(&ProjectList { projects: listed.into_iter().collect(), next: None })
        }
        ("DELETE", ["v1", "projects", name]) => match project(data).filter(|project| project.name.as_str() == *name) {
            None => unknown_project(name),
            Some(_) if !data.withdrawn => {
                Response::problem(Cause::ProjectState, "nothing was deleted: withdraw it first")
            }
            Some(project) if project.units.proved > 0 && !request.query.contains("force=true") => {
                Response::problem(Cause::ProjectState, "nothing was deleted: results were not collected")
            }
            Some(project) => {
                (data.project, data.withdrawn) = (None, false);
                data.units.clear();
                data.results.clear();
                Response::json(&Changed { units: project.units.total() })
            }
        },
        ("PUT", ["v1", "projects", name]) => put_project(data, name, &request.body),
        ("GET", ["v1", "projects", name]) => match project(data).filter(|project| project.name.as_str() == *name) {
            Some(project) => Response::json(&project),
            None => unknown_project(name),
        },
        ("GET", ["v1", "projects", _, "proofs", digest]) => match data.runs.get(&digest.parse().expect("a digest")) {
            Some(runs) => Response::json(runs),
            None => Response::problem(Cause::UnknownBlob, "there is no such proof"),
        },
        (_, ["v1", "projects", name, action]) => {
            if data.project.as_ref().is_none_or(|(known, _)| known.as_str() != *name) {
                return unknown_project(name);
            }
            project_action(data, request, action)
        }
        ("GET", ["v1", "units", id]) => match find(data, id) {
            Some(unit) => {
                let mut attempts = attempts(unit);
                let unit = unit.clone();
                let words = data.words.clone();
                attempts
                    .iter_mut()
                    .zip(words.iter().cycle())
                    .for_each(|(attempt, words)| attempt.detail.clone_from(words));
                let mut detail = UnitDetail { attempts, unit, folded_attempts: 0, reports: Vec::new(), proof: None };
                if data.monstrous {
                    make_monstrous(&mut detail);
                }
                Response::json(&detail)
            }
            None => Response::problem(Cause::UnknownUnit, "there is no such unit"),
        },
        ("POST", ["v1", "units", id, action]) => {
            let unit = find(data, id).expect("the unit");
            match *action {
                "retry" => (unit.state, unit.failure) = (UnitState::Queued, None),
                "prove-again" => unit.again = true,
                _ => (unit.state, unit.failure) = (UnitState::Withdrawn, None),
            }
            Response::json(unit)
        }
        _ => Response::problem(Cause::UnknownRoute, "there is nothing at this address"),
    }
}

fn unknown_project(name: &str) -> Response {
    Response::problem(Cause::UnknownProject, &format!("there is no project `{name}`"))
}

fn find<'a>(data: &'a mut Data, id: &str) -> Option<&'a mut Unit> {
    data.units.iter_mut().find(|unit| unit.id.to_string() == id)
}

fn make_monstrous(detail: &mut UnitDetail) {
    detail.folded_attempts = u32::MAX;
    for (index, attempt) in detail.attempts.iter_mut().enumerate() {
        let (first, last) = (Timestamp(0), Timestamp(u64::MAX));
        let (begin, end) = if index == 0 { (last, first) } else { (first, last) };
        (attempt.number, attempt.started_at, attempt.expires_at) = (u32::MAX, begin, Timestamp(u64::MAX));
        attempt.ended_at = Some(end);
        let report = |time| Report {
            donor: attempt.donor,
            trusted: index > 0,
            cause: FailureCause::Panic,
            detail: "it panicked".to_owned(),
            time,
        };
        detail.reports.extend([first, last].map(report));
    }
}

fn attempts(unit: &Unit) -> Vec<Attempt> {
    let attempt = |number| Attempt {
        number,
        donor: DonorKey::from_bytes([number as u8; 32]),
        mode: LeaseMode::Both,
        outcome: Outcome::Failed,
        started_at: Timestamp(1_700_000_000 + u64::from(number) * 60),
        expires_at: Timestamp(1_700_000_600),
        ended_at: Some(Timestamp(1_700_000_005 + u64::from(number) * 60)),
        failure: Some(FailureCause::Panic),
        refusal: None,
        detail: "it panicked".to_owned(),
    };
    (1..=unit.attempts).map(attempt).collect()
}

fn put_project(data: &mut Data, name: &str, body: &[u8]) -> Response {
    let spec: ProjectSpec = serde_json::from_slice(body).expect("a project");
    let name: ProjectName = name.parse().expect("a name");
    let signed = protocol::signing::verify_program(&spec.signer, &spec.offer(&name), &spec.signature);
    assert_eq!(signed, Ok(()));
    let created = data.project.is_none();
    if data.project.as_ref().is_some_and(|(_, old)| old.program != spec.program) {
        return Response::problem(Cause::ProjectTaken, "the project has another program");
    }
    data.project = Some((name, spec));
    Response::json(&ProjectStored { created, changed: Vec::new(), project: project(data).expect("the project") })
}

fn number(query: &str, name: &str) -> Option<u64> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

fn project_action(data: &mut Data, request: &Request, action: &str) -> Response {
    let (cursor, limit) =
        (number(&request.query, "cursor").unwrap_or(0), number(&request.query, "limit").unwrap_or(100));
    match (request.method.as_str(), action) {
        ("POST", "units") => put_units(data, &request.body),
        ("GET", "units") if data.endless_units => {
            let units = data.units.iter().take(1).cloned().collect();
            Response::json(&UnitPage { units, next: Some(cursor + 1) })
        }
        ("GET", "results") if data.endless => {
            let first = data.results.first().cloned().expect("a result");
            let result = |number| UnitResult {
                cursor: cursor + number,
                external_id: format!("nobody {}", cursor + number).parse().expect("an id"),
                ..first.clone()
            };
            let results: Vec<UnitResult> = (1..=limit).map(result).collect();
            Response::json(&ResultPage { results, next: cursor + limit, more: true })
        }
        ("GET", "units") => {
            let state = request.query.split('&').find_map(|pair| pair.strip_prefix("state="));
            let matching = |unit: &&Unit| state.is_none_or(|state| unit.state.name() == state);
            let rest: Vec<Unit> = data.units.iter().filter(matching).skip(cursor as usize).cloned().collect();
            let next = (rest.len() as u64 > limit).then_some(cursor + limit);
            Response::json(&UnitPage { units: rest.into_iter().take(limit as usize).collect(), next })
        }
        ("GET", "results") => {
            let after: Vec<UnitResult> = data.results.iter().filter(|result| result.cursor > cursor).cloned().collect();
            let more = after.len() as u64 > limit;
            let results: Vec<UnitResult> = after.into_iter().take(limit as usize).collect();
            let next = results.last().map_or(cursor, |last| last.cursor);
            Response::json(&ResultPage { results, next, more })
        }
        ("POST", "collected") => {
            let collected: Collected = serde_json::from_slice(&request.body).expect("a cursor");
            (data.collected, data.root) = (collected.cursor, collected.root);
            Response::json(&Changed { units: data.collected })
        }
        ("POST", "withdraw") => {
            let mut units = 0;
            for unit in data.units.iter_mut().filter(|unit| unit.state == UnitState::Queued) {
                (unit.state, units) = (UnitState::Withdrawn, units + 1);
            }
            data.withdrawn = true;
            Response::json(&Changed { units })
        }
        _ => Response::problem(Cause::UnknownRoute, "there is nothing at this address"),
    }
}

/// The number's lowest byte in every byte, the first of which tells the next.
fn unit_id(number: usize) -> UnitId {
    let mut bytes = [number as u8; 10];
    bytes[0] ^= (number >> 8) as u8;
    UnitId::from_bytes(bytes)
}

fn put_units(data: &mut Data, body: &[u8]) -> Response {
    let batch: NewUnits = serde_json::from_slice(body).expect("units");
    if let Some(batches) = &mut data.batches {
        match batches.checked_sub(1) {
            Some(rest) => *batches = rest,
            None => return Response::problem(Cause::ExternalIdTaken, "a unit of the batch has other arguments"),
        }
    }
    let mut stored = Vec::new();
    for new in batch.units {
        let known = data.units.iter().find(|unit| unit.external_id == new.external_id).cloned();
        if known.as_ref().is_some_and(|known| known.arguments != new.arguments) {
            let detail = format!("the unit `{}` has other arguments", new.external_id);
            return Response::problem(Cause::ExternalIdTaken, &detail);
        }
        let id = known.as_ref().map_or_else(|| unit_id(data.units.len() + 1), |known| known.id);
        stored.push(StoredUnit { external_id: new.external_id.clone(), id, created: known.is_none() });
        if known.is_none() {
            data.units.push(Unit {
                id,
                project: data.project.as_ref().expect("the project").0.clone(),
                external_id: new.external_id,
                arguments: new.arguments,
                estimated_steps: new.estimated_steps,
                state: UnitState::Queued,
                attempts: 0,
                failure: None,
                suspect: false,
                again: false,
                created_at: Timestamp(1_700_000_000),
                changed_at: Timestamp(1_700_000_000),
            });
        }
    }
    if data.forgetful {
        stored.pop();
    }
    Response::json(&UnitsStored { units: stored })
}
