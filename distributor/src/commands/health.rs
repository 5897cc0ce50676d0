//! `distributor health`.

use anyhow::{Context as _, bail};
use clap::Args;
use distributor::config::Settings;
use protocol::output::line;
use protocol::text::{MAX_SHOWN, printable};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for a connection, and for each piece of the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most bytes of an answer that are read.
const ANSWER: u64 = 64 << 10;

/// Ask the distributor of this machine whether it is ready: exit code 0 if it is, 1 if not.
#[derive(Debug, Args)]
pub struct Health {
    /// Address that `serve` listens on [default: 127.0.0.1:8080]
    #[arg(long, env = "CAIRN_LISTEN", value_name = "ADDRESS", hide_env_values = true)]
    listen: Option<SocketAddr>,
}

impl Health {
    /// Asks `/readyz`. `configured` is the address in the configuration file.
    pub fn run(self, configured: Option<SocketAddr>) -> anyhow::Result<()> {
        let address = reachable(self.listen.or(configured).unwrap_or(Settings::default().listen));
        let answer = ask(address).with_context(|| format!("no distributor answers at {address}"))?;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        if !answer.starts_with("HTTP/1.1 ") {
            bail!("what answers at {address} is no distributor");
        }
        if status != "200" {
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            let problem: Option<protocol::Problem> = serde_json::from_str(body).ok();
            let detail = problem.map(|problem| format!(": {problem}")).unwrap_or_default();
            let (status, detail) = (printable(status, 20), printable(&detail, MAX_SHOWN));
            bail!("the distributor at {address} is not ready (status {status}){detail}");
        }
        line("ready")?;
        Ok(())
    }
}

/// An address to connect to: who listens on all addresses is asked at the machine's own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
