//! Step 5 of the verifier: the constraints of a group at the out-of-domain point.
//!
//! The prover builds one circuit of all of them ([`crate::composition`]), since it runs it on every row. Here is one point, so the
//! circuits of the tables are run one by one and the rest is done with their values, in a fraction of the time.

use crate::air::Rows;
use crate::composition::BusChallenges;
use crate::graph::Input;
use crate::proof::GroupOpenings;
use crate::shape::{Fraction, Group};
use crate::table::Table;
use felt::{Felt, domain};
use std::collections::BTreeMap;

/// `1/value`. Callers only invert differences between the out-of-domain point and domain points, which the transcript
/// keeps apart; 0 would make the check fail, not panic.
fn invert(value: Felt) -> Felt {
    value.inv().unwrap_or_default()
}

/// What the constraint check draws on.
pub struct Challenges {
    /// Of the buses.
    pub bus: BusChallenges,
    /// Combines the constraints.
    pub lambda: Felt,
    /// The out-of-domain point.
    pub zeta: Felt,
}

/// Whether the quotient at `ζ` is the combination of all constraints over their vanishing polynomials.
///
/// The quotient `Q` of degree below `2N` is given by the polynomials `R_0`, `R_1` of degree below `N` that agree with it on
/// the first two cosets of the LDE domain, where `x^N` is `u_0` and `u_1`:
/// `Q(ζ) = R_0(ζ)·(ζ^N − u_1)/(u_0 − u_1) + R_1(ζ)·(ζ^N − u_0)/(u_1 − u_0)`.
pub fn constraints_hold(
    group: &Group,
    tables: &[Table],
    openings: &GroupOpenings,
    total: &Felt,
    challenges: &Challenges,
    log_blowup: u32,
) -> bool {
    let zeta = &challenges.zeta;
    let mut sums = Sums { lambda: challenges.lambda, power: Felt::one(), sums: [Felt::zero(); 4] };
    let positions = 0..group.tables.len();
    let tables: Vec<Evaluated<'_>> =
        positions.map(|position| Evaluated::new(group, tables, position, openings, zeta)).collect();
    for table in &tables {
        for constraint in table.table.air.constraints() {
            sums.add(constraint.rows, table.values[constraint.expression.index()]);
        }
    }
    lookup_constraints(group, &tables, openings, total, &challenges.bus, &mut sums);
    let [all, transition, first, last] = sums.sums;

    let zeta_n = zeta.pow(group.height() as u64);
    let last_point = invert(domain::root_of_unity(group.log_height));
    let on_trace = invert(zeta_n - Felt::one());
    let expected = (all + transition * (*zeta - last_point)) * on_trace
        + first * invert(*zeta - Felt::one())
        + last * invert(*zeta - last_point);
    let [u0, u1] = [0, 1].map(|coset| domain::lde_point(log_blowup, coset));
    let chunk = |index| at(&openings.quotient, Some(index));
    let quotient = (chunk(0) * (zeta_n - u1) - chunk(1) * (zeta_n - u0)) * invert(u0 - u1);
    quotient == expected
}

/// An opened value. Out-of-range indices do not occur: they come from the AIRs, and lengths from the shape check.
fn at(values: &[Felt], index: Option<usize>) -> Felt {
    index.and_then(|index| values.get(index)).copied().unwrap_or_default()
}

/// Sums of constraints by the rows on which they vanish, combined with powers of `λ`.
struct Sums {
    lambda: Felt,
    power: Felt,
    /// All, transition, first, last.
    sums: [Felt; 4],
}

impl Sums {
    fn add(&mut self, rows: Rows, value: Felt) {
        let sum = match rows {
            Rows::All => 0,
            Rows::Transition => 1,
            Rows::First => 2,
            Rows::Last => 3,
        };
        self.sums[sum] += self.power * value;
        self.power *= self.lambda;
    }
}

/// A table with the values of its circuit's nodes at `ζ`.
struct Evaluated<'a> {
    table: &'a Table,
    values: Vec<Felt>,
}

