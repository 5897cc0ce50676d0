//! Tables that are too short to be worth committing to: their rows are disclosed, and the verifier looks at each.
//!
//! A table whose constraints hold on each row by itself says no more than that: there are rows on which they hold, whose bus terms enter the
//! sum. So the verifier may be given the rows, check the constraints on them and count their terms with the public ones. The caller must bind
//! the rows to the transcript before the first challenge, as all that public tuples derive from.

use crate::air::{Air, Constraint, Rows, reads_next};
use crate::graph::{Input, NodeId};
use crate::public::PublicTerms;
use crate::table::PublicTuple;
use felt::{Felt, encoding};

/// Why disclosed rows are none of a table's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DisclosedError {
    /// A table with constraints that tie rows to each other or to their places.
    #[error("constraint `{constraint}` does not stand for each row by itself, so the table must be committed")]
    NotLocal {
        /// The constraint's name.
        constraint: String,
    },
    /// Cells that do not make whole rows, or none at all.
    #[error("it has {cells} cells, which are no rows of {width} columns")]
    Cells {
        /// Cells there are.
        cells: usize,
        /// Columns of the table.
        width: usize,
    },
    /// Rows of another number of columns.
    #[error("its rows have {found} cells; the table has {expected} columns")]
    Width {
        /// Cells of a row.
        found: usize,
        /// Columns of the table.
        expected: usize,
    },
    /// A constraint that does not hold.
    #[error("constraint `{constraint}` does not hold on row {row}")]
    Constraint {
        /// The constraint's name.
        constraint: String,
        /// The first row, from 0, on which it fails.
        row: usize,
    },
}

impl Air {
    /// Whether all constraints stand for each row by itself, so that the rows may be disclosed.
    ///
    /// # Errors
    /// [`DisclosedError::NotLocal`] with the first constraint that does not.
    pub fn check_local(&self) -> Result<(), DisclosedError> {
        let ties =
            |constraint: &&Constraint| constraint.rows != Rows::All || reads_next(self.graph(), constraint.expression);
        match self.constraints().iter().find(ties) {
            Some(constraint) => Err(DisclosedError::NotLocal { constraint: constraint.name.clone() }),
            None => Ok(()),
        }
    }

    /// A bound on what looking at a disclosed row takes: a cell for each of the expressions that may read it.
    pub fn row_work(&self) -> u64 {
        (self.width() * (self.constraints().len() + self.interactions().len())) as u64
    }
}

/// Appends the bus terms of disclosed rows, given row by row, less those that are zero. Periodic columns begin with the first row. Whether the
/// constraints hold on the rows is for [`check_rows`] to say.
///
/// # Errors
/// [`DisclosedError::NotLocal`] and [`DisclosedError::Cells`].
pub fn append_terms(air: &Air, cells: &[Felt], terms: &mut PublicTerms) -> Result<(), DisclosedError> {
    let roots =
        air.interactions().iter().flat_map(|interaction| interaction.tuple.iter().chain([&interaction.multiplicity]));
    each_row(air, cells, roots.copied(), |_, values| {
        for interaction in air.interactions() {
            let multiplicity = values[interaction.multiplicity.index()];
            if !encoding::is_zero(&multiplicity) {
                terms.push(interaction.bus, multiplicity, interaction.tuple.iter().map(|entry| values[entry.index()]));
            }
        }
        Ok(())
    })
}

/// [`append_terms`], each by itself.
///
/// # Errors
/// [`DisclosedError::NotLocal`] and [`DisclosedError::Cells`].
pub fn tuples(air: &Air, cells: &[Felt]) -> Result<Vec<PublicTuple>, DisclosedError> {
    let mut terms = PublicTerms::new();
    append_terms(air, cells, &mut terms)?;
    Ok(terms.to_tuples())
}

/// Checks all constraints on disclosed rows.
///
/// # Errors
/// The first [`DisclosedError`] found.
pub fn check_rows(air: &Air, cells: &[Felt]) -> Result<(), DisclosedError> {
    let constraints = air.constraints();
    each_row(air, cells, constraints.iter().map(|constraint| constraint.expression), |row, values| {
        match constraints.iter().find(|c| !encoding::is_zero(&values[c.expression.index()])) {
            Some(broken) => Err(DisclosedError::Constraint { constraint: broken.name.clone(), row }),
            None => Ok(()),
        }
    })
}

/// Evaluates some nodes, and what they depend on, on each row.
fn each_row(
    air: &Air,
    cells: &[Felt],
    roots: impl Iterator<Item = NodeId>,
    mut see: impl FnMut(usize, &[Felt]) -> Result<(), DisclosedError>,
) -> Result<(), DisclosedError> {
    air.check_local()?;
    let width = air.width();
    if cells.is_empty() || width == 0 || !cells.len().is_multiple_of(width) {
        return Err(DisclosedError::Cells { cells: cells.len(), width });
    }
    let nodes = air.graph().needed(roots);
    let mut values = vec![Felt::zero(); air.graph().nodes().len()];
    for (row, cells) in cells.chunks_exact(width).enumerate() {
        evaluate(air, row, nodes.iter().copied(), |column| cells.get(column).copied().unwrap_or_default(), &mut values);
        see(row, &values)?;
    }
    Ok(())
}

