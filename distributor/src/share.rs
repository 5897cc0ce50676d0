//! Sharing what there is only so much of, among senders who may be anybody: connections, bytes that are being received, places
//! in a queue, streams.
//!
//! Room that can be taken back: a source may hold half of it and a key a third, and when nothing is left, who holds most gives way to
//! who holds less. So however many take all they get, each next one finds as much as the others have.
//!
//! What cannot be taken back, but becomes free by itself: a source may hold a fraction of what is left free, a key half as much. The
//! more are greedy, the less each can have, and who holds nothing gets its first piece as long as there is any.

use crate::source::Source;
use protocol::{DonorKey, UploaderKeyId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// A key of either kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A donor's.
    Donor(DonorKey),
    /// An uploader's.
    Uploader(UploaderKeyId),
}

/// Who holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Its key, if it has shown one.
    pub key: Option<Key>,
    /// Where it is.
    pub source: Source,
}

/// Why nothing more is to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The key has its share.
    #[error("the key has its share of them")]
    Key,
    /// The source has its share.
    #[error("the address has its share of them")]
    Source,
    /// Nothing is left at all.
    #[error("none is left")]
    All,
    /// It was taken back for others who hold less.
    #[error("others, who have less, needed it")]
    TakenBack,
}

/// How it is shared.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// What is held can be taken back.
    Revocable,
    /// A source may hold one part in so many of what is left free.
    Part(u64),
}

/// Something that is shared; clones share the same.
#[derive(Debug, Clone)]
pub struct Share {
    total: u64,
    rule: Rule,
    most_for_key: u64,
    most_for_source: u64,
    state: Arc<Mutex<State>>,
}

/// Who holds how much; nobody who holds nothing is in the maps.
#[derive(Debug, Default)]
struct State {
    taken: u64,
    keys: HashMap<Key, u64>,
    sources: HashMap<Source, u64>,
    holds: HashMap<u64, Held>,
    next: u64,
}

/// What is held in one piece.
#[derive(Debug)]
struct Held {
    /// Nobody for what is held by somebody trusted.
    owner: Option<Owner>,
    amount: u64,
    /// Cancelled when it is taken back; none if it cannot be.
    back: Option<CancellationToken>,
}

impl State {
    fn of_key(&self, owner: &Owner) -> u64 {
        owner.key.and_then(|key| self.keys.get(&key).copied()).unwrap_or(0)
    }

    fn of_source(&self, source: &Source) -> u64 {
        self.sources.get(source).copied().unwrap_or(0)
    }

    fn add(&mut self, id: u64, more: u64) {
        let Some(held) = self.holds.get_mut(&id) else { return };
        held.amount += more;
        self.taken += more;
        if let Some(owner) = held.owner {
            if let Some(key) = owner.key {
                *self.keys.entry(key).or_default() += more;
            }
            *self.sources.entry(owner.source).or_default() += more;
        }
    }

    fn remove(&mut self, id: u64) {
        let Some(held) = self.holds.remove(&id) else { return };
        self.taken -= held.amount;
        if let Some(owner) = held.owner {
            if let Some(key) = owner.key {
                give_back(&mut self.keys, &key, held.amount);
            }
            give_back(&mut self.sources, &owner.source, held.amount);
        }
    }

    /// Takes back from who holds most until so much is free for the owner; whether it is.
    fn make_room(&mut self, total: u64, owner: &Owner, more: u64) -> bool {
        while total - self.taken < more {
            let own = self.of_source(&owner.source) + more;
            let can_go = self.holds.iter().filter_map(|(id, held)| {
                let (source, _) = (held.owner?.source, held.back.as_ref()?);
                Some((self.of_source(&source), held.amount, *id)).filter(|(of_source, ..)| *of_source > own)
            });
            let Some((_, _, id)) = can_go.max() else { return false };
            if let Some(back) = self.holds.get(&id).and_then(|held| held.back.as_ref()) {
                back.cancel();
            }
            self.remove(id);
        }
        true
    }
}

impl Share {
    /// So much of something, of which a source may hold one part in `part` of what is left.
    pub fn new(total: u64, part: u64) -> Self {
        Self { total, rule: Rule::Part(part), most_for_key: u64::MAX, most_for_source: u64::MAX, state: Arc::default() }
    }

    /// Room of so many bytes, which can be taken back.
    pub fn revocable(total: u64) -> Self {
        Self { rule: Rule::Revocable, most_for_key: total / 3, most_for_source: total / 2, ..Self::new(total, 1) }
    }

    /// With a bound for each key besides its share.
    #[must_use]
    pub const fn most_for_key(mut self, most: u64) -> Self {
        self.most_for_key = most;
        self
    }

    /// With a bound for each source besides its share.
    #[must_use]
    pub const fn most_for_source(mut self, most: u64) -> Self {
        self.most_for_source = most;
        self
    }

