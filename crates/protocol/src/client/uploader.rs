//! What uploaders ask.

use super::config::ClientConfig;
use super::donor::check_digest;
use super::error::ClientError;
use super::events::EventStream;
use super::http::{Call, Http, MAX_LIST_JSON};
use super::payload::{Payload, Progress, json_payload};
use super::projects;
use crate::api_key::ApiKey;
use crate::ids::{Digest, ProjectName, UnitId};
use crate::page::ProjectPage;
use crate::policy::MAX_PROOF_BYTES;
use crate::project::{BlobStored, Project, ProjectList, ProjectSpec, ProjectStored};
use crate::unit::{
    Changed, Collected, NewUnits, ProofRuns, ResultPage, Unit, UnitDetail, UnitPage, UnitState, UnitsStored,
};
use crate::{HEADER_CONTENT, MAX_PROGRAM_BYTES, routes};
use bytes::Bytes;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An uploader's connection to a distributor. Clones share the connection.
#[derive(Clone, Debug)]
pub struct UploaderClient {
    http: Http,
    key: Option<ApiKey>,
}

/// Which units of a project, and how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitQuery {
    /// Only units in this state.
    pub state: Option<UnitState>,
    /// Only units of which donors reported failures that are not settled.
    pub suspect: bool,
    /// Where to begin: the last page's `next`.
    pub cursor: Option<u64>,
    /// Most units of the page.
    pub limit: u32,
}

impl UnitQuery {
    /// The first units of all.
    pub const fn first(limit: u32) -> Self {
        Self { state: None, suspect: false, cursor: None, limit }
    }
}

impl UploaderClient {
    /// A client; nothing is sent yet. Without a key only what is public can be asked.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up, or the key would travel where everybody can read it and
    /// [`ClientConfig::insecure_http`] does not allow that.
    pub fn new(config: ClientConfig, key: Option<ApiKey>) -> Result<Self, ClientError> {
        if key.is_some() && config.is_exposed() && !config.insecure_http {
            return Err(ClientError::Insecure { address: config.address.to_string() });
        }
        Ok(Self { http: Http::new(config)?, key })
    }

    /// The distributor's address.
    pub fn config(&self) -> &ClientConfig {
        &self.http.config
    }