/// The rows up to `height` that have a bus term. Others say nothing and may be left out, unless periodic columns give each row its place: then these are
/// all up to the last that has one.
pub fn used_rows(air: &Air, height: usize, cell: impl Fn(usize, usize) -> Felt) -> Vec<usize> {
    let multiplicities = || air.interactions().iter().map(|interaction| interaction.multiplicity);
    let needed = air.graph().needed(multiplicities());
    let mut values = vec![Felt::zero(); air.graph().nodes().len()];
    let used = (0..height).filter(|row| {
        evaluate(air, *row, needed.iter().copied(), |column| cell(*row, column), &mut values);
        multiplicities().any(|multiplicity| !encoding::is_zero(&values[multiplicity.index()]))
    });
    match air.periodic() {
        [] => used.collect(),
        _ => (0..used.last().map_or(0, |last| last + 1)).collect(),
    }
}

/// The values of some nodes on a row. In a local table nothing that counts reads the next one.
fn evaluate(
    air: &Air,
    row: usize,
    nodes: impl IntoIterator<Item = usize>,
    cell: impl Fn(usize) -> Felt,
    values: &mut [Felt],
) {
    let read = |input| match input {
        Input::Main(column) => cell(column as usize),
        Input::Periodic(column) => {
            let values = air.periodic().get(column as usize).map_or(&[][..], |values| values);
            values.get(row % values.len().max(1)).copied().unwrap_or_default()
        }
        Input::MainNext(_) | Input::Aux(_) | Input::AuxNext(_) => Felt::zero(),
    };
    air.graph().evaluate_nodes(nodes, read, values);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{AirBuilder, AirError, Bus};

    const BUS: Bus = Bus { id: 5, name: "bus", arity: 2 };

    fn felts(values: &[u64]) -> Vec<Felt> {
        values.iter().copied().map(Felt::from).collect()
    }

    /// `b = a²`; provides `(a, place)` b times.
    fn squares() -> Result<Air, AirError> {
        let mut builder = AirBuilder::new("squares");
        let [a, b] = builder.columns("x");
        let place = builder.periodic(felts(&[7, 8]));
        builder.constrain("square", Rows::All, &a * &a - &b);
        builder.provide("entry", BUS, b, [a, place]);
        builder.build()
    }

    #[test]
    fn rows_give_their_terms() -> Result<(), AirError> {
        let air = squares()?;
        let term = |multiplicity: u64, tuple: [u64; 2]| PublicTuple {
            bus: BUS,
            multiplicity: Felt::from(multiplicity),
            tuple: felts(&tuple),
        };
        let terms = vec![term(4, [2, 7]), term(9, [3, 7]), term(1, [1, 8])];
        assert_eq!(tuples(&air, &felts(&[2, 4, 0, 0, 3, 9, 1, 1])), Ok(terms));
        let broken = DisclosedError::Constraint { constraint: "square".to_owned(), row: 1 };
        assert_eq!(check_rows(&air, &felts(&[2, 4, 2, 5, 3, 8])), Err(broken));
        assert_eq!(check_rows(&air, &felts(&[2, 4, 0, 0, 3, 9, 1, 1])), Ok(()));
        for cells in [&[][..], &[1], &[1, 1, 2]] {
            let refused = DisclosedError::Cells { cells: cells.len(), width: 2 };
            assert_eq!(tuples(&air, &felts(cells)), Err(refused.clone()));
            assert_eq!(check_rows(&air, &felts(cells)), Err(refused));
        }
        Ok(())
    }

    #[test]
    fn tied_rows_are_refused() -> Result<(), AirError> {
        type Tie = fn(&mut AirBuilder, crate::Expr);
        let ties: [(&str, Tie); 4] = [
            ("first", |b, x| b.constrain("first", Rows::First, x)),
            ("last", |b, x| b.constrain("last", Rows::Last, x)),
            ("transition", |b, x| b.constrain("transition", Rows::Transition, x)),
            ("next", |b, x| b.constrain("next", Rows::All, b.next(&x) - x)),
        ];
        for (name, tie) in ties {
            let mut builder = AirBuilder::new("tied");
            let x = builder.column("x");
            builder.constrain("zero", Rows::All, x.clone());
            tie(&mut builder, x);
            let refused = DisclosedError::NotLocal { constraint: name.to_owned() };
            let air = builder.build()?;
            assert_eq!(tuples(&air, &felts(&[0])), Err(refused.clone()));
            assert_eq!(check_rows(&air, &felts(&[0])), Err(refused));
        }
        Ok(())
    }

    /// Columns times expressions that may read them.
    #[test]
    fn work_of_a_row() -> Result<(), AirError> {
        let mut builder = AirBuilder::new("work");
        let [a, b, c] = builder.columns("x");
        builder.constrain("zero", Rows::All, a.clone());
        builder.provide("entry", BUS, c, [a.clone(), b.clone()]);
        builder.require("more", BUS, b, [a.clone(), a]);
        assert_eq!(builder.build()?.row_work(), 9);
        Ok(())
    }

    #[test]
    fn rows_that_are_used() -> Result<(), AirError> {
        let used =
            |air: &Air, cells: &[[u64; 2]]| used_rows(air, cells.len(), |row, column| Felt::from(cells[row][column]));
        let rows = [[1, 1], [0, 0], [2, 4], [0, 0]];
        // Places count.
        assert_eq!(used(&squares()?, &rows), [0, 1, 2]);
        assert_eq!(used(&squares()?, &[[0, 0]]), []);
        let mut builder = AirBuilder::new("free");
        let [a, b] = builder.columns("x");
        builder.provide("entry", BUS, &a + 0, [a.clone(), b]);
        builder.provide("more", BUS, &a * 2, [a.clone(), a]);
        assert_eq!(used(&builder.build()?, &rows), [0, 2]);
        Ok(())
    }
}
