//! How much arithmetic and hashing a proof takes: what its time is measured against.

use super::circuit::{Arithmetic, Circuit};
use crate::composition::{BusChallenges, Composition};
use crate::control::Phase;
use crate::graph::Input;
use crate::merkle::CAP;
use crate::parameters::Parameters;
use crate::shape::{Group, QUOTIENT_CHUNKS, Shape};
use crate::table::Table;
use felt::Felt;
use felt::packed::MAX_PRODUCTS;
use std::collections::BTreeSet;

/// Work of one phase, counted and not measured. All but bytes are numbers of operations on single field elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Butterflies of transforms, a product with a constant, a sum and a difference each.
    pub butterflies: u64,
    /// Other products, without their reduction; sums of products are summed up herein.
    pub products: u64,
    /// Reductions: one for each product that is not in a sum, one for each sum of products.
    pub reductions: u64,
    /// Other sums and differences, without their carries.
    pub additions: u64,
    /// Carries: one for each sum without products.
    pub carries: u64,
    /// Elements read from memory into registers, where a column is longer than a cache.
    pub loads: u64,
    /// Elements written to memory, fully reduced.
    pub stores: u64,
    /// Elements written to memory between the two passes of a transform and read again, in the kernel's own form.
    pub drafts: u64,
    /// Bytes hashed.
    pub bytes: u64,
}

impl Work {
    fn multiply(&mut self, count: u64) {
        self.products += count;
        self.reductions += count;
    }

    /// Sums and differences that products are taken of.
    fn add(&mut self, count: u64) {
        self.additions += count;
        self.carries += count;
    }

    /// Sums of `count` products each, in parts that are reduced.
    fn sum_up(&mut self, count: u64, sums: u64) {
        let parts = count.div_ceil(MAX_PRODUCTS as u64);
        self.products += count * sums;
        self.reductions += parts * sums;
        self.additions += parts.saturating_sub(1) * sums;
    }

    fn run(&mut self, circuit: &Circuit, rows: u64) {
        let Arithmetic { products, reductions, additions, carries } = circuit.arithmetic();
        self.products += products * rows;
        self.reductions += reductions * rows;
        self.additions += additions * rows;
        self.carries += carries * rows;
        self.loads += columns_read(circuit) * rows;
    }

    fn touch(&mut self, loads: u64, stores: u64) {
        self.loads += loads;
        self.stores += stores;
    }

    /// An extension of columns of one height: one transform to coefficients for each, and `forward` transforms from there. Each is two
    /// passes over memory if the columns are long, but the rows of coefficients stay in a cache between the two directions.
    fn extend(&mut self, columns: u64, log_height: u32, forward: u64) {
        let rows = 1u64 << log_height;
        self.butterflies += columns * (1 + forward) * (rows / 2 * u64::from(log_height));
        self.touch(columns * rows, columns * rows * forward);
        if log_height > LOG_SHORT {
            self.drafts += columns * rows * (1 + forward);
        }
    }

    /// [`Work::extend`] from the trace domain to all cosets. On the way to its coefficients one butterfly for each row, but one, has the
    /// factor 1 and needs no product. (On a coset none has.)
    fn extend_trace(&mut self, columns: u64, log_height: u32, blowup: u64) {
        self.extend(columns, log_height, blowup);
        let trivial = columns * ((1 << log_height) - 1);
        self.butterflies -= trivial;
        self.additions += 2 * trivial;
    }

    /// A Merkle tree over matrices of these widths and heights. Each row is a leaf or injected, and takes a node either way; but there are
    /// none above the cap.
    fn commit(&mut self, matrices: impl Iterator<Item = (u64, u64)>) {
        let bytes: u64 = matrices.filter(|(width, _)| *width > 0).map(|(width, rows)| hashed_row(width) * rows).sum();
        self.bytes += bytes.saturating_sub(NODE * CAP as u64);
    }
}

/// Products of a batch inversion, for each element.
const INVERSION: u64 = 3;

/// Bytes of an inner node's two children, and of a block of the hash.
const NODE: u64 = 64;

/// Bytes of a field element, and of a digest.
const ELEMENT: u64 = 32;

/// Bytes of a row that are hashed at once.
const PIECE: u64 = 1024;

/// `log2` of the rows up to which transforms of a pack of columns fit a core's second cache and could do with one pass.
const LOG_SHORT: u32 = 11;

