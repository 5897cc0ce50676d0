//! Instances of the modular builtins that do not hold, that are left out, or whose cells are told in two ways.

use super::*;

/// One round of a circuit: two sums and two products, all but the first instance of each written by a hint.
fn circuit() -> &'static Witness {
    static WITNESS: OnceLock<Witness> = OnceLock::new();
    WITNESS.get_or_init(|| {
        let arguments = r#"{"x": "79228162514264337593543950335", "y": "39614081257132168796771987513", "n": 1}"#;
        generic_witness(execution("cairo0/mod_circuit", Some(arguments)))
    })
}

const TABLES: [TableKind; 2] = [TableKind::AddMod, TableKind::MulMod];

/// The values of an instance, by their names.
const VALUES: [&str; 3] = ["a", "b", "c"];

impl Forger {
    /// Where a value of an instance stands.
    pub fn value_place(&mut self, kind: &TableKind, row: usize, value: usize) -> u64 {
        let pointer = self.column(kind, "values_ptr")[row];
        integer(&(pointer + self.column(kind, &format!("offset[{value}]"))[row]))
    }

    /// Adds to the first word of a value, in memory and in every instance that has it.
    fn add_to_value(&mut self, place: u64, sum: Felt) {
        let word = self.memory(place) + sum;
        self.set_memory(place, word);
        for kind in &TABLES {
            for (row, value) in (0..2).flat_map(|row| (0..3).map(move |value| (row, value))) {
                if self.value_place(kind, row, value) == place {
                    self.column(kind, &format!("{}[0]", VALUES[value]))[row] += sum;
                }
            }
        }
    }
}

/// What nobody changes is proven.
#[test]
fn a_circuit_holds() {
    assert!(Forger::new(circuit()).try_it().is_ok());
}

/// Another product, which the sum that it goes into has too, and another modulus or summand in memory alone.
#[test]
fn results_that_are_none() {
    for (kind, row, value) in [(TableKind::MulMod, 0, 2), (TableKind::MulMod, 1, 2), (TableKind::AddMod, 0, 0)] {
        for sum in [small(1), -small(1), small(1 << 20)] {
            let mut forger = Forger::new(circuit());
            let place = forger.value_place(&kind, row, value);
            forger.add_to_value(place, sum);
            forger.refused();
            // In memory only, or in the rows only.
            let mut forger = Forger::new(circuit());
            let word = forger.memory(place) + sum;
            forger.set_memory(place, word);
            forger.refused();
            let mut forger = Forger::new(circuit());
            forger.column(&kind, &format!("{}[0]", VALUES[value]))[row] += sum;
            forger.refused();
        }
    }
}

/// Words whose halves are none, and a quotient that is too large.
#[test]
fn halves_that_are_none() {
    for kind in &TABLES {
        for column in ["p", "a", "b", "c"] {
            let mut forger = Forger::new(circuit());
            forger.column(kind, &format!("{column}[0]"))[0] += small(1 << 48);
            forger.column(kind, &format!("{column}[1]"))[0] += -small(1);
            forger.refused();
        }
    }
    for (half, sum) in [("q[7]", 1 << 48), ("carry[1]", 1 << 48), ("carry[4]", 1 << 48)] {
        let mut forger = Forger::new(circuit());
        forger.column(&TableKind::MulMod, half)[0] += small(sum);
        forger.refused();
    }
}

/// An instance without a row; one with two; a batch that ends one instance earlier, or goes on behind the last one.
#[test]
fn instances_that_are_left_out() {
    for kind in &TABLES {
        for (row, enabler) in [(0, 0), (1, 0), (2, 1), (63, 1)] {
            let mut forger = Forger::new(circuit());
            forger.column(kind, "enabler")[row] = small(enabler);
            forger.refused();
        }
        for (row, column, value) in [(0, "goes_on", 0), (1, "goes_on", 1), (0, "joins", 1), (1, "joins", 0)] {
            let mut forger = Forger::new(circuit());
            forger.column(kind, column)[row] = small(value);
            forger.refused();
        }
        let mut forger = Forger::new(circuit());
        forger.column(kind, "goes_on")[0] = small(0);
        forger.column(kind, "joins")[1] = small(0);
        forger.refused();
    }
}

/// Rows that look elsewhere: for the offsets, the values, or the instance.
#[test]
fn pointers_that_are_others() {
    for kind in &TABLES {
        for column in ["values_ptr", "offsets_ptr", "n", "address", "offset[0]", "offset[2]"] {
            for sum in [small(1), small(4), -small(4)] {
                let mut forger = Forger::new(circuit());
                forger.column(kind, column)[0] += sum;
                forger.refused();
            }
        }
    }
}
