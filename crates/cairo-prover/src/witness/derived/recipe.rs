//! A table's sources, made fit for many rows.

use super::address::Address;
use super::sum::Sum;
use crate::witness::mix::mix;
use cairo_air::components::derived::{Linear, RowContents, Source};
use felt::Felt;
use felt::integers::to_u64;

/// How to compute one column.
pub(super) enum Step {
    Enabler,
    Ap,
    Fp,
    Clock,
    Pc,
    Offset(usize),
    Immediate,
    Memory(Address),
    Product([Sum; 2]),
    /// Known when all lookups are counted: see [`crate::witness::owned::provide`].
    Uses,
    /// Inverted when the chunk is complete.
    Inverse(Vec<Sum>),
    /// Inverted at once, since another column needs it.
    InverseNow(Vec<Sum>),
}

/// The table's sources, made fit for many rows.
pub(super) struct Recipe {
    pub(super) steps: Vec<Step>,
    /// Columns whose values addresses need as integers.
    pub(super) integers: Vec<bool>,
    /// Address and value of the cells that a row looks up, and whether the value is a column that was read from there.
    pub(super) lookups: Vec<(Address, Sum, bool)>,
    pub(super) owned: Option<Owned>,
    pub(super) zeros: Vec<Sum>,
    /// Factors and product; columns that are products are right as they are computed.
    pub(super) products: Vec<([Sum; 2], Sum)>,
    pub(super) end: [Sum; 3],
    pub(super) fetches: bool,
    pub(super) length: u32,
}

/// The cells that a row owns and knows: one sum of them with pseudo-random weights must be what the row makes of its columns. It takes one
/// pass over memory in its order, where a comparison of each cell would wait for memory at each.
pub(super) struct Owned {
    /// Of the first cell.
    pub(super) address: Address,
    /// Of the cells from there on; 0 for those that the row does not know.
    pub(super) weights: Vec<Felt>,
    /// What the values add up to.
    pub(super) sum: Sum,
}

impl Owned {
    fn new(owned: &[[Linear; 2]]) -> Option<Self> {
        let [first, _] = owned.first()?;
        let mut weights = Vec::new();
        let mut sum = Linear::integer(0);
        for ([address, value], weight) in owned.iter().zip(0..) {
            // They stand in the order of their addresses, none of which is too far.
            let place = (address - first).as_constant().as_ref().and_then(to_u64).filter(|place| *place < 1 << 20)?;
            let weight = Felt::from(mix(weight));
            weights.resize(place as usize, Felt::zero());
            weights.push(weight);
            sum = sum.plus(&weight, value);
        }
        Some(Self { address: Address::new(first), weights, sum: Sum::new(&sum) })
    }
}

impl Recipe {
    pub(super) fn new(contents: &RowContents) -> Self {
        let sums = |linears: &[Linear]| linears.iter().map(Sum::new).collect::<Vec<_>>();
        let needed = |column: usize| {
            let reads = |linear: &Linear| linear.terms().iter().any(|(term, _)| *term as usize == column);
            contents.sources.iter().any(|source| match source {
                Source::Memory(address) => reads(address),
                Source::Product(a, b) => reads(a) || reads(b),
                Source::Inverse(factors) => factors.iter().any(reads),
                _ => false,
            })
        };
        let step = |(column, source): (usize, &Source)| match source {
            Source::Enabler => Step::Enabler,
            Source::Ap => Step::Ap,
            Source::Fp => Step::Fp,
            Source::Clock => Step::Clock,
            Source::Pc => Step::Pc,
            Source::Offset(index) => Step::Offset(usize::from(*index)),
            Source::Immediate => Step::Immediate,
            Source::Memory(address) => Step::Memory(Address::new(address)),
            Source::Product(a, b) => Step::Product([Sum::new(a), Sum::new(b)]),
            Source::Inverse(factors) if needed(column) => Step::InverseNow(sums(factors)),
            Source::Inverse(factors) => Step::Inverse(sums(factors)),
            Source::Uses(_) => Step::Uses,
        };
        let is_read = |address: &Linear, value: &Sum| {
            let source = value.as_column().and_then(|column| contents.sources.get(column));
            matches!(source, Some(Source::Memory(from)) if from == address)
        };
        let lookups = contents.lookups.iter().map(|[address, value]| {
            let sum = Sum::new(value);
            let is_read = is_read(address, &sum);
            (Address::new(address), sum, is_read)
        });
        let lookups: Vec<_> = lookups.collect();
        let owned = Owned::new(&contents.owned);
        let mut integers = vec![false; contents.sources.len()];
        let addresses = lookups.iter().map(|(address, ..)| address).chain(owned.as_ref().map(|owned| &owned.address));
        let bases = addresses.filter_map(|address| match address {
            Address::Integers { columns, .. } => Some(columns),
            Address::Any(_) => None,
        });
        for column in bases.flatten() {
            integers[*column] = true;
        }
        let is_column = |[a, b, product]: &[Linear; 3]| {
            let source = Sum::new(product).as_column().and_then(|column| contents.sources.get(column));
            matches!(source, Some(Source::Product(left, right)) if (left, right) == (a, b))
        };
        let products = contents.products.iter().filter(|product| !is_column(product));
        Self {
            steps: contents.sources.iter().enumerate().map(step).collect(),
            integers,
            lookups,
            owned,
            zeros: sums(&contents.zeros),
            products: products.map(|[a, b, product]| ([Sum::new(a), Sum::new(b)], Sum::new(product))).collect(),
            end: contents.end.each_ref().map(Sum::new),
            fetches: contents.fetches,
            length: contents.steps,
        }
    }
}
