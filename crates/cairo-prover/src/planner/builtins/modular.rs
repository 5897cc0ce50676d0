//! The tables of add_mod and mul_mod, and the words that both look up.

use super::limbs::Costs;
use crate::table_size::{self, log_height};
use cairo_air::components::modular::{CELLS, HALVES, WORDS};
use cairo_air::components::mul_mod::{CARRIES, CARRY_OFFSET, CARRY_SHIFT};
use cairo_air::components::range_check::Limbs;
use cairo_air::components::word96::{HALF_BITS, Table};
use cairo_air::{Builtin, Segment, TableEntry, TableKind};
use cairo_execution::Execution;
use cairo_execution::cells::{self, Number, Product};
use felt::Felt;
use foldhash::{HashMap, HashMapExt as _};
use rayon::prelude::*;

/// Instances that one thread looks at before it shares what it found.
const PIECE: usize = 1 << 10;

/// A word of 96 bits: its two halves, the low one first.
pub type Word = [u64; 2];

/// The table of add_mod.
pub(super) fn add_mod(_memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    table(TableKind::AddMod, segment)
}

/// The table of mul_mod.
pub(super) fn mul_mod(_memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    table(TableKind::MulMod, segment)
}

fn table(kind: TableKind, segment: Segment) -> Vec<TableEntry> {
    vec![TableEntry { kind, log_height: log_height(u64::from(segment.stop - segment.base).div_ceil(CELLS)) }]
}

/// The table of all words that the instances of both builtins look up; none without instances.
pub fn word_table(execution: &Execution) -> Option<TableEntry> {
    let rows = words(execution).len() as u64;
    let limbs = Costs { rows, size: &|limbs: Limbs| table_size::size(Table(limbs).table()) }.cheapest();
    (rows > 0).then(|| TableEntry { kind: TableKind::Word96(Table(limbs)), log_height: log_height(rows) })
}

/// All words that the instances of both builtins look up, ascending, with how often each is looked up. Instances that do not hold are passed over:
/// filling their table reports them.
pub fn words(execution: &Execution) -> Vec<(Word, u32)> {
    let memory = &execution.memory;
    let found = [Builtin::AddMod, Builtin::MulMod].into_iter().flat_map(|builtin| {
        let segment = execution.segments.get(&builtin).copied();
        let (base, stop) = segment.map_or((0, 0), |segment| (segment.base, segment.stop));
        let instances: Vec<u32> = (base..stop).step_by(CELLS as usize).collect();
        let pieces = instances.par_chunks(PIECE).map(|piece| {
            let mut counts: HashMap<u128, u32> = HashMap::with_capacity(4 * piece.len());
            let mut count = |[low, high]: Word| {
                *counts.entry(u128::from(low) | u128::from(high) << HALF_BITS).or_default() += 1;
            };
            for address in piece {
                if builtin == Builtin::AddMod {
                    if let Ok((instance, _)) = cells::add_mod(memory, *address) {
                        numbers(&instance).iter().flat_map(pairs).for_each(&mut count);
                    }
                } else if let Ok((instance, product)) = cells::mul_mod(memory, *address) {
                    numbers(&instance).iter().chain([&product.quotient]).flat_map(pairs).for_each(&mut count);
                    carries(&product).into_iter().for_each(&mut count);
                }
            }
            counts.into_iter().collect::<Vec<_>>()
        });
        pieces.flatten().collect::<Vec<_>>()
    });
    let mut found: Vec<(u128, u32)> = found.collect();
    found.par_sort_unstable();
    found.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 += if same { next.1 } else { 0 };
        same
    });
    let low = (1 << HALF_BITS) - 1;
    found.into_iter().map(|(word, uses)| ([word as u64 & low, (word >> HALF_BITS) as u64], uses)).collect()
}

/// The modulus and the values of an instance.
fn numbers(instance: &cells::ModularInstance) -> [Number; 4] {
    let [a, b, c] = instance.values;
    [instance.p, a, b, c]
}

/// The words of a number.
fn pairs(number: &Number) -> [Word; WORDS] {
    let digits: [u64; HALVES] = number.digits();
    std::array::from_fn(|i| [digits[2 * i], digits[2 * i + 1]])
}

/// The carries of a product, in the halves that its table has.
pub fn carries(product: &Product) -> [Word; CARRIES] {
    product.carries.map(|carry| {
        let shifted = carry.wrapping_add_unsigned(CARRY_OFFSET) as u64;
        [shifted & ((1 << CARRY_SHIFT) - 1), shifted >> CARRY_SHIFT]
    })
}
