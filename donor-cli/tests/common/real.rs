//! The real distributor with a project, in the test's own process or in one that can be killed.

use super::fixture;
use cairo_runner::{Arguments, RunnableProgram};
use distributor::clock::Clock;
use distributor::config::Settings;
use protocol::client::{Bytes, ClientConfig, RetryPolicy, UploaderClient};
use protocol::{
    ApiKey, Digest, Felts, Identity, NewUnit, NewUnits, Preset, ProjectName, ProjectSpec, Timestamp, UnitCounts,
    UnitDetail, UnitId, UnitLimits,
};
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The machine's clock, moved.
struct MovedClock(i64, Instant);

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp(Timestamp::now().0.saturating_add_signed(self.0))
    }

    fn elapsed(&self) -> Duration {
        self.1.elapsed()
    }
}

/// A running distributor with one project.
pub struct Real {
    pub address: String,
    pub units: Vec<UnitId>,
    pub name: ProjectName,
    uploader: UploaderClient,
    runtime: Runtime,
    data: TempDir,
    /// If it is a process of its own.
    process: Option<Child>,
}

/// How a distributor is set up.
pub struct Setup {
    /// Its clock less the machine's, in seconds.
    pub clock: i64,
    pub lease_seconds: u64,
    /// Whether it is a process of its own, which can be killed.
    pub process: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { clock: 0, lease_seconds: 600, process: false }
    }
}

impl Real {
    /// One whose project has this program, with a unit for each argument set.
    pub fn with(program: &str, units: &[&str]) -> Self {
        Self::set_up(program, units, &Setup::default())
    }

