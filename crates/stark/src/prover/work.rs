//! How much arithmetic and hashing a proof takes: what its time is measured against.

use super::circuit::{Arithmetic, Circuit};
use crate::composition::{BusChallenges, Composition};
use crate::control::Phase;
use crate::parameters::Parameters;
use crate::shape::{Group, QUOTIENT_PIECES, Shape};
use crate::table::Table;
use felt::Felt;
use felt::packed::MAX_PRODUCTS;

/// Work of one phase, counted and not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Butterflies of transforms, a product with a constant, a sum and a difference each.
    pub butterflies: u64,
    /// Other products of field elements, without their reduction.
    pub products: u64,
    /// Reductions: one for each product that is not in a sum, one for each sum of products.
    pub reductions: u64,
    /// Elements read from memory into registers, where a column is longer than a cache: twice a transform.
    pub loads: u64,
    /// Elements written to memory.
    pub stores: u64,
    /// Bytes hashed.
    pub bytes: u64,
}

impl Work {
    fn multiply(&mut self, count: u64) {
        self.products += count;
        self.reductions += count;
    }

    fn sum_up(&mut self, count: u64, rows: u64) {
        self.products += count * rows;
        self.reductions += count.div_ceil(MAX_PRODUCTS as u64) * rows;
    }

    fn run(&mut self, circuit: &Circuit, rows: u64) {
        let Arithmetic { products, reductions } = circuit.arithmetic();
        self.products += products * rows;
        self.reductions += reductions * rows;
        self.loads += circuit.inputs().len() as u64 * rows;
    }

    fn touch(&mut self, loads: u64, stores: u64) {
        self.loads += loads;
        self.stores += stores;
    }

    /// An extension of columns of one height: one transform to coefficients for each, and `forward` transforms from there. Each is two
    /// passes over memory, but the rows of coefficients stay in a cache between the two directions.
    fn extend(&mut self, columns: u64, log_height: u32, forward: u64) {
        let rows = 1u64 << log_height;
        self.butterflies += columns * (1 + forward) * (rows / 2 * u64::from(log_height));
        self.touch(columns * rows * (2 + forward), columns * rows * (1 + 2 * forward));
    }
}

/// Products of a batch inversion, for each element.
const INVERSION: u64 = 3;

/// Bytes of an inner node's two children.
const NODE: u64 = 64;

