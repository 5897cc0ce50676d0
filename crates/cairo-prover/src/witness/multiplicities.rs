//! How often each entry of a lookup table is used, counted while the users' tables are filled.

use super::WitnessError;
use cairo_air::TableKind;
use cairo_air::components::Occurrence;
use felt::Felt;
use felt::integers::small;
use rayon::prelude::*;
use stark::PublicTuple;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Multiplicities of the providing tables. Counting is safe from all threads at once, and relaxed: a sum does not depend on the order, and what
/// reads it comes after all that count.
///
/// A counter cannot wrap: the prover takes runs of fewer than 2^28 steps, and no row uses a cell more than 3 times; of blake it takes 2^20 blocks.
#[derive(Debug)]
pub struct Multiplicities {
    memory: Vec<AtomicU32>,
    instruction: Vec<AtomicU32>,
    /// Instructions at addresses that `instruction` does not reach.
    beyond: Mutex<BTreeMap<u32, u32>>,
    /// The lookup tables that are always of one height. A run uses few of them.
    tables: Vec<(TableKind, OnceLock<Vec<AtomicU32>>)>,
}

/// Entries that one thread makes at a time: as many as a few pages hold.
const PIECE: usize = 1 << 14;

fn zeros(n: usize) -> Vec<AtomicU32> {
    (0..n).into_par_iter().with_min_len(PIECE).map(|_| AtomicU32::new(0)).collect()
}

impl Multiplicities {
    /// All zero, for a memory of `cells` addresses (from 0) and the other tables' fixed sizes.
    pub fn new(cells: usize) -> Self {
        Self::with_code(cells, cells)
    }

    /// The same, where most instructions are below address `code`.
    pub fn with_code(cells: usize, code: usize) -> Self {
        Self {
            memory: zeros(cells),
            instruction: zeros(code.min(cells)),
            beyond: Mutex::default(),
            tables: TableKind::plain().filter(is_lookup).map(|kind| (kind, OnceLock::new())).collect(),
        }
    }

    /// Counts `uses` lookups of a cell.
    ///
    /// # Errors
    /// If there is no such cell.
    pub fn memory(&self, address: u32, uses: u32) -> Result<(), WitnessError> {
        add(&self.memory, address as usize, uses).ok_or(WitnessError::Address(u64::from(address)))
    }

    /// Counts `uses` lookups of what should be a cell; nothing if there is none at this address, which is for the caller to refuse.
    pub(crate) fn memory_cell(&self, address: i64, uses: u32) {
        let _ = usize::try_from(address).ok().filter(|_| uses > 0).and_then(|address| add(&self.memory, address, uses));
    }

    /// Counts one lookup of the instruction at `pc`.
    ///
    /// # Errors
    /// If there is no such cell.
    pub fn instruction(&self, pc: u32) -> Result<(), WitnessError> {
        match add(&self.instruction, pc as usize, 1) {
            Some(()) => Ok(()),
            None if (pc as usize) < self.memory.len() => {
                *self.beyond().entry(pc).or_default() += 1;
                Ok(())
            }
            None => Err(WitnessError::Address(u64::from(pc))),
        }
    }

    fn beyond(&self) -> MutexGuard<'_, BTreeMap<u32, u32>> {
        self.beyond.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The multiplicities of a lookup table, one for each row and then for each further counter; none if it is no such table.
    fn table(&self, kind: &TableKind) -> &[AtomicU32] {
        let Some((kind, multiplicities)) = self.tables.iter().find(|(known, _)| known == kind) else { return &[] };
        let rows = kind.component().counters() << kind.component().log_height().unwrap_or(0);
        // Not on all threads: while one waits for the others, it might come here again with another job.
        multiplicities.get_or_init(|| std::iter::repeat_with(|| AtomicU32::new(0)).take(rows).collect())
    }

    /// Counts the public memory cells.
    ///
    /// # Errors
    /// If one of them does not exist.
    pub fn public(&self, tuples: &[PublicTuple]) -> Result<(), WitnessError> {
        for tuple in tuples.iter().filter(|tuple| tuple.bus == cairo_air::buses::MEMORY) {
            let address = tuple.tuple.first().and_then(felt::integers::to_u64).unwrap_or(u64::MAX);
            self.memory(u32::try_from(address).map_err(|_| WitnessError::Address(address))?, 1)?;
        }
        Ok(())
    }

