//! `trials`: attacks and faults against the real distributor, donors and uploader, on this machine alone, judged from
//! outside. Each run stops by itself and says what it did, what it found, and whether that is as it must be.

mod cli;
mod grid;
mod honest;
mod hostile;
mod ledger;
mod machine;
mod prover;
mod proxy;
mod report;
mod runs;
mod wire;

use clap::Parser as _;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("trials: {error:#}");
            ExitCode::FAILURE
        }
    }
}
