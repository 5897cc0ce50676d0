//! `distributor serve`.

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use distributor::app::{App, Parts};
use distributor::blobs;
use distributor::config::{GivenSettings, Place, Settings};
use distributor::server;
use distributor::store::{self, IfMissing};
use protocol::output::line;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Serve the grid.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    settings: GivenSettings,
    /// What to log, such as `info` or `distributor=debug`
    #[arg(long, env = "CAIRN_LOG", hide_env_values = true, value_name = "FILTER", default_value = "info,sqlx=warn")]
    log: String,
    /// How to log
    #[arg(long, env = "CAIRN_LOG_FORMAT", hide_env_values = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// How to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Serve {
    /// Serves until SIGINT or SIGTERM.
    pub fn run(self, place: &Place, file: GivenSettings) -> anyhow::Result<()> {
        self.start_log()?;
        let settings = self.settings.or(file).complete();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(serve(place, settings))
    }

    fn start_log(&self) -> anyhow::Result<()> {
        let filter =
            EnvFilter::try_new(&self.log).with_context(|| format!("--log `{}` is not understood", self.log))?;
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
            LogFormat::Json => log.json().init(),
        }
        Ok(())
    }
}

async fn serve(place: &Place, settings: Settings) -> anyhow::Result<()> {
    let blobs = blobs::open(&place.blobs(), blobs::Use::Serve)?;
    let store = store::open(&place.database(), IfMissing::Make).await?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("cannot listen on {}; another --listen may be free", settings.listen))?;
    let address = listener.local_addr()?;
    let app = App::new(Parts::new(store, blobs, settings));
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
    };
    // Scripts read this line to learn the port.
    // Who does not read it wants the service all the same.
    let _ = line(format_args!("listening on http://{address}"));
    tracing::info!(%address, data = %place.data().display(), "serving");
    server::serve(app, listener, stop).await.context("the socket failed")?;
    tracing::info!("stopped");
    Ok(())
}
