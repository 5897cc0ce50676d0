//! One module a command: each reads its options, does its work through the other modules, and shows what came of it.

mod collect;
mod corelib;
mod delete;
mod describe;
mod history;
mod key;
mod list;
mod manual;
mod prove_again;
mod push;
mod retry;
mod rows;
mod status;
mod verify;
mod withdraw;

use crate::cli::{self, Cli, Command, Global};
use crate::compile::{self, Compiled, Places, Wishes};
use crate::error::Error;
use crate::local::{Corelibs, Keys, State};
use crate::show::Printer;
use crate::units::Source;
use protocol::client::{ClientConfig, RetryPolicy, UploaderClient};
use protocol::{ApiKey, ExternalId, ProjectName, Unit};
use std::path::Path;

/// Does what the command line says.
///
/// # Errors
/// What went wrong; [`Error::exit_code`] is the exit code.
pub fn run(cli: Cli, printer: Printer) -> Result<(), Error> {
    let state = State::new(cli.global.state.as_deref())?;
    let context = Context { global: cli.global, state, printer };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::Internal(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        match cli.command {
            Command::Push(options) => push::run(&context, *options).await,
            Command::Status(options) => status::run(&context, &options).await,
            Command::List(options) => list::run(&context, &options).await,
            Command::Collect(options) => collect::run(&context, *options).await,
            Command::Verify(options) => verify::run(&context, &options),
            Command::Retry(options) => retry::run(&context, &options).await,
            Command::ProveAgain(options) => prove_again::run(&context, &options).await,
            Command::Withdraw(options) => withdraw::run(&context, &options).await,
            Command::Delete(options) => delete::run(&context, &options).await,
            Command::Describe(options) => describe::run(&context, &options).await,
            Command::History(options) => history::run(&context, &options).await,
            Command::Key(options) => key::run(&context, &options),
            Command::Corelib(options) => corelib::run(&context, &options),
            Command::Completions { shell } => manual::completions(shell),
            Command::Man { folder } => manual::man(&folder),
        }
    })
}

/// What all commands need.
struct Context {
    global: Global,
    state: State,
    printer: Printer,
}

impl Context {
    /// The distributor's address in its one form.
    fn distributor(&self) -> Result<String, Error> {
        let given = match &self.global.distributor {
            Some(address) => address.clone(),
            None => Keys::load(&self.state)?.only_distributor().map(str::to_owned).ok_or(Error::NoDistributor)?,
        };
        let config = ClientConfig::new(&given, "")?;
        Ok(config.address.as_str().trim_end_matches('/').to_owned())
    }

    /// A connection for what needs a key.
    fn client(&self) -> Result<UploaderClient, Error> {
        let distributor = self.distributor()?;
        let key = self.key(&distributor)?.ok_or(Error::NoKey { distributor: distributor.clone() })?;
        self.connect(&distributor, Some(key))
    }

    /// A connection for what everybody may ask: a key that must not be sent is not needed.
    fn public_client(&self) -> Result<UploaderClient, Error> {
        let distributor = self.distributor()?;
        let may = self.global.insecure_http || !ClientConfig::new(&distributor, "")?.is_exposed();
        let key = if may { self.key(&distributor)? } else { None };
        self.connect(&distributor, key)
    }

    fn key(&self, distributor: &str) -> Result<Option<ApiKey>, Error> {
        match std::env::var("CAIRN_KEY") {
            Ok(text) if !text.is_empty() => {
                text.trim().parse().map(Some).map_err(|error| Error::Fault(format!("CAIRN_KEY: {error}")))
            }
            _ => Ok(Keys::load(&self.state)?.get(distributor).cloned()),
        }
    }

    /// The program that a command names, compiled if it must be.
    fn compile(&self, path: &Path, compilation: &cli::Compilation) -> Result<Compiled, Error> {
        let remembered = Corelibs::load(&self.state)?;
        let wishes = Wishes {
            corelib: compilation.corelib.as_deref(),
            executable: compilation.executable.as_deref(),
            remembered: remembered.folders(),
            begins: &|what| self.printer.begins(what),
        };
        let compiled = compile::load(path, &wishes, &Places::of_process())?;
        if !compiled.messages.trim().is_empty() {
            self.printer.note(compiled.messages.trim_end());
        }
        Ok(compiled)
    }

    fn connect(&self, distributor: &str, key: Option<ApiKey>) -> Result<UploaderClient, Error> {
        Ok(UploaderClient::new(self.config(distributor)?, key)?)
    }

    fn config(&self, distributor: &str) -> Result<ClientConfig, Error> {
        let mut retry = RetryPolicy::interactive();
        retry.times = Some(self.global.retries);
        let printer = self.printer;
        let retry = retry.notify(move |error, wait| printer.again(error, wait));
        let agent = concat!("uploader/", env!("CARGO_PKG_VERSION"));
        Ok(ClientConfig::new(distributor, agent)?.retry(retry).insecure_http(self.global.insecure_http))
    }
}

/// Where argument sets come from.
fn source(arguments: &cli::Arguments) -> Source {
    match (&arguments.args, arguments.range) {
        (Some(path), _) => Source::File(path.clone()),
        (None, Some(range)) => Source::Range(range),
        (None, None) => Source::Nothing,
    }
}

/// The project's units of these names; all if no name is given.
async fn named_units(client: &UploaderClient, project: &ProjectName, names: &[ExternalId]) -> Result<Vec<Unit>, Error> {
    let mut units = crate::collect::all_units(client, project, |_| true).await?;
    if names.is_empty() {
        return Ok(units.into_values().collect());
    }
    let unknown: Vec<ExternalId> = names.iter().filter(|name| !units.contains_key(name)).cloned().collect();
    if !unknown.is_empty() {
        return Err(Error::UnknownUnits { project: project.clone(), units: unknown });
    }
    Ok(names.iter().filter_map(|name| units.remove(name)).collect())
}