impl<'a> Evaluated<'a> {
    /// The table at a position of the group.
    fn new(group: &Group, tables: &'a [Table], position: usize, openings: &GroupOpenings, zeta: &Felt) -> Self {
        let (table, offset) = (&tables[group.tables[position]], group.offsets[position]);
        let mut weights: BTreeMap<usize, Vec<Felt>> = BTreeMap::new();
        let periodic = table.air.periodic().iter().map(|column| {
            let period = column.len();
            let weights = weights.entry(period).or_insert_with(|| periodic_weights(period, group.log_height, zeta));
            evaluate_periodic(column, weights)
        });
        let periodic: Vec<Felt> = periodic.collect();
        let values = table.air.graph().evaluate(|input| match input {
            Input::Main(column) => at(&openings.main, Some(offset + column as usize)),
            Input::MainNext(column) => {
                at(&openings.main_next, group.next_columns.binary_search(&(offset + column as usize)).ok())
            }
            Input::Periodic(column) => at(&periodic, Some(column as usize)),
            // No table's circuit reads LogUp columns.
            Input::Aux(_) | Input::AuxNext(_) => Felt::zero(),
        });
        Self { table, values }
    }
}

/// See [`crate::composition`]: `h·D − M` of each batch but the last, and `(S(gx) − S(x) + T/N − Σ h)·D − M` of the last.
fn lookup_constraints(
    group: &Group,
    tables: &[Evaluated<'_>],
    openings: &GroupOpenings,
    total: &Felt,
    bus: &BusChallenges,
    sums: &mut Sums,
) {
    let Some((last, others)) = group.batches.split_last() else { return };
    let share = *total * invert(Felt::from(group.height() as u64));
    let mut rest = at(&openings.aux_next, Some(0)) - at(&openings.aux, Some(others.len())) + share;
    for (column, batch) in others.iter().enumerate() {
        let helper = at(&openings.aux, Some(column));
        rest = rest - helper;
        let (numerator, denominator) = batch_sum(batch, tables, bus);
        sums.add(Rows::All, helper * denominator - numerator);
    }
    let (numerator, denominator) = batch_sum(last, tables, bus);
    sums.add(Rows::All, rest * denominator - numerator);
}

/// Numerator and denominator of the sum of a batch's fractions.
fn batch_sum(batch: &[Fraction], tables: &[Evaluated<'_>], bus: &BusChallenges) -> (Felt, Felt) {
    batch.iter().fold((Felt::zero(), Felt::one()), |(numerator, denominator), fraction| {
        let (m, d) = fraction_at(*fraction, tables, bus);
        (numerator * d + m * denominator, denominator * d)
    })
}

/// Multiplicity and denominator of a fraction.
fn fraction_at(fraction: Fraction, tables: &[Evaluated<'_>], bus: &BusChallenges) -> (Felt, Felt) {
    let Evaluated { table, values } = &tables[fraction.table];
    let interaction = &table.air.interactions()[fraction.interaction];
    let entries = interaction.tuple.iter().map(|entry| &values[entry.index()]);
    (values[interaction.multiplicity.index()], bus.difference(interaction.bus, entries))
}

/// A periodic column at `zeta`, by the weights for its period.
fn evaluate_periodic(values: &[Felt], weights: &[Felt]) -> Felt {
    let used = values.iter().zip(weights).filter(|(value, _)| **value != Felt::zero());
    used.fold(Felt::zero(), |sum, (value, weight)| sum + *value * *weight)
}

/// What each value of a period counts at `zeta`: the polynomial through one period is taken at `zeta^(N/period)`, by the barycentric
/// formula. All columns of one period share the weights.
fn periodic_weights(period: usize, log_height: u32, zeta: &Felt) -> Vec<Felt> {
    let log_period = period.trailing_zeros();
    let x = zeta.pow(1u64 << (log_height - log_period));
    let root = domain::root_of_unity(log_period);
    let mut point = Felt::one();
    let mut points = Vec::with_capacity(period);
    for _ in 0..period {
        points.push(point);
        point *= root;
    }
    let mut inverses: Vec<_> = points.iter().map(|point| x - *point).collect();
    felt::vector::batch_inverse_portable(&mut inverses);
    let scale = (x.pow(period as u64) - Felt::one()) * invert(Felt::from(period as u64));
    points.iter().zip(&inverses).map(|(point, inverse)| *point * *inverse * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::evaluate;

    /// The barycentric formula agrees with the coefficients of the polynomial through one period.
    #[test]
    fn periodic_columns_out_of_the_domain() {
        let zeta = Felt::from(123_456_789u64).pow(9u64);
        for log_period in 0..=5u32 {
            let values: Vec<Felt> = (0..1u64 << log_period).map(|i| Felt::from(i * i + 7)).collect();
            let coefficients = felt::fft::coefficients_natural(&values, &Felt::one());
            for log_height in [6, 9] {
                let x = zeta.pow(1u64 << (log_height - log_period));
                let weights = periodic_weights(values.len(), log_height, &zeta);
                assert_eq!(evaluate_periodic(&values, &weights), evaluate(&coefficients, &x));
            }
        }
    }
}