/// What [`super::prove`] cannot do without, by phase: the butterflies of transforms, the products of constraints, LogUp
/// columns, DEEP quotients and folds, the loads and stores of all that, and the bytes of rows and nodes. No additions, no waiting for
/// memory, and nothing that follows the length of a table's program only. Witnesses are not filled here, so their phase has no work.
///
/// The tables and parameters must have passed [`crate::check_tables`] and [`Parameters::validate`].
pub fn work(tables: &[Table], parameters: &Parameters) -> Vec<(Phase, Work)> {
    let shape = Shape::new(tables, parameters);
    let blowup = 1u64 << shape.log_blowup;
    let [mut main, mut lookup, mut quotient, mut openings, mut fri] = [Work::default(); 5];
    for group in &shape.groups {
        let rows = 1u64 << group.log_height;
        let (width, aux, pieces) = (group.main_width as u64, group.aux_width() as u64, QUOTIENT_PIECES as u64);
        let [fractions, constraints] = circuits(group, tables);
        main.extend(width, group.log_height, blowup);
        main.bytes += hashed_rows(width, rows * blowup);
        // Fractions by one numerator and one inverted denominator for each column.
        lookup.extend(aux, group.log_height, blowup);
        lookup.run(&fractions, rows);
        lookup.multiply(aux * (INVERSION + 1) * rows);
        // Both parts of a fraction are stored, the denominator is read twice and the numerator once.
        lookup.touch(3 * aux * rows, 3 * aux * rows);
        lookup.bytes += hashed_rows(aux, rows * blowup);
        // Every row of two cosets, with two products for the vanishing polynomials; each piece from one coset to the others.
        quotient.extend(pieces, group.log_height, blowup - 1);
        quotient.run(&constraints, pieces * rows);
        quotient.multiply(2 * pieces * rows);
        // Sums over all rows and over all but the last.
        quotient.touch(2 * pieces * rows, 3 * pieces * rows);
        quotient.bytes += hashed_rows(pieces, rows * blowup);
        let opened = group.openings() as u64;
        openings.products += opened * rows;
        openings.reductions += opened * rows.div_ceil(MAX_PRODUCTS as u64);
        openings.multiply((INVERSION + 2) * rows);
        openings.touch(opened * rows + 3 * rows, 2 * rows);
        // The sums at two points, each divided by its distance.
        fri.sum_up(opened, rows * blowup);
        fri.multiply(2 * (INVERSION + 1) * rows * blowup);
        fri.touch((opened + 2 * 3) * rows * blowup, (2 * 2 + 1) * rows * blowup);
    }
    for fold in &shape.folds {
        let (values, leaves) = (1u64 << fold.log_size, 1u64 << fold.log_leaves());
        fri.bytes += hashed_rows(1 << fold.log_arity, leaves);
        // Each folding by two takes a sum of two products for each value that is left.
        fri.sum_up(2, values - leaves);
        fri.touch(3 * (values - leaves), 2 * (values - leaves));
    }
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

/// Bytes of the rows of a matrix, padded to whole blocks, and of as many nodes above them.
const fn hashed_rows(width: u64, rows: u64) -> u64 {
    if width == 0 { 0 } else { ((width * 32).next_multiple_of(NODE) + NODE) * rows }
}

/// The code for each row: of the LogUp fractions, and of all constraints together.
fn circuits(group: &Group, tables: &[Table]) -> [Circuit; 2] {
    // Any challenges that are neither 0 nor 1 give circuits of the same size.
    let challenges = BusChallenges { z: Felt::from(1_000_003), alpha: Felt::from(1_000_033) };
    let mut composition = Composition::new(group, tables, challenges);
    let batches: Vec<_> = group.batches.iter().map(|batch| composition.batch(batch)).collect();
    let roots: Vec<_> = batches.iter().flat_map(|(numerator, denominator)| [*numerator, *denominator]).collect();
    let fractions = Circuit::compile(&composition.graph, &roots);
    let mut composition = Composition::new(group, tables, challenges);
    let sums = composition.constraints(&Felt::from(1_000_037), &Felt::from(1_000_039));
    [fractions, Circuit::compile(&composition.graph, &sums.roots())]
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
        // 64 rows: a transform has 32·6 butterflies, a column three of them; 128 leaves of one block, with as many nodes. The column is
        // read, written, read, and for each of two cosets written, read, written.
        let (loads, stores) = (4 * 64, 5 * 64);
        let expected = Work { butterflies: 3 * 192, loads, stores, bytes: 128 * 128, ..Work::default() };
        assert_eq!(main, (Phase::Main, expected));
        // One in the tuple, three for the inversion, one by the numerator.
        let (loads, stores) = (loads + 4 * 64, stores + 3 * 64);
        let expected =
            Work { butterflies: 3 * 192, products: 5 * 64, reductions: 5 * 64, loads, stores, bytes: 128 * 128 };
        assert_eq!(lookup, (Phase::Lookup, expected));
        assert_eq!((quotient.1.butterflies, quotient.1.bytes), (4 * 192, 128 * 128));
        // x, the LogUp column here and on the next row, two pieces; then the weights.
        assert_eq!((openings.1.products, openings.1.reductions), ((5 + 5) * 64, 5 * 8 + 5 * 64));
        assert_eq!(fri.1.products % 2, 0);
        assert!(fri.1.bytes >= 64 << 3);
        Ok(())
    }

    #[test]
    fn grows_with_the_rows() -> Result<(), crate::AirError> {
        let parameters = Parameters::default();
        let of = |log_height| square(log_height).map(|table| work(&[table], &parameters));
        for ((phase, small), (_, large)) in of(10)?.into_iter().zip(of(11)?) {
            assert_eq!(large.butterflies * 10, small.butterflies * 22);
            if phase != Phase::Fri {
                assert_eq!(large.products, 2 * small.products);
                assert_eq!(large.reductions, 2 * small.reductions);
                assert_eq!((large.loads, large.stores), (2 * small.loads, 2 * small.stores));
                assert_eq!(large.bytes, 2 * small.bytes);
            }
        }
        Ok(())
    }
}