    /// Takes some of it.
    ///
    /// # Errors
    /// If the owner has its share.
    pub fn take(&self, owner: Owner, amount: u64) -> Result<Hold, Full> {
        let hold = self.nothing(owner);
        hold.grow(amount)?;
        Ok(hold)
    }

    /// A hold of nothing, to be grown.
    pub fn nothing(&self, owner: Owner) -> Hold {
        self.begin(Some(owner), matches!(self.rule, Rule::Revocable).then(CancellationToken::new))
    }

    /// Takes some of it for somebody who is trusted not to take too much, as long as there is any.
    ///
    /// # Errors
    /// If nothing is left.
    pub fn take_trusted(&self, amount: u64) -> Result<Hold, Full> {
        let hold = self.begin(None, None);
        let mut state = self.lock();
        if amount > self.total - state.taken {
            drop(state);
            return Err(Full::All);
        }
        state.add(hold.id, amount);
        drop(state);
        Ok(hold)
    }

    fn begin(&self, owner: Option<Owner>, back: Option<CancellationToken>) -> Hold {
        let mut state = self.lock();
        let id = state.next;
        state.next += 1;
        state.holds.insert(id, Held { owner, amount: 0, back: back.clone() });
        Hold { share: self.clone(), owner, id, back: back.unwrap_or_default() }
    }

    /// How much is held.
    pub fn taken(&self) -> u64 {
        self.lock().taken
    }

    /// How many keys and sources hold something, and how many holds there are.
    pub fn holders(&self) -> usize {
        let state = self.lock();
        state.keys.len() + state.sources.len() + state.holds.len()
    }

    /// Changes are made of calls that do not panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the owner may have so much more.
    fn check(&self, state: &mut State, owner: &Owner, more: u64) -> Result<(), Full> {
        let (of_key, of_source) = (state.of_key(owner), state.of_source(&owner.source));
        if owner.key.is_some() && of_key.saturating_add(more) > self.most_for_key {
            return Err(Full::Key);
        }
        if of_source.saturating_add(more) > self.most_for_source {
            return Err(Full::Source);
        }
        let Rule::Part(part) = self.rule else {
            return if state.make_room(self.total, owner, more) { Ok(()) } else { Err(Full::All) };
        };
        let left = (self.total - state.taken).checked_sub(more).ok_or(Full::All)?;
        let fair = |has: u64, part: u64| has == 0 || (has + more).saturating_mul(part) <= left;
        match (fair(of_key, 2 * part), fair(of_source, part)) {
            (false, _) => Err(Full::Key),
            (_, false) => Err(Full::Source),
            _ => Ok(()),
        }
    }
}

/// What somebody holds, given back when dropped.
#[derive(Debug)]
pub struct Hold {
    share: Share,
    owner: Option<Owner>,
    id: u64,
    back: CancellationToken,
}

impl Hold {
    /// Takes more.
    ///
    /// # Errors
    /// If the owner has its share; what is held stays. If what was held was taken back.
    pub fn grow(&self, more: u64) -> Result<(), Full> {
        let Some(owner) = self.owner.filter(|_| more > 0) else { return Ok(()) };
        let mut state = self.share.lock();
        if self.back.is_cancelled() {
            return Err(Full::TakenBack);
        }
        self.share.check(&mut state, &owner, more)?;
        // Making room may have taken back what this owner has elsewhere, never this: others have to hold more.
        state.add(self.id, more);
        Ok(())
    }

    /// Is ready when it was taken back.
    pub async fn taken_back(&self) {
        self.back.cancelled().await;
    }

    /// From now on it cannot be taken back any more.
    ///
    /// # Errors
    /// If it was.
    pub fn keep(&self) -> Result<(), Full> {
        let mut state = self.share.lock();
        let held = state.holds.get_mut(&self.id).ok_or(Full::TakenBack)?;
        held.back = None;
        Ok(())
    }

    /// Who holds it.
    pub const fn owner(&self) -> Option<Owner> {
        self.owner
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.share.lock().remove(self.id);
    }
}

