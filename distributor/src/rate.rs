//! Rate limits: a bucket of requests for each of many, which refills steadily.
//!
//! Time is the clock's that never steps, and no bucket is ever further from full than its size: nothing freezes it. A bucket that is full is
//! forgotten. If there are more others than are kept, those that are full soonest are forgotten first: whoever floods the map
//! with keys of his own throws out those of his that matter least, and gives nobody more than a bucket that a new key has
//! anyway.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Buckets that are remembered at most.
const MOST: usize = 1 << 16;

/// A bucket for each key.
#[derive(Debug)]
pub struct RateLimit<K> {
    /// Microseconds for one request; 0 for no limit.
    each: u64,
    /// Microseconds that fill a bucket.
    size: u64,
    most: usize,
    buckets: Mutex<Buckets<K>>,
}

/// When each bucket will be full, in microseconds; also in that order.
#[derive(Debug)]
struct Buckets<K> {
    full_at: HashMap<K, u64>,
    order: BTreeSet<(u64, K)>,
}

impl<K: Copy + Ord + Hash> Buckets<K> {
    fn set(&mut self, key: K, at: u64) {
        if let Some(before) = self.full_at.insert(key, at) {
            self.order.remove(&(before, key));
        }
        self.order.insert((at, key));
    }

    /// Forgets the bucket that is full first, if `when` says so of its time.
    fn forget_first(&mut self, when: impl FnOnce(u64) -> bool) -> bool {
        let Some(&(at, key)) = self.order.first().filter(|(at, _)| when(*at)) else { return false };
        self.order.remove(&(at, key));
        self.full_at.remove(&key);
        true
    }
}

impl<K: Copy + Ord + Hash> RateLimit<K> {
    /// `burst` requests at once, and `count` in each `period` in the long run; a count of 0 for no limit.
    pub fn new(count: u32, period: Duration, burst: u32) -> Self {
        let period = u64::try_from(period.as_micros()).unwrap_or(u64::MAX);
        let each = period.checked_div(u64::from(count)).map_or(0, |each| each.max(1));
        let buckets = Buckets { full_at: HashMap::new(), order: BTreeSet::new() };
        Self { each, size: each.saturating_mul(burst.max(1).into()), most: MOST, buckets: Mutex::new(buckets) }
    }

    /// `count` requests a minute, a quarter of them at once.
    pub fn per_minute(count: u32) -> Self {
        Self::new(count, Duration::from_secs(60), count / 4)
    }

    /// Takes a request out of the bucket. `now` is the time of a clock that never steps.
    ///
    /// # Errors
    /// The seconds until there will be one.
    pub fn take(&self, key: K, now: Duration) -> Result<(), u64> {
        if self.each == 0 {
            return Ok(());
        }
        let now = micros(now);
        // A panic while holding the lock would leave the buckets as good as before.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        // Two for each that may come: so those that are full go by and by.
        for _ in 0..2 {
            buckets.forget_first(|at| at <= now);
        }
        let known = buckets.full_at.get(&key).copied();
        // A clock that stepped back must not freeze the bucket.
        let full_at = known.unwrap_or(now).clamp(now, now.saturating_add(self.size));
        let then = full_at.saturating_add(self.each);
        if then - now > self.size {
            buckets.set(key, full_at);
            return Err((then - now - self.size).div_ceil(1_000_000).max(1));
        }
        if known.is_none() && buckets.full_at.len() >= self.most {
            buckets.forget_first(|_| true);
        }
        buckets.set(key, then);
        Ok(())
    }

    /// Puts a request back that turned out not to count.
    pub fn give_back(&self, key: K) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = buckets.full_at.get(&key).copied() {
            buckets.set(key, at.saturating_sub(self.each));
        }
    }

    /// Buckets that are remembered.
    pub fn len(&self) -> usize {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).full_at.len()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The last of many that were noted: at least `MOST` of them, at most twice as many.