/// What [`super::prove`] cannot do without, by phase: the butterflies of transforms, the products, sums and differences of constraints,
/// LogUp columns, openings, DEEP quotients and folds, the loads and stores of all that, and the bytes of rows and nodes. The algorithms
/// are given, but not how often something is computed or stored: each value is computed once in a proof, and stored only for another
/// pass over all rows. No waiting for memory, no queries, and nothing that follows the length of a table's program only, or is always as
/// much, as the final polynomial. Points, twiddles and what else follows from the heights alone count as known: where a row needs one that
/// differs from row to row, as a load.
///
/// Witnesses are not filled here, so their phase has no work.
///
/// The tables and parameters must have passed [`crate::check_tables`] and [`Parameters::validate`].
pub fn work(tables: &[Table], parameters: &Parameters) -> Vec<(Phase, Work)> {
    let shape = Shape::new(tables, parameters);
    let blowup = 1u64 << shape.log_blowup;
    let [mut main, mut lookup, mut quotient, mut openings, mut fri] = [Work::default(); 5];
    let chunks = QUOTIENT_CHUNKS as u64;
    let matrices = |width: &'static dyn Fn(&Group) -> usize| {
        shape.groups.iter().map(move |group| (width(group) as u64, blowup << group.log_height))
    };
    main.commit(matrices(&|group| group.main_width));
    lookup.commit(matrices(&Group::aux_width));
    quotient.commit(matrices(&|_| QUOTIENT_CHUNKS));
    for (number, group) in shape.groups.iter().enumerate() {
        let rows = 1u64 << group.log_height;
        let (width, aux) = (group.main_width as u64, group.aux_width() as u64);
        let Circuits { fractions, units, constraints, sums } = Circuits::new(group, tables);
        main.extend_trace(width, group.log_height, blowup);

        lookup.extend_trace(aux, group.log_height, blowup);
        lookup.run(&fractions, rows);
        // Each column's denominator is inverted, and multiplied by the numerator if that is not 1 or −1.
        lookup.multiply((aux * (INVERSION + 1) - units) * rows);
        lookup.touch(0, aux * rows);
        if aux > 0 {
            // The running sum: all columns of a row are added up, and to those of the rows before it; when a piece's rows and the total
            // are known, one is added and its share is subtracted, which takes another pass.
            lookup.additions += (aux + 2) * rows;
            lookup.touch(rows, rows);
        }

        // Every row of two cosets; each chunk from one coset to the others. Of up to four sums each is multiplied by the inverse of its
        // vanishing polynomial, which for constraints of all rows is the same on all of a coset and can go into their coefficients.
        quotient.extend(chunks, group.log_height, blowup - 1);
        quotient.run(&constraints, chunks * rows);
        quotient.products += sums * chunks * rows;
        quotient.reductions += u64::from(sums > 1) * chunks * rows;
        quotient.touch((sums - 1) * chunks * rows, chunks * rows);

        // One distance from ζ for each row, inverted and multiplied by the point; the weights are kept for the DEEP quotients. A row's
        // weight at ζ·g is that of the row before at ζ, so columns that are opened at both are read once.
        let (here, next) = (width + aux + chunks, group.openings() as u64 - (width + aux + chunks));
        openings.sum_up(rows, here + next);
        openings.add(rows);
        openings.multiply((INVERSION + 1) * rows);
        openings.touch((here + 1) * rows, rows);

        // On the first coset sums at two points, less the sums of the values, over the distances. Those are the openings' but for factors
        // that can go into the coefficients: at ζ·g they are those at ζ one row before. From there one column is extended.
        let points = rows * blowup;
        fri.add(rows);
        for count in [here, next].into_iter().filter(|count| *count > 0) {
            fri.sum_up(count, rows);
            fri.additions += rows;
        }
        fri.sum_up(1 + u64::from(next > 0), rows);
        fri.touch((here + 1) * rows, rows);
        fri.extend(1, group.log_height, blowup - 1);
        if number > 0 {
            // Enters a fold that is reduced anyway.
            fri.products += points;
            fri.touch(points, 0);
        }
    }
    for fold in &shape.folds {
        let (values, leaves) = (1u64 << fold.log_size, 1u64 << fold.log_leaves());
        fri.commit([(1 << fold.log_arity, leaves)].into_iter());
        // Each folding by two is f(x) + f(−x) + β/x·(f(x) − f(−x)) for each value that is left, and factors of 1/2 go into what is
        // known. All foldings of a leaf take one pass, with the inverse of one point: those of the others follow from it.
        let folded = values - leaves;
        fri.multiply(2 * folded);
        fri.add(folded);
        fri.additions += 2 * folded;
        fri.touch(values + leaves, leaves);
    }
    // As many attempts as are expected.
    fri.bytes += NODE << parameters.grinding_bits;
    vec![
        (Phase::Witness, Work::default()),
        (Phase::Main, main),
        (Phase::Lookup, lookup),
        (Phase::Quotient, quotient),
        (Phase::Openings, openings),
        (Phase::Fri, fri),
    ]
}