    /// Counts lookups of cells of which a few come again and again.
    pub(crate) fn memory_tally(&self) -> Tally<'_> {
        Tally::new(&self.memory)
    }

    /// Counts lookups of instructions; one that it refuses may still be known to [`instruction`](Self::instruction).
    pub(crate) fn instruction_tally(&self) -> Tally<'_> {
        Tally::new(&self.instruction)
    }

    /// Counts lookups in a lookup table that is always of one height, under the numbers of its rows.
    pub fn tally(&self, kind: &TableKind) -> Tally<'_> {
        Tally::new(self.table(kind))
    }

    /// Uses of a cell; 0 outside memory.
    pub fn memory_uses(&self, address: usize) -> u32 {
        get(&self.memory, address)
    }

    /// Every looked-up `pc`, ascending, with its uses.
    pub fn instructions(&self) -> Vec<(u32, u32)> {
        let pieces = self.instruction.par_chunks(PIECE).enumerate();
        let used = pieces.flat_map_iter(|(piece, multiplicities)| {
            let uses = multiplicities.iter().map(|counter| counter.load(Ordering::Relaxed));
            ((piece * PIECE) as u32..).zip(uses).filter(|(_, uses)| *uses > 0)
        });
        let mut used: Vec<_> = used.collect();
        used.extend(self.beyond().iter().map(|(pc, uses)| (*pc, *uses)));
        used
    }

    /// The column of multiplicities of such a table, and below it those of further counters.
    pub fn uses(&self, kind: &TableKind) -> Vec<Felt> {
        column(self.table(kind))
    }
}

/// Whether a table is there for others to look up its rows, which are the same in every proof.
fn is_lookup(kind: &TableKind) -> bool {
    let component = kind.component();
    matches!(component.occurrence(), Occurrence::IfRequired(_)) && component.log_height().is_some()
}

/// Number of a pair of nibbles.
pub(crate) fn pair(a: u8, b: u8) -> usize {
    usize::from((a & 15) << 4 | b & 15)
}

/// One thread's counts before they are added to the multiplicities, which happens when an entry has to make room for another, and in
/// the end. An entry that is used again and again would otherwise go back and forth between the threads.
pub struct Tally<'a> {
    multiplicities: &'a [AtomicU32],
    /// Entry and uses, each entry in the place of its lowest bits.
    slots: [(usize, u32); SLOTS],
}

const SLOTS: usize = 64;

impl<'a> Tally<'a> {
    const fn new(multiplicities: &'a [AtomicU32]) -> Self {
        Self { multiplicities, slots: [(0, 0); SLOTS] }
    }

    /// Counts `uses` lookups; `None` if there is no such entry.
    #[inline]
    pub fn add(&mut self, index: usize, uses: u32) -> Option<()> {
        let slot = self.slots.get_mut(index % SLOTS)?;
        if slot.0 == index && slot.1 > 0 {
            slot.1 += uses;
            return Some(());
        }
        if index >= self.multiplicities.len() {
            return None;
        }
        let (before, count) = std::mem::replace(slot, (index, uses));
        if count > 0 { add(self.multiplicities, before, count) } else { Some(()) }
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        for (index, uses) in self.slots {
            if uses > 0 {
                let _ = add(self.multiplicities, index, uses);
            }
        }
    }
}

fn add(multiplicities: &[AtomicU32], index: usize, uses: u32) -> Option<()> {
    multiplicities.get(index)?.fetch_add(uses, Ordering::Relaxed);
    Some(())
}

fn get(multiplicities: &[AtomicU32], index: usize) -> u32 {
    multiplicities.get(index).map_or(0, |counter| counter.load(Ordering::Relaxed))
}

fn column(multiplicities: &[AtomicU32]) -> Vec<Felt> {
    multiplicities
        .par_iter()
        .with_min_len(PIECE / 4)
        .map(|counter| small(u64::from(counter.load(Ordering::Relaxed))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_counts_what_the_counters_would() {
        let multiplicities = Multiplicities::new(1000);
        let mut expected = vec![0; 1000];
        let mut tally = multiplicities.memory_tally();
        let mut state = 1_usize;
        for round in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = if round % 3 == 0 { 77 } else { (state >> 40) % 1100 };
            let uses = round % 4;
            let added = tally.add(index, uses);
            assert_eq!(added.is_some(), index < 1000, "{index}");
            if let Some(count) = expected.get_mut(index) {
                *count += uses;
            }
        }
        drop(tally);
        let counted: Vec<u32> = (0..1000).map(|index| multiplicities.memory_uses(index)).collect();
        assert_eq!(counted, expected);
    }

    #[test]
    fn instructions_are_listed_in_order() {
        let multiplicities = Multiplicities::with_code(3 * PIECE, 2 * PIECE);
        for pc in [PIECE as u32 * 2 + 5, PIECE as u32 * 2 + 4, 7, PIECE as u32, PIECE as u32 - 1] {
            multiplicities.instruction(pc).expect("within memory");
            multiplicities.instruction(pc).expect("within memory");
        }
        let ascending = [7, PIECE as u32 - 1, PIECE as u32, PIECE as u32 * 2 + 4, PIECE as u32 * 2 + 5];
        assert_eq!(multiplicities.instructions(), ascending.map(|pc| (pc, 2)));
        assert_eq!(multiplicities.instruction(3 * PIECE as u32), Err(WitnessError::Address(3 * PIECE as u64)));
    }
}