#[derive(Debug)]
pub struct Recent<K>(Mutex<[HashSet<K>; 2]>);

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self(Mutex::new([HashSet::new(), HashSet::new()]))
    }
}

impl<K: Copy + Eq + Hash> Recent<K> {
    /// Whether it was noted not long ago.
    pub fn has(&self, key: &K) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|some| some.contains(key))
    }

    /// Notes it.
    pub fn note(&self, key: K) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [newer, older] = &mut *halves;
        if newer.len() >= MOST {
            *older = std::mem::take(newer);
        }
        newer.insert(key);
    }

    /// How many are noted.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(HashSet::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let limit = RateLimit::new(30, at(60), 3);
        assert_eq!([0, 0, 0].map(|_| limit.take(1, at(100))), [Ok(()); 3]);
        assert_eq!(limit.take(1, at(100)), Err(2));
        assert_eq!(limit.take(2, at(100)), Ok(()), "keys do not share");
        assert_eq!(limit.take(1, at(101)), Err(1));
        assert_eq!(limit.take(1, at(102)), Ok(()));
        assert_eq!(limit.take(1, at(102)), Err(2));
        assert_eq!([0, 0, 0].map(|_| limit.take(1, at(1000))), [Ok(()); 3]);
        assert_eq!(limit.take(1, at(1000)), Err(2), "no more than the burst is saved");
    }

    #[test]
    fn a_clock_that_steps_freezes_nothing_and_gives_nothing_away() {
        let limit = RateLimit::new(60, at(60), 2);
        let year = 365 * 86400;
        assert_eq!(limit.take(1, at(year)), Ok(()));
        assert_eq!(limit.take(1, at(year)), Ok(()));
        assert_eq!(limit.take(1, at(50)), Err(1), "the bucket stays empty");
        assert_eq!(limit.take(1, at(51)), Ok(()), "and refills from then on");
        assert_eq!(limit.take(1, at(51)), Err(1));
        assert_eq!([0, 0].map(|_| limit.take(1, at(year))), [Ok(()); 2]);
    }

    #[test]
    fn what_is_put_back_can_be_taken_again() {
        let limit = RateLimit::new(60, at(60), 1);
        assert_eq!(limit.take(1, at(1)), Ok(()));
        limit.give_back(1);
        limit.give_back(2);
        assert_eq!(limit.take(1, at(1)), Ok(()));
        assert_eq!(limit.take(1, at(1)), Err(1));
    }

    #[test]
    fn zero_is_no_limit_and_remembers_nothing() {
        let limit = RateLimit::per_minute(0);
        assert!((0..1000).all(|_| limit.take(1, at(0)).is_ok()));
        assert_eq!(limit.len(), 0);
    }

    #[test]
    fn a_flood_of_keys_frees_nobody_from_his_limit() {
        let mut limit = RateLimit::new(60, at(60), 4);
        limit.most = 100;
        assert_eq!([0; 4].map(|_| limit.take(0, at(1))), [Ok(()); 4]);
        for key in 1..10_000 {
            assert_eq!(limit.take(key, at(1)), Ok(()), "a new key is never shut out");
            assert!(limit.len() <= 100);
        }
        assert_eq!(limit.take(0, at(1)), Err(1), "the emptiest bucket is forgotten last");
        assert_eq!(limit.take(0, at(2)), Ok(()));
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let limit = RateLimit::new(60, at(60), 4);
        for key in 0..1000 {
            assert_eq!(limit.take(key, at(1)), Ok(()));
        }
        for key in 0..1000 {
            assert_eq!(limit.take(key % 2, at(100 + key)), Ok(()));
        }
        assert!(limit.len() <= 2, "{}", limit.len());
    }

    #[test]
    fn only_the_last_are_noted() {
        let recent = Recent::default();
        for key in 0..4 * MOST {
            recent.note(key);
            assert!(recent.has(&key));
        }
        assert!(recent.len() <= 2 * MOST && recent.has(&(3 * MOST)) && !recent.has(&0));
    }
}
