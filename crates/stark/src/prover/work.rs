//! How much arithmetic and hashing a proof takes: what its time is measured against.

use super::circuit::Circuit;
use crate::composition::{BusChallenges, Composition};
use crate::control::Phase;
use crate::parameters::Parameters;
use crate::shape::{Group, QUOTIENT_PIECES, Shape};
use crate::table::Table;
use felt::Felt;

/// Work of one phase, counted and not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Butterflies of transforms, a multiplication, a sum and a difference each.
    pub butterflies: u64,
    /// Other multiplications of field elements.
    pub multiplications: u64,
    /// Bytes hashed.
    pub bytes: u64,
}

/// Multiplications of a batch inversion, for each element.
const INVERSION: u64 = 3;

/// Bytes of an inner node's two children.
const NODE: u64 = 64;

/// What [`super::prove`] cannot do without, by phase: the butterflies of transforms, the multiplications of constraints, LogUp
/// columns, DEEP quotients and folds, and the bytes of rows and nodes. No additions, no memory traffic, and nothing that follows
/// the length of a table's program only. Witnesses are not filled here, so their phase has no work.
///
/// The tables and parameters must have passed [`crate::check_tables`] and [`Parameters::validate`].
pub fn work(tables: &[Table], parameters: &Parameters) -> Vec<(Phase, Work)> {
    let shape = Shape::new(tables, parameters);
    let blowup = 1u64 << shape.log_blowup;
    let [mut main, mut lookup, mut quotient, mut openings, mut fri] = [Work::default(); 5];
    for group in &shape.groups {
        let rows = 1u64 << group.log_height;
        let transform = rows / 2 * u64::from(group.log_height);
        let (width, aux, pieces) = (group.main_width as u64, group.aux_width() as u64, QUOTIENT_PIECES as u64);
        let [fractions, constraints] = multiplications(group, tables);
        main.butterflies += width * (1 + blowup) * transform;
        main.bytes += hashed_rows(width, rows * blowup);
        // Fractions by one numerator and one inverted denominator for each column.
        lookup.butterflies += aux * (1 + blowup) * transform;
        lookup.multiplications += (fractions + aux * (INVERSION + 1)) * rows;
        lookup.bytes += hashed_rows(aux, rows * blowup);
        // Every row of two cosets, with two multiplications for the vanishing polynomials; each piece from one coset to the others.
        quotient.butterflies += pieces * blowup * transform;
        quotient.multiplications += pieces * (constraints + 2) * rows;
        quotient.bytes += hashed_rows(pieces, rows * blowup);
        let opened = group.openings() as u64;
        openings.multiplications += (opened + INVERSION + 2) * rows;
        // The sums at two points, each divided by its distance.
        fri.multiplications += (opened + 2 * (INVERSION + 1)) * rows * blowup;
    }
    for fold in &shape.folds {
        let (values, leaves) = (1u64 << fold.log_size, 1u64 << fold.log_leaves());
        fri.bytes += hashed_rows(1 << fold.log_arity, leaves);
        // Each folding by two takes two multiplications for each value that is left.
        fri.multiplications += 2 * (values - leaves);
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

/// Multiplications for each row: of the LogUp fractions, and of all constraints together.
fn multiplications(group: &Group, tables: &[Table]) -> [u64; 2] {
    // Any challenges that are neither 0 nor 1 give circuits of the same size.
    let challenges = BusChallenges { z: Felt::from(1_000_003), alpha: Felt::from(1_000_033) };
    let mut composition = Composition::new(group, tables, challenges);
    let batches: Vec<_> = group.batches.iter().map(|batch| composition.batch(batch)).collect();
    let roots: Vec<_> = batches.iter().flat_map(|(numerator, denominator)| [*numerator, *denominator]).collect();
    let fractions = Circuit::compile(&composition.graph, &roots).multiplications();
    let mut composition = Composition::new(group, tables, challenges);
    let sums = composition.constraints(&Felt::from(1_000_037), &Felt::from(1_000_039));
    [fractions, Circuit::compile(&composition.graph, &sums.roots()).multiplications()]
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
        // 64 rows: a transform has 32·6 butterflies, a column three of them; 128 leaves of one block, with as many nodes.
        assert_eq!(main, (Phase::Main, Work { butterflies: 3 * 192, multiplications: 0, bytes: 128 * 128 }));
        // One in the tuple, three for the inversion, one by the numerator.
        assert_eq!(lookup, (Phase::Lookup, Work { butterflies: 3 * 192, multiplications: 5 * 64, bytes: 128 * 128 }));
        assert_eq!((quotient.1.butterflies, quotient.1.bytes), (4 * 192, 128 * 128));
        // x, the LogUp column here and on the next row, two pieces; then the weights.
        assert_eq!(openings.1.multiplications, (5 + 5) * 64);
        assert_eq!(fri.1.multiplications % 2, 0);
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
                assert_eq!(large.multiplications, 2 * small.multiplications);
                assert_eq!(large.bytes, 2 * small.bytes);
            }
        }
        Ok(())
    }
}
