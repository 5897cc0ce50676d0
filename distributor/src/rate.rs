//! Rate limits by donor key: a bucket of requests that refills steadily.

use protocol::{DonorKey, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Keys that are remembered at most; a full bucket need not be remembered.
const MOST_KEYS: usize = 100_000;

/// A bucket for each key.
#[derive(Debug)]
pub struct RateLimit {
    per_minute: u32,
    burst: u32,
    buckets: Mutex<HashMap<DonorKey, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Requests left, in sixtieths.
    level: u64,
    at: Timestamp,
}

impl RateLimit {
    /// `burst` requests at once, and `per_minute` in the long run; 0 for no limit.
    pub fn new(per_minute: u32, burst: u32) -> Self {
        Self { per_minute, burst: burst.max(1), buckets: Mutex::default() }
    }

    /// Takes a request out of the bucket.
    ///
    /// # Errors
    /// The seconds until there will be one.
    pub fn take(&self, key: &DonorKey, now: Timestamp) -> Result<(), u64> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let (rate, full) = (u64::from(self.per_minute), u64::from(self.burst) * 60);
        // A panic while holding the lock would leave the map as good as before.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let level_now = |bucket: &Bucket| full.min(bucket.level + now.since(bucket.at).saturating_mul(rate));
        if buckets.len() >= MOST_KEYS && !buckets.contains_key(key) {
            buckets.retain(|_, bucket| level_now(bucket) < full);
            if buckets.len() >= MOST_KEYS {
                return Err(60);
            }
        }
        let bucket = buckets.entry(*key).or_insert(Bucket { level: full, at: now });
        let level = level_now(bucket);
        *bucket = Bucket { level, at: now.max(bucket.at) };
        match level.checked_sub(60) {
            Some(left) => {
                bucket.level = left;
                Ok(())
            }
            None => Err((60 - level).div_ceil(rate).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: DonorKey = DonorKey::from_bytes([1; 32]);
    const BOB: DonorKey = DonorKey::from_bytes([2; 32]);

    #[test]
    fn a_burst_and_then_the_rate() {
        let limit = RateLimit::new(30, 3);
        let at = Timestamp;
        assert_eq!([0, 0, 0].map(|_| limit.take(&ALICE, at(100))), [Ok(()); 3]);
        assert_eq!(limit.take(&ALICE, at(100)), Err(2));
        assert_eq!(limit.take(&BOB, at(100)), Ok(()), "keys do not share");
        assert_eq!(limit.take(&ALICE, at(101)), Err(1));
        assert_eq!(limit.take(&ALICE, at(102)), Ok(()));
        assert_eq!(limit.take(&ALICE, at(102)), Err(2));
        assert_eq!([0, 0, 0].map(|_| limit.take(&ALICE, at(1000))), [Ok(()); 3]);
        assert_eq!(limit.take(&ALICE, at(1000)), Err(2), "no more than the burst is saved");
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_away() {
        let limit = RateLimit::new(60, 1);
        assert_eq!(limit.take(&ALICE, Timestamp(100)), Ok(()));
        assert_eq!(limit.take(&ALICE, Timestamp(50)), Err(1));
        assert_eq!(limit.take(&ALICE, Timestamp(100)), Err(1));
        assert_eq!(limit.take(&ALICE, Timestamp(101)), Ok(()));
    }

    #[test]
    fn zero_is_no_limit() {
        let limit = RateLimit::new(0, 1);
        assert!((0..1000).all(|_| limit.take(&ALICE, Timestamp(0)).is_ok()));
    }
}