fn give_back<K: Hash + Eq>(held: &mut HashMap<K, u64>, who: &K, amount: u64) {
    if let Some(of_them) = held.get_mut(who) {
        *of_them -= amount;
        if *of_them == 0 {
            held.remove(who);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn owner(key: u8, source: u8) -> Owner {
        let key = (key > 0).then(|| Key::Donor(DonorKey::from_bytes([key; 32])));
        Owner { key, source: Source::of(Ipv4Addr::new(203, 0, 113, source).into()) }
    }

    /// Takes pieces until there are none to be had.
    fn grab(share: &Share, owner: Owner, piece: u64) -> (Hold, u64) {
        let (hold, mut amount) = (share.nothing(owner), 0);
        while hold.grow(piece).is_ok() {
            amount += piece;
        }
        (hold, amount)
    }

    #[test]
    fn a_source_gets_half_and_a_key_a_third() {
        for share in [Share::new(1200, 1), Share::revocable(1200)] {
            assert_eq!(grab(&share, owner(0, 1), 1).1, 600);
            assert_eq!(grab(&share, owner(1, 1), 1).1, 400);
            assert_eq!((share.taken(), share.holders()), (0, 0), "all is given back");
            let held: Vec<_> = (1..50).map(|key| grab(&share, owner(key, 1), 1)).collect();
            assert!(held.iter().map(|(_, amount)| amount).sum::<u64>() <= 600, "many keys at one source share");
            share.take(owner(0, 2), 1).unwrap();
        }
    }

    #[test]
    fn of_room_each_next_one_finds_as_much_as_the_others_have() {
        let share = Share::revocable(8 << 30);
        let held: Vec<_> = (1..=50).map(|source| grab(&share, owner(source, source), 1 << 20)).collect();
        let (next, amount) = grab(&share, owner(77, 77), 1 << 20);
        assert!(amount >= (8 << 30) / 52, "{amount}");
        assert!(share.taken() <= 8 << 30);
        let cut = held.iter().filter(|(hold, _)| hold.back.is_cancelled()).count();
        assert!(cut > 0);
        let (cut, _) = held.iter().find(|(hold, _)| hold.back.is_cancelled()).unwrap();
        assert_eq!((cut.grow(1), cut.keep()), (Err(Full::TakenBack), Err(Full::TakenBack)));
        drop((held, next));
        assert_eq!((share.taken(), share.holders()), (0, 0));
    }

    #[test]
    fn what_is_kept_is_not_taken_back() {
        let share = Share::revocable(100);
        let kept: Vec<_> = (1..=3).map(|source| share.take(owner(source, source), 33).unwrap()).collect();
        kept.iter().for_each(|hold| hold.keep().unwrap());
        assert_eq!(share.take(owner(9, 9), 2).unwrap_err(), Full::All);
        drop(kept);
        share.take(owner(9, 9), 2).unwrap();
    }

    #[test]
    fn of_what_cannot_be_taken_back_something_is_left_for_the_next() {
        let share = Share::new(4096, 8);
        let held: Vec<_> = (1..=30).map(|source| grab(&share, owner(0, source), 1)).collect();
        assert!(held[0].1 > 400, "enough for two hundred donors behind one address");
        assert!(grab(&share, owner(0, 77), 1).1 >= 5);
    }

    #[test]
    fn the_last_piece_goes_to_who_has_none() {
        let share = Share::new(1, 1);
        let only = share.take(owner(1, 1), 1).unwrap();
        assert_eq!(share.take(owner(2, 2), 1).unwrap_err(), Full::All);
        drop(only);
        share.take(owner(2, 2), 1).unwrap();
    }

    #[test]
    fn bounds_hold_besides_shares_and_trusted_ones_have_none() {
        let share = Share::new(100, 1).most_for_key(2).most_for_source(3);
        let held: Vec<_> = [1, 1, 2].map(|key| share.take(owner(key, 1), 1).unwrap()).into();
        assert_eq!(share.take(owner(1, 2), 1).unwrap_err(), Full::Key);
        assert_eq!(share.take(owner(3, 1), 1).unwrap_err(), Full::Source);
        let trusted = share.take_trusted(97).unwrap();
        assert_eq!(share.take_trusted(1).unwrap_err(), Full::All);
        drop((held, trusted));
        assert_eq!((share.taken(), share.holders()), (0, 0));
    }

    proptest! {
        #[test]
        fn accounts_are_right_whatever_is_taken_and_given_back(
            steps in prop::collection::vec((0_u8..4, 1_u8..6, 0_u64..40, 0_u8..4), 0..80),
            revocable in any::<bool>(),
        ) {
            let share = if revocable { Share::revocable(100) } else { Share::new(100, 1) };
            let mut held: Vec<(Hold, u64)> = Vec::new();
            for (key, source, amount, what) in steps {
                let place = amount as usize % held.len().max(1);
                match what {
                    0 if !held.is_empty() => drop(held.swap_remove(place)),
                    1 if !held.is_empty() => {
                        if held[place].0.grow(amount).is_ok() {
                            held[place].1 += amount;
                        }
                    }
                    2 if !held.is_empty() => drop(held[place].0.keep()),
                    _ => if let Ok(hold) = share.take(owner(key, source), amount) {
                        held.push((hold, amount));
                    }
                }
                held.retain(|(hold, _)| !hold.back.is_cancelled());
                let sum: u64 = held.iter().map(|(_, amount)| amount).sum();
                prop_assert_eq!(share.taken(), sum);
                prop_assert!(sum <= 100);
            }
            drop(held);
            prop_assert_eq!((share.taken(), share.holders()), (0, 0));
        }
    }
}
