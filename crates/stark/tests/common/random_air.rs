//! Random small systems of tables, as a function of bytes.

use super::System;
use felt::Felt;
use stark::{AirBuilder, Bus, Expr, Parameters, PublicTuple, Rows, Table};
use std::sync::Arc;

const BUSES: [Bus; 3] =
    [Bus { id: 1, name: "none", arity: 0 }, Bus { id: 2, name: "one", arity: 1 }, Bus { id: 3, name: "two", arity: 2 }];

/// Bytes enough for one system, from a hash of the number.
pub fn bytes(number: u32) -> [u8; 600] {
    let digit = |i: u32| stark::hash::hash_row([Felt::from(u64::from(number) << 32 | u64::from(i))].iter())[0];
    let mut bytes = [0; 600];
    bytes.iter_mut().zip(0..).for_each(|(byte, i)| *byte = digit(i));
    bytes
}

/// Choices made by bytes; zeros once there are no more.
pub struct Choices<'a>(pub &'a [u8]);

impl Choices<'_> {
    /// A number below `bound`, which is at most 256.
    fn below(&mut self, bound: usize) -> usize {
        let (byte, rest) = self.0.split_first().map_or((0, self.0), |(byte, rest)| (*byte, rest));
        self.0 = rest;
        usize::from(byte) % bound
    }

    fn choose<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    /// Small numbers of either sign, so that sums vanish now and then.
    fn element(&mut self) -> Felt {
        let value = Felt::from(self.below(4) as u64);
        if self.below(4) == 1 { -value } else { value }
    }

    fn elements(&mut self, count: usize) -> Vec<Felt> {
        (0..count).map(|_| self.element()).collect()
    }

    /// Sums and products of the given parts.
    fn expression(&mut self, parts: &[Expr], depth: u32) -> Expr {
        if parts.is_empty() || self.below(8) == 7 {
            return Expr::from(self.element());
        }
        if depth == 0 || self.below(3) == 0 {
            return self.choose(parts);
        }
        let (a, b) = (self.expression(parts, depth - 1), self.expression(parts, depth - 1));
        match self.below(4) {
            0 => a + b,
            1 => a - b,
            2 => a * b,
            _ => -a,
        }
    }

    /// A table with its trace: repeating columns, now and then with a cell changed, and a column computed from them. `None`
    /// if a degree is too high.
    fn table(&mut self) -> Option<(Table, Vec<Vec<Felt>>)> {
        let mut b = AirBuilder::new("random");
        let log_height = 6 + self.below(3) as u32;
        let height = 1usize << log_height;
        let (mut columns, mut trace) = (Vec::new(), Vec::new());
        for _ in 0..self.below(5) {
            columns.push(b.column("column"));
            let period = 1 << self.below(3);
            let values = self.elements(period);
            let mut column: Vec<_> = values.iter().cycle().take(height).copied().collect();
            if self.below(8) == 7 {
                let row = self.choose(&[0, 1, height / 2, height - 2, height - 1]);
                column[row] = self.element();
            }
            trace.push(column);
        }
        let mut parts = columns.clone();
        for _ in 0..self.below(3) {
            let period = 1 << self.below(3);
            let values = self.elements(period);
            parts.push(b.periodic(values));
        }
        for _ in 0..self.below(4) {
            let rows = self.choose(&[Rows::All, Rows::Transition, Rows::First, Rows::Last]);
            if self.below(4) == 0 {
                let with_next: Vec<_> =
                    parts.iter().cloned().chain(columns.iter().map(|column| b.next(column))).collect();
                let expression = self.expression(&with_next, 3);
                b.constrain("random", rows, expression);
            } else if !columns.is_empty() {
                // A constraint that the values of a column may well satisfy.
                let column = self.below(columns.len());
                let x = if self.below(2) == 0 { b.next(&columns[column]) } else { columns[column].clone() };
                let roots = [trace[column][0], trace[column][1]];
                b.constrain("one of two", rows, (&x - roots[0]) * (&x - roots[1]));
            }
        }
        for _ in 0..self.below(4) {
            let bus = self.choose(&BUSES);
            let multiplicity = self.expression(&parts, 2);
            let tuple: Vec<_> = (0..bus.arity).map(|_| self.expression(&parts, 1)).collect();
            b.provide("random", bus, &multiplicity, tuple.clone());
            if self.below(8) != 7 {
                b.require("random", bus, multiplicity, tuple);
            }
        }
        Some((Table { air: Arc::new(b.build().ok()?), log_height }, trace))
    }

    /// A system of up to three tables with parameters, or `None` if a degree is too high.
    pub fn system(&mut self) -> Option<(System, Parameters)> {
        let mut system = System { tables: vec![], traces: vec![], public: vec![] };
        for _ in 0..1 + self.below(3) {
            let (table, trace) = self.table()?;
            system.tables.push(table);
            system.traces.push(trace);
        }
        if self.below(8) == 7 {
            let bus = self.choose(&BUSES);
            let tuple = self.elements(bus.arity);
            system.public.push(PublicTuple { bus, multiplicity: self.element(), tuple });
        }
        let (log_blowup, log_fold) = (1 + self.below(2) as u32, 1 + self.below(3) as u32);
        Some((system, Parameters { log_blowup, log_fold, queries: 2, grinding_bits: 0 }))
    }
}