    /// One that is set up otherwise.
    pub fn set_up(program: &str, units: &[&str], setup: &Setup) -> Self {
        let (data, key) = (tempfile::tempdir().unwrap(), ApiKey::random().unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(testgrid::add_key(data.path(), &key));
        let (address, process) = if setup.process {
            let (address, process) = start_process(data.path(), 0, setup.lease_seconds);
            (address, Some(process))
        } else {
            let settings = settings(setup.lease_seconds);
            let address = runtime.block_on(async {
                let (address, serving) = serve(data.path(), 0, settings, setup.clock).await;
                tokio::spawn(serving);
                address
            });
            (address, None)
        };
        let config = ClientConfig::new(&address, "test").unwrap().retry(RetryPolicy::interactive());
        let uploader = UploaderClient::new(config, Some(key)).unwrap();
        let name: ProjectName = "primes".parse().unwrap();
        let units = runtime.block_on(push(&uploader, &name, &fixture(program), units));
        Self { address, units, name, uploader, runtime, data, process }
    }

    /// Kills its process (SIGKILL).
    pub fn kill(&mut self) {
        let process = self.process.as_mut().expect("a process of its own");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Starts its process again, on the same data and at the same address.
    pub fn start_again(&mut self) {
        let port = self.address.rsplit_once(':').unwrap().1.parse().unwrap();
        self.process = Some(start_process(self.data.path(), port, 600).1);
    }

    /// Counts of the project's units.
    pub fn counts(&self) -> UnitCounts {
        self.runtime.block_on(self.uploader.project(&self.name)).unwrap().units
    }

    /// A unit with its attempts.
    pub fn unit(&self, index: usize) -> UnitDetail {
        self.runtime.block_on(self.uploader.unit(&self.units[index])).unwrap()
    }

    /// Names the donor of this state folder as one that the operator trusts; makes its key if it has none.
    pub fn trust(&self, state: &Path) {
        let donor = Identity::load_or_create(&state.join("key")).unwrap().donor_key();
        self.runtime.block_on(testgrid::trust(self.data.path(), &donor));
    }

    /// Waits until the counts are so.
    pub fn wait_until(&self, what: &str, condition: impl Fn(&UnitCounts) -> bool) {
        let begin = Instant::now();
        while !condition(&self.counts()) {
            assert!(begin.elapsed() < super::process::PATIENCE, "{what} did not come about: {:?}", self.counts());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Every unit was proved, and each once.
    pub fn assert_all_proved_once(&self) {
        let results = self.runtime.block_on(self.uploader.results(&self.name, 0, 1000)).unwrap().results;
        let mut proved: Vec<UnitId> = results.iter().map(|result| result.unit).collect();
        let mut expected = self.units.clone();
        proved.sort();
        expected.sort();
        assert_eq!(proved, expected);
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn settings(lease_seconds: u64) -> Settings {
    Settings { lease_seconds, retry_empty: 1, retry_all_leased: 1, suspect_cooldown_seconds: 1, ..Settings::default() }
}

/// Opens the data and the port; what is returned serves for ever.
async fn serve(data: &Path, port: u16, settings: Settings, clock: i64) -> (String, impl Future<Output = ()> + use<>) {
    let clock = Arc::new(MovedClock(clock, Instant::now()));
    testgrid::serve(data, (Ipv4Addr::LOCALHOST, port).into(), settings, Some(clock)).await
}

const FOLDER: &str = "DONOR_TEST_DISTRIBUTOR";

/// Starts this test program again as a distributor. Returns its address.
fn start_process(data: &Path, port: u16, lease_seconds: u64) -> (String, Child) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_process_of_a_distributor", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, data).env("DONOR_TEST_PORT", port.to_string());
    command.env("DONOR_TEST_LEASE", lease_seconds.to_string()).stdout(Stdio::piped()).stdin(Stdio::null());
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let address = lines.find_map(|line| line.split_once("serving at ").map(|(_, address)| address.to_owned()));
    let address = address.expect("a distributor that serves");
    // Nobody reads the rest, but the pipe must stay open.
    std::thread::spawn(move || lines.for_each(drop));
    (address, process)
}

/// What the other process does; nothing if this is not the other process.
pub fn be_a_process() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (Some(data), Some(port), Some(lease)) =
        (std::env::var_os(FOLDER), number("DONOR_TEST_PORT"), number("DONOR_TEST_LEASE"))
    else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let (address, serving) = serve(Path::new(&data), u16::try_from(port).unwrap(), settings(lease), 0).await;
        println!("serving at {address}");
        serving.await;
    });
}

async fn push(uploader: &UploaderClient, name: &ProjectName, file: &[u8], units: &[&str]) -> Vec<UnitId> {
    let runnable = RunnableProgram::from_json(file).unwrap();
    let (program, record) = (Digest::of(file), protocol::record_digest(runnable.program()));
    uploader.put_program(Bytes::copy_from_slice(file), None).await.unwrap();
    uploader.put_record(Bytes::from(protocol::encode_program(runnable.program()))).await.unwrap();
    let signer = Identity::random().unwrap();
    let spec = ProjectSpec {
        program,
        record,
        program_hash: protocol::program_hash(runnable.program()),
        signer: signer.signer_key(),
        signature: protocol::Signature::from_bytes([0; 64]),
        limits: UnitLimits { max_steps: 1 << 20, max_memory_cells: 1 << 22, time_limit: 60 },
        preset: Preset::Default100,
        description: "Counts primes by trial division".to_owned(),
        weight: 1,
        byte_price: None,
        keep_proofs: protocol::KeepProofs::All,
    }
    .signed(name, &signer);
    uploader.put_project(name, &spec).await.unwrap();
    let unit = |(index, json): (usize, &&str)| {
        let arguments = Arguments::from_json(json.as_bytes()).unwrap();
        let arguments = Felts(runnable.bind(&arguments).unwrap());
        NewUnit { external_id: format!("unit-{index}").parse().unwrap(), arguments, estimated_steps: 10_000 }
    };
    let units = NewUnits { units: units.iter().enumerate().map(unit).collect() };
    uploader.add_units(name, &units).await.unwrap().units.iter().map(|unit| unit.id).collect()
}
