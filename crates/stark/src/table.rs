//! Tables of a proof and the public side of the bus sum.

use crate::air::{Air, Bus, Interaction};
use crate::outline::{BusTerm, Outline, Outlined};
use felt::Felt;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Fewest rows of a table, as `log2`. Smaller ones are padded: a row costs less than another FRI layer.
pub const MIN_LOG_HEIGHT: u32 = 6;

/// Most rows of a table, as `log2`.
pub const MAX_LOG_HEIGHT: u32 = 30;

/// Most tables in one proof.
pub const MAX_TABLES: usize = 256;

/// One table of a proof: its AIR and its height.
#[derive(Debug, Clone)]
pub struct Table {
    /// Columns, constraints and interactions.
    pub air: Arc<Air>,
    /// `log2` of the number of rows.
    pub log_height: u32,
}

impl Table {
    /// Number of rows.
    pub const fn height(&self) -> usize {
        1 << self.log_height
    }
}

impl Outlined for Table {
    fn outline(&self) -> Cow<'_, Outline> {
        let air = &self.air;
        Cow::Owned(Outline {
            name: air.name().to_owned(),
            log_height: self.log_height,
            width: air.width(),
            next_columns: air.next_columns().to_vec(),
            periods: air.periodic().iter().map(|column| column.len()).collect(),
            constraints: air.constraints().len(),
            interactions: air.interactions().iter().map(|interaction| term(air, interaction)).collect(),
        })
    }
}

fn term(air: &Air, interaction: &Interaction) -> BusTerm {
    let degree = |node| air.graph().degree(node);
    let linear = interaction.tuple.iter().all(|entry| degree(*entry) <= 1);
    BusTerm { bus: interaction.bus, is_pairable: linear && degree(interaction.multiplicity) <= 2 }
}

/// A term of the bus sum that the verifier computes itself from the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicTuple {
    /// The bus.
    pub bus: Bus,
    /// Positive to provide, negative to require.
    pub multiplicity: Felt,
    /// The tuple, of the bus's arity.
    pub tuple: Vec<Felt>,
}

impl PublicTuple {
    /// A tuple that the statement offers once.
    pub fn provide(bus: Bus, tuple: Vec<Felt>) -> Self {
        Self { bus, multiplicity: Felt::one(), tuple }
    }

    /// A tuple that the statement demands once.
    pub fn require(bus: Bus, tuple: Vec<Felt>) -> Self {
        Self { bus, multiplicity: -Felt::one(), tuple }
    }
}

/// Why a list of tables cannot be proven or verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// No table at all.
    #[error("a proof needs at least one table")]
    NoTables,
    /// More than [`MAX_TABLES`].
    #[error("{0} tables; the limit is {MAX_TABLES}")]
    TooManyTables(usize),
    /// A height outside [`MIN_LOG_HEIGHT`]`..=`[`MAX_LOG_HEIGHT`].
    #[error("table {table} ({air}) has 2^{log_height} rows; the limits are 2^{MIN_LOG_HEIGHT} and 2^{MAX_LOG_HEIGHT}")]
    Height {
        /// Position in the list.
        table: usize,
        /// Its name.
        air: String,
        /// Its height.
        log_height: u32,
    },
    /// A height below the period of a periodic column.
    #[error("table {table} ({air}) has 2^{log_height} rows, fewer than its longest periodic column")]
    Period {
        /// Position in the list.
        table: usize,
        /// Its name.
        air: String,
        /// Its height.
        log_height: u32,
    },
    /// Two definitions of one bus number, or a public tuple that does not have its bus's arity: `(a)` and `(a, 0)` have one
    /// fingerprint.
    #[error("bus {id} ({name}) has tuples of {expected} entries and of {found}")]
    Arity {
        /// The bus's number.
        id: u32,
        /// Its name.
        name: &'static str,
        /// Entries by its first definition.
        expected: usize,
        /// Entries found.
        found: usize,
    },
    /// Rows times interactions reach the size of the field, where multiplicities could wrap.
    #[error("the tables have {0} bus terms, more than the bus argument allows")]
    TooManyTerms(u128),
}

/// Most terms of the bus sum. Far below `p`, so that counts cannot wrap, and small enough for the stated soundness error.
pub const MAX_TERMS: u128 = 1 << 44;

/// Checks number, heights, arities of buses and total of bus terms, of tables or their outlines.
///
/// # Errors
/// The first [`TableError`] found.
pub fn check_tables<T: Outlined>(tables: &[T]) -> Result<(), TableError> {
    if tables.is_empty() {
        return Err(TableError::NoTables);
    }
    if tables.len() > MAX_TABLES {
        return Err(TableError::TooManyTables(tables.len()));
    }
    let mut terms: u128 = 0;
    let mut arities: HashMap<u32, usize> = HashMap::new();
    for (index, table) in tables.iter().enumerate() {
        let table = table.outline();
        let (air, log_height) = (table.name.clone(), table.log_height);
        if !(MIN_LOG_HEIGHT..=MAX_LOG_HEIGHT).contains(&log_height) {
            return Err(TableError::Height { table: index, air, log_height });
        }
        if table.height() < table.min_height() {
            return Err(TableError::Period { table: index, air, log_height });
        }
        for Bus { id, name, arity } in table.interactions.iter().map(|term| term.bus) {
            let expected = *arities.entry(id).or_insert(arity);
            if arity != expected {
                return Err(TableError::Arity { id, name, expected, found: arity });
            }
        }
        terms += (table.interactions.len() as u128) << log_height;
    }
    if terms > MAX_TERMS {
        return Err(TableError::TooManyTerms(terms));
    }
    Ok(())
}
