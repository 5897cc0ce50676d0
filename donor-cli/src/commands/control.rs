//! `donor pause`, `resume` and `finish`.

use super::open;
use crate::cli::StateArgs;
use crate::exit::{Exit, Failure};
use crate::state::control::{self, Wish};
use std::time::{Duration, Instant};

/// How long the running donor may take to follow.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a wish of the running donor and waits until it has taken it.
///
/// # Errors
/// If no donor runs, or it does not answer.
pub fn wish(state: &StateArgs, wish: Wish) -> Result<Exit, Failure> {
    let folder = open(state)?;
    let none = || {
        Failure::fault(format!(
            "no donor runs with the state folder {}; start one with `donor run`",
            folder.root().display()
        ))
    };
    if folder.running().is_none() {
        return Err(none());
    }
    control::wish(&folder, wish)?;
    let begin = Instant::now();
    while !control::taken(&folder, wish) {
        if folder.running().is_none() {
            control::withdraw(&folder, wish);
            return Err(none());
        }
        if begin.elapsed() > PATIENCE {
            control::withdraw(&folder, wish);
            let message =
                format!("the running donor did not answer within {} s; is the machine very busy?", PATIENCE.as_secs());
            return Err(Failure::fault(message));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    eprintln!(
        "{}",
        match wish {
            Wish::Pause => "paused; `donor resume` goes on",
            Wish::Resume => "going on",
            Wish::Finish => "the donor finishes its unit, delivers what is finished, and ends",
        }
    );
    Ok(Exit::Done)
}
