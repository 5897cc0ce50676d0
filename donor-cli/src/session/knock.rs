//! Finding out whether the distributor is there while work is paused.

use super::asking::{Queue, works};
use super::backoff::Backoff;
use super::{Ending, Session};
use crate::exit::Failure;
use crate::governor::Decision;
use std::time::Duration;
use tokio::time::Instant;

impl Session {
    /// Finds out whether the distributor is there, and has the project, if work begins with a pause: a wrong address is to be told at the
    /// start and not in the evening. Nothing is asked for meanwhile, or while nothing may go over the network. Returns whether the session
    /// is to end.
    ///
    /// # Errors
    /// If asking again is of no use, or patience is at an end.
    pub(super) async fn knock(&self, queue: &mut Queue) -> Result<bool, Failure> {
        let mut decisions = self.board.decision.subscribe();
        let is_paused = |decision: &Decision| matches!(decision, Decision::Pause(_));
        tokio::select! {
            // At first nothing is decided.
            _ = decisions.wait_for(|decision| works(decision) || is_paused(decision)) => {}
            () = self.board.ends(Ending::AfterUnit) => return Ok(true),
        }
        let mut backoff = Backoff::new();
        while !queue.reached && is_paused(&decisions.borrow()) {
            if self.wait_for_network().await {
                return Ok(true);
            }
            queue.first_try.get_or_insert_with(Instant::now);
            let asked = async {
                match &self.plan.project {
                    Some(name) => self.client.project(name).await.map(drop),
                    None => self.client.credit().await.map(drop),
                }
            };
            let answer = tokio::select! {
                answer = asked => answer,
                () = self.board.ends(Ending::AfterUnit) => return Ok(true),
            };
            match answer {
                Ok(()) => queue.reached = true,
                Err(error) => {
                    self.check_fatal(&error, queue)?;
                    let mut wait = backoff.next(error.retry_after());
                    if let (Some(patience), Some(first)) = (self.plan.patience, queue.first_try) {
                        // Not longer than whoever started it has patience for.
                        wait = wait.min(patience.saturating_sub(first.elapsed()).max(Duration::from_secs(1)));
                    }
                    if self.wait(error.to_string(), wait, true).await {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }
}