/// Bytes of a row, in pieces of whole blocks, of the pieces' digests if there are several, and of a node.
const fn hashed_row(width: u64) -> u64 {
    let bytes = (width * ELEMENT).next_multiple_of(NODE);
    let pieces = bytes.div_ceil(PIECE);
    let joined = if pieces > 1 { (pieces * ELEMENT).next_multiple_of(NODE) } else { 0 };
    bytes + joined + NODE
}

/// Columns that a circuit reads, each once though it may read two rows of it. Periodic columns are short.
fn columns_read(circuit: &Circuit) -> u64 {
    let column = |input: &Input| match *input {
        Input::Main(column) | Input::MainNext(column) => Some((false, column)),
        Input::Aux(column) | Input::AuxNext(column) => Some((true, column)),
        Input::Periodic(_) => None,
    };
    circuit.inputs().iter().filter_map(column).collect::<BTreeSet<_>>().len() as u64
}

/// The code for each row of a group.
struct Circuits {
    /// Numerators and denominators of the LogUp columns.
    fractions: Circuit,
    /// How many of the numerators are always 1 or −1.
    units: u64,
    /// All constraints together.
    constraints: Circuit,
    /// How many of its sums there are: that over all rows, and others if they have constraints.
    sums: u64,
}

impl Circuits {
    fn new(group: &Group, tables: &[Table]) -> Self {
        // Any challenges that are neither 0 nor 1 give circuits of the same size.
        let challenges = BusChallenges { z: Felt::from(1_000_003), alpha: Felt::from(1_000_033) };
        let mut composition = Composition::new(group, tables, challenges);
        let batches: Vec<_> = group.batches.iter().map(|batch| composition.batch(batch)).collect();
        let is_unit = |numerator| {
            let constant = composition.graph.as_constant(numerator);
            constant.is_some_and(|constant| constant == Felt::one() || constant == -Felt::one())
        };
        let units = batches.iter().filter(|(numerator, _)| is_unit(*numerator)).count() as u64;
        let roots: Vec<_> = batches.iter().flat_map(|(numerator, denominator)| [*numerator, *denominator]).collect();
        let fractions = Circuit::compile(&composition.graph, &roots);
        let mut composition = Composition::new(group, tables, challenges);
        let roots = composition.constraints(&Felt::from(1_000_037), &Felt::from(1_000_039)).roots();
        let others = roots[1..].iter().filter(|root| composition.graph.as_constant(**root).is_none()).count() as u64;
        Self { fractions, units, constraints: Circuit::compile(&composition.graph, &roots), sums: 1 + others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{AirBuilder, Bus};
    use std::sync::Arc;

    const BUS: Bus = Bus { id: 5, name: "bus", arity: 1 };

    /// One column that is squared by its constraint, and one fraction.
    fn square(log_height: u32) -> Result<Table, crate::AirError> {
        let mut b = AirBuilder::new("test");
        let x = b.column("x");
        b.constrain_boolean("bit", &x);
        b.provide("entry", BUS, 1, [x]);
        Ok(Table { air: Arc::new(b.build()?), log_height })
    }

    #[test]
    fn of_one_column() -> Result<(), crate::AirError> {
        let parameters = Parameters { log_blowup: 1, grinding_bits: 3, ..Parameters::default() };
        let [_, main, lookup, quotient, openings, fri] = *work(&[square(6)?], &parameters) else {
            panic!("six phases")
        };
        // 64 rows: a transform has 32·6 butterflies, a column three of them, and 63 of the first are a sum and a difference only. 128
        // leaves of one block, with as many nodes but for the eight of the cap.
        let (butterflies, bytes) = (3 * 192 - 63, 128 * 128 - 8 * 64);
        let expected = Work { butterflies, additions: 2 * 63, loads: 64, stores: 2 * 64, bytes, ..Work::default() };
        assert_eq!(main, (Phase::Main, expected));
        // c − α·x, and three products for its inversion; the numerator is 1. Of the running sum, one and two additions.
        let expected = Work {
            butterflies,
            products: 4 * 64,
            reductions: 4 * 64,
            additions: 2 * 63 + (1 + 3) * 64,
            loads: (1 + 1 + 1) * 64,
            stores: (2 + 1 + 1) * 64,
            bytes,
            ..Work::default()
        };
        assert_eq!(lookup, (Phase::Lookup, expected));
        // x·(1 − x) + λ·((S' − S + T)·(c − α·x) − 1) on 128 points, with a product for the vanishing polynomial. S is read once.
        let expected = Work {
            butterflies: 4 * 192,
            products: 5 * 128,
            reductions: 3 * 128,
            additions: 5 * 128,
            carries: 2 * 128,
            loads: (2 + 1) * 128,
            stores: (1 + 1) * 128,
            bytes,
            ..Work::default()
        };
        assert_eq!(quotient, (Phase::Quotient, expected));
        // x, the LogUp column here and on the next row, two chunks, eight products in each part of a sum; then the weights.
        let expected = Work {
            products: (5 + 4) * 64,
            reductions: 5 * 8 + 4 * 64,
            additions: 5 * 7 + 64,
            carries: 64,
            loads: (4 + 1) * 64,
            stores: 64,
            ..Work::default()
        };
        assert_eq!(openings, (Phase::Openings, expected));
        // Inverses from the weights; four columns at one point and one at the other, and both over their distances; one column from one
        // coset to the other.
        let expected = Work {
            butterflies: 2 * 192,
            products: (4 + 1 + 2) * 64,
            reductions: 3 * 64,
            additions: (1 + 2) * 64,
            carries: 64,
            loads: (4 + 1 + 1) * 64,
            stores: (1 + 1) * 64,
            bytes: 64 << 3,
            ..Work::default()
        };
        assert_eq!(fri, (Phase::Fri, expected));
        Ok(())
    }

    #[test]
    fn of_a_fold() -> Result<(), crate::AirError> {
        let parameters = Parameters { log_blowup: 1, grinding_bits: 0, ..Parameters::default() };
        let fri = |tables: &[Table]| work(tables, &parameters)[5].1;
        let (short, both) = (fri(&[square(6)?]), fri(&[square(7)?, square(6)?]));
        // DEEP quotients as those of `short`, of three times as many rows; those of 64 rows enter what the others fold to; and one attempt
        // at grinding.
        let expected = Work {
            butterflies: 2 * (32 * 6 + 64 * 7),
            products: 3 * short.products + 2 * 128 + 128,
            reductions: 3 * short.reductions + 2 * 128,
            additions: 3 * short.additions + 3 * 128,
            carries: 3 * short.carries + 128,
            loads: 3 * short.loads + 256 + 128 + 128,
            stores: 3 * short.stores + 128,
            bytes: short.bytes + 128 * 128 - 8 * 64,
            ..Work::default()
        };
        assert_eq!(both, expected);
        Ok(())
    }

    #[test]
    fn of_rows_in_pieces() {
        assert_eq!([0, 1, 2, 3, 32].map(hashed_row), [64, 128, 128, 192, 1024 + 64]);
        assert_eq!([33, 64, 65].map(hashed_row), [1088 + 64 + 64, 2048 + 64 + 64, 2112 + 128 + 64]);
    }

    #[test]
    fn grows_with_the_rows() -> Result<(), crate::AirError> {
        let parameters = Parameters::default();
        let of = |log_height| square(log_height).map(|table| work(&[table], &parameters));
        for ((phase, small), (_, large)) in of(10)?.into_iter().zip(of(11)?) {
            if phase != Phase::Fri {
                assert_eq!(large.products, 2 * small.products);
                assert_eq!(large.reductions, 2 * small.reductions);
                assert_eq!(large.carries, 2 * small.carries);
                assert_eq!((large.loads, large.stores), (2 * small.loads, 2 * small.stores));
                assert_eq!((small.drafts, large.drafts), (0, 0));
            }
        }
        // There and to both cosets; two chunks, and the DEEP quotient, to one coset each.
        let drafts = of(12)?.into_iter().map(|(_, work)| work.drafts >> 12);
        assert_eq!(drafts.collect::<Vec<_>>(), [0, 3, 3, 4, 0, 2]);
        Ok(())
    }
}