    /// Uploads a program file.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn put_program(&self, file: Bytes, progress: Option<Progress>) -> Result<BlobStored, ClientError> {
        self.put(&routes::program(&Digest::of(&file)), file, progress).await
    }

    /// Uploads a program's record, see [`crate::encode_program`].
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn put_record(&self, record: Bytes) -> Result<BlobStored, ClientError> {
        self.put(&routes::record(&Digest::of(&record)), record, None).await
    }

    /// Makes a project, or changes its settings. The same again changes nothing.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn put_project(&self, name: &ProjectName, spec: &ProjectSpec) -> Result<ProjectStored, ClientError> {
        self.ask(Method::PUT, &routes::project(name), Some(spec)).await
    }

    /// All projects that are not withdrawn.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn projects(&self) -> Result<ProjectList, ClientError> {
        projects::all(false, async |target| self.get(&target).await).await
    }

    /// All projects, with those that were withdrawn.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn all_projects(&self) -> Result<ProjectList, ClientError> {
        projects::all(true, async |target| self.get(&target).await).await
    }

    /// Deletes a withdrawn project with all its units, results and proofs. `force`: also while units are lent or results were not
    /// collected.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn delete_project(&self, name: &ProjectName, force: bool) -> Result<Changed, ClientError> {
        let query = if force { "?force=true" } else { "" };
        self.ask(Method::DELETE, &format!("{}{query}", routes::project(name)), None::<&()>).await
    }

    /// One project.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn project(&self, name: &ProjectName) -> Result<Project, ClientError> {
        self.get(&routes::project(name)).await
    }

    /// What visitors of the site are told of a project.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn page(&self, name: &ProjectName) -> Result<ProjectPage, ClientError> {
        self.get(&routes::page(name)).await
    }

    /// Changes that, and returns what the distributor has now.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn put_page(&self, name: &ProjectName, page: &ProjectPage) -> Result<ProjectPage, ClientError> {
        self.ask(Method::PUT, &routes::page(name), Some(page)).await
    }

    /// Adds units, at most [`crate::MAX_BATCH`]. The same again changes nothing.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn add_units(&self, name: &ProjectName, units: &NewUnits) -> Result<UnitsStored, ClientError> {
        self.ask(Method::POST, &routes::units(name), Some(units)).await
    }

    /// A page of a project's units.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn units(&self, name: &ProjectName, query: &UnitQuery) -> Result<UnitPage, ClientError> {
        let state = query.state.map(|state| format!("&state={state}")).unwrap_or_default();
        let cursor = query.cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let suspect = if query.suspect { "&suspect=true" } else { "" };
        self.get(&format!("{}?limit={}{state}{cursor}{suspect}", routes::units(name), query.limit)).await
    }

    /// Proved units after a cursor (0 for all), in the order of their proofs.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn results(&self, name: &ProjectName, cursor: u64, limit: u32) -> Result<ResultPage, ClientError> {
        self.get(&format!("{}?cursor={cursor}&limit={limit}", routes::results(name))).await
    }

    /// Says that all results up to this cursor were collected, into a manifest with this root.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn mark_collected(
        &self,
        name: &ProjectName,
        cursor: u64,
        root: Option<Digest>,
    ) -> Result<Changed, ClientError> {
        self.ask(Method::POST, &routes::collected(name), Some(&Collected { cursor, root })).await
    }

    /// Of which runs a proof of a project is.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn proof_runs(&self, name: &ProjectName, digest: &Digest) -> Result<ProofRuns, ClientError> {
        self.get(&routes::project_proof(name, digest)).await
    }

    /// A unit with its attempts.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn unit(&self, id: &UnitId) -> Result<UnitDetail, ClientError> {
        self.get(&routes::unit(id)).await
    }

    /// A proof; its digest is checked.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses, or the file is another.
    pub async fn proof(&self, digest: &Digest) -> Result<Vec<u8>, ClientError> {
        self.file(&routes::proof(digest), digest, MAX_PROOF_BYTES).await
    }

    /// A program file; its digest is checked.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses, or the file is another.
    pub async fn program(&self, digest: &Digest) -> Result<Vec<u8>, ClientError> {
        self.file(&routes::program(digest), digest, MAX_PROGRAM_BYTES).await
    }

    /// Puts a failed unit back into the queue.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn retry_unit(&self, id: &UnitId) -> Result<Unit, ClientError> {
        self.ask(Method::POST, &routes::retry_unit(id), None::<&()>).await
    }

    /// Has a unit proven again whose result is there.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn prove_again(&self, id: &UnitId) -> Result<Unit, ClientError> {
        self.ask(Method::POST, &routes::prove_again(id), None::<&()>).await
    }

    /// Withdraws a unit that is not proved.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn withdraw_unit(&self, id: &UnitId) -> Result<Unit, ClientError> {
        self.ask(Method::POST, &routes::withdraw_unit(id), None::<&()>).await
    }

    /// Withdraws a project and all its units that are not proved.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn withdraw_project(&self, name: &ProjectName) -> Result<Changed, ClientError> {
        self.ask(Method::POST, &routes::withdraw_project(name), None::<&()>).await
    }

    /// The project's events after that number, as they happen; from now on if not given.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn events(&self, name: &ProjectName, after: Option<u64>) -> Result<EventStream, ClientError> {
        let target = routes::events(name);
        let mut call = self.call(Method::GET, &target);
        call.headers.extend(after.map(|after| ("last-event-id", after.to_string())));
        let response = self.http.config.retry.run(|| self.http.send(&call)).await?;
        Ok(EventStream::new(self.http.clone(), target.clone(), response))
    }

    fn call<'a>(&self, method: Method, target: &'a str) -> Call<'a> {
        let mut call = Call::new(method, target);
        call.headers.extend(self.key.as_ref().map(|key| ("authorization", format!("Bearer {}", key.reveal()))));
        call
    }

    async fn json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, ClientError> {
        let once = || async { self.http.read_json(call.target, self.http.send(&call).await?, MAX_LIST_JSON).await };
        self.http.config.retry.run(once).await
    }

    async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, ClientError> {
        self.json(self.call(Method::GET, target)).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, ClientError> {
        let mut call = self.call(method, target);
        if let Some(body) = body {
            call.payload = json_payload(body)?;
            call.length = call.payload.measure().await?.1;
            call.json = true;
        }
        self.json(call).await
    }

    async fn put(&self, target: &str, file: Bytes, progress: Option<Progress>) -> Result<BlobStored, ClientError> {
        let mut call = self.call(Method::PUT, target);
        call.headers.push((HEADER_CONTENT, Digest::of(&file).to_string()));
        call.length = file.len() as u64;
        call.payload = Payload::Bytes(file);
        call.progress = progress;
        self.json(call).await
    }

    async fn file(&self, target: &str, digest: &Digest, limit: usize) -> Result<Vec<u8>, ClientError> {
        let call = self.call(Method::GET, target);
        let fetch = || async {
            let response = self.http.send(&call).await?;
            let bytes = self.http.read(target, response, limit as u64, None).await?;
            check_digest(&self.http, target, digest, &bytes)?;
            Ok(bytes)
        };
        self.http.config.retry.run(fetch).await
    }
}
