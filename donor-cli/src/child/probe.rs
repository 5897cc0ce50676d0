//! Finds out which walls this system has, by building all of them around a process that does nothing else.

use super::sandbox::{self, Report, SandboxError, Walls};
use super::unit;
use std::io::{self, Write as _};
use std::path::Path;

/// The variable that tells the process to leave the filter of system calls out.
const UNFILTERED: &str = "CAIRN_PROBE_UNFILTERED";

/// Looks which walls units will have here.
///
/// # Errors
/// If no process can be started, or none of them ends well.
pub async fn probe() -> io::Result<Report> {
    let program = super::program()?;
    match try_out(&program, false).await {
        Ok(walls) => Ok(Report::new(walls)),
        // Nothing was asked of it that a unit does not do: if the filter ends it, it ends every unit. No stranger has a part in
        // this, so it is safe to do without, and said.
        Err(_) => try_out(&program, true).await.map(|walls| Report::new(Walls { filter: false, ..walls })),
    }
}

async fn try_out(program: &Path, unfiltered: bool) -> io::Result<Walls> {
    let mut command = unit::command(program);
    command.arg("--probe").stdin(std::process::Stdio::null());
    if unfiltered {
        command.env(UNFILTERED, "1");
    }
    let output = command.output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let said = super::account::plain(&String::from_utf8_lossy(&output.stderr), 500);
    let failed = || io::Error::other(format!("the trial of the sandbox ended with {}: {said}", output.status));
    if output.status.success() { serde_json::from_str(&text).map_err(io::Error::from) } else { Err(failed()) }
}

/// What that process does. Returns its exit code.
pub fn main() -> u8 {
    match walls() {
        Ok(walls) => {
            let text = serde_json::to_string(&walls).unwrap_or_default();
            u8::from(writeln!(io::stdout(), "{text}").is_err())
        }
        Err(error) => {
            eprintln!("donor work-unit: {error}");
            1
        }
    }
}

fn walls() -> Result<Walls, SandboxError> {
    let filter = std::env::var_os(UNFILTERED).is_none();
    sandbox::close_inherited()?;
    sandbox::shed()?;
    let landlock = sandbox::close_files()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
    sandbox::close_descriptors()?;
    let filter = filter && sandbox::close_calls()?;
    // What every unit does: threads that wait for each other, memory, seeds, clocks, a wait.
    if let Ok(pool) = pool {
        let fill = || std::hint::black_box(vec![1_u8; 64 << 20]).len();
        pool.install(|| rayon::join(fill, fill));
    }
    std::hint::black_box(std::collections::HashSet::from([1_u8]));
    std::hint::black_box(super::gate::cpu_time());
    std::thread::sleep(std::time::Duration::from_millis(1));
    Ok(Walls { landlock, filter })
}
