//! The relocated trace: `ap`, `fp` and `pc` before each step, 8 bytes each, little-endian.

use super::error::{ForeignError, What};
use super::files::{entries, number};
use cairo_execution::Registers;
use std::io::Read;

const STEP: usize = 24;

/// Reads all states. A tool fills its trace up to a power of two, so that twice the steps may be there.
pub(super) fn read(reader: impl Read, max_steps: u64) -> Result<Vec<Registers>, ForeignError> {
    let mut states = Vec::new();
    let most = max_steps.saturating_add(1).checked_next_power_of_two().unwrap_or(u64::MAX);
    let bytes = entries::<STEP>(reader, What::Trace, |step, entry| {
        if step >= most {
            return Err(ForeignError::TooManySteps { limit: max_steps });
        }
        let (words, _) = entry.as_chunks::<8>();
        let mut values = ["ap", "fp", "pc"].into_iter().zip(words).map(|(register, word)| {
            let value = number(word);
            u32::try_from(value).map_err(|_| ForeignError::Register { step, register, value })
        });
        let mut next = || values.next().unwrap_or(Ok(0));
        let (ap, fp, pc) = (next()?, next()?, next()?);
        states.push(Registers { pc, ap, fp });
        Ok(())
    })?;
    if bytes % STEP as u64 != 0 {
        return Err(ForeignError::TraceTruncated { bytes });
    }
    if states.is_empty() {
        return Err(ForeignError::TraceEmpty);
    }
    Ok(states)
}
