//! The modular builtins in whole proofs of false claims, in which everything that a forgery touches is made to fit: the words of new values are
//! provided, sums and products are solved anew in the field, and one constraint or lookup alone stands against each.

use super::*;
use common::only::{accepted, refused_only_by};
use num_bigint::BigUint;

const ADD: TableKind = TableKind::AddMod;
const MUL: TableKind = TableKind::MulMod;

/// Digits of a number, to the base 2^48.
const DIGITS: usize = 8;

/// One round of a circuit modulo 2^255 − 19: the products `x·y` and `7·y`, and their sum, which is the first of two. No step looks at the products.
fn circuit() -> Forger {
    let arguments = r#"{"x": "79228162514264337593543950335", "y": "39614081257132168796771987513", "n": 1}"#;
    Forger(generic_witness(execution("cairo0/mod_circuit", Some(arguments))))
}

/// Six instances modulo 10: one by itself, three of one batch, of which the program writes the first and the last counter, and two of another.
fn batches(kind: &TableKind) -> Forger {
    Forger(generic_witness(execution(&format!("cairo0/{kind}_batch"), None)))
}

fn power(bits: u32) -> BigUint {
    BigUint::from(1_u8) << bits
}

fn felt(value: &BigUint) -> Felt {
    let mut limbs = value.to_u64_digits();
    limbs.resize(4, 0);
    encoding::from_canonical_limbs(limbs.try_into().unwrap()).unwrap()
}

fn two(bits: u64) -> Felt {
    small(2).pow(bits)
}

/// The number that digits make, as a field element.
fn digits_sum(digits: &[Felt]) -> Felt {
    digits.iter().rev().fold(Felt::zero(), |sum, digit| sum * two(48) + *digit)
}

impl Forger {
    fn digits(&mut self, kind: &TableKind, row: usize, name: &str) -> [Felt; DIGITS] {
        std::array::from_fn(|i| self.column(kind, &format!("{name}[{i}]"))[row])
    }

    /// A number of an instance, if its digits are some.
    fn number(&mut self, kind: &TableKind, row: usize, name: &str) -> BigUint {
        let digits = self.digits(kind, row, name);
        digits.iter().rev().fold(BigUint::ZERO, |number, digit| (number << 48) + integer(digit))
    }

    /// Writes a number's digits into the row of an instance, and has its words provided.
    fn set_number(&mut self, kind: &TableKind, row: usize, name: &str, number: &BigUint) {
        assert!(number.bits() <= 384);
        for i in 0..DIGITS {
            let digit = (number >> (48 * i)) % power(48);
            self.column(kind, &format!("{name}[{i}]"))[row] = felt(&digit);
        }
        for i in 0..DIGITS / 2 {
            self.provide_word(&((number >> (96 * i)) % power(96)));
        }
    }

    /// Writes a value into memory and into every instance that has it.
    fn set_value(&mut self, place: u64, number: &BigUint) {
        for i in 0..4 {
            self.set_memory(place + i, felt(&((number >> (96 * i)) % power(96))));
        }
        for (kind, row, value, name) in self.uses_of(place) {
            assert!(value < 3);
            self.set_number(&kind, row, name, number);
        }
    }

    /// The instances in use that have the value at a place, and as which.
    fn uses_of(&mut self, place: u64) -> Vec<(TableKind, usize, usize, &'static str)> {
        let mut uses = Vec::new();
        for kind in [ADD, MUL] {
            let used = self.column(&kind, "enabler").iter().filter(|enabler| **enabler == small(1)).count();
            for row in 0..used {
                for (value, name) in ["a", "b", "c"].into_iter().enumerate() {
                    if self.value_place(&kind, row, value) == place {
                        uses.push((kind.clone(), row, value, name));
                    }
                }
            }
        }
        uses
    }

    fn words(&self) -> TableKind {
        let kinds = self.0.layout.tables.iter().map(|entry| entry.kind.clone());
        kinds.into_iter().find(|kind| matches!(kind, TableKind::Word96(_))).unwrap()
    }

    /// The interaction that looks up the highest limb of a word.
    fn top_limb(&self) -> String {
        let kind = self.words();
        format!("{kind}/limb[{}]", self.0.traces[self.position(&kind)].len() - 2)
    }

    /// A word more in the table of words: in a row of padding. Whatever is too much goes into the highest limb.
    fn provide_word(&mut self, word: &BigUint) {
        let position = self.position(&self.words());
        let trace = &mut self.0.traces[position];
        let (limbs, height) = (trace.len() - 1, trace[0].len());
        let is_spare = |row: &usize| trace[1..].iter().all(|column| column[*row] == Felt::zero());
        let row = (1..height).rev().find(is_spare).unwrap_or_else(|| {
            trace.iter_mut().for_each(|column| column.resize(2 * height, Felt::zero()));
            self.0.layout.tables[position].log_height += 1;
            height
        });
        let bits = 96 / limbs;
        for limb in 0..limbs {
            let rest = word >> (bits * limb);
            trace[1 + limb][row] = felt(&if limb + 1 < limbs { rest % power(bits as u32) } else { rest });
        }
    }

    /// Lets the modulus of a sum be subtracted or not, and its lower half carry, as its numbers demand. Where the lower half is no multiple of
    /// 2^192, it carries whatever 2^192 times which it is in the field.
    fn solve_sum(&mut self, row: usize) {
        let [p, a, b, c] = ["p", "a", "b", "c"].map(|name| self.digits(&ADD, row, name));
        let half = |digits: &[Felt; DIGITS], upper: bool| digits_sum(&digits[4 * usize::from(upper)..][..4]);
        let rest = |upper: bool| half(&a, upper) + half(&b, upper) - half(&c, upper);
        let whole = rest(false) + rest(true) * two(192);
        let reduces = if whole == Felt::zero() { Felt::zero() } else { small(1) };
        let carry = (rest(false) - reduces * half(&p, false)) * two(192).inv().unwrap();
        self.column(&ADD, "reduces")[row] = reduces;
        self.column(&ADD, "carry")[row] = carry;
    }

    /// Lets each chunk of a product carry what its numbers demand, as [`solve_sum`](Self::solve_sum) does. A carry within its range has halves that
    /// are provided.
    fn solve_product(&mut self, row: usize) {
        let [p, a, b, c, q] = ["p", "a", "b", "c", "q"].map(|name| self.digits(&MUL, row, name));
        let mut carry = Felt::zero();
        for chunk in 0..3 {
            let mut sum = carry;
            for (i, j) in (0..DIGITS).flat_map(|i| (0..DIGITS).map(move |j| (i, j))) {
                if (i + j) / 4 == chunk {
                    sum += (a[i] * b[j] - q[i] * p[j]) * two(48 * ((i + j) % 4) as u64);
                }
            }
            if let Some(digits) = c.get(4 * chunk..4 * chunk + 4) {
                sum = sum - digits_sum(digits);
            }
            carry = sum * two(192).inv().unwrap();
            let shifted = carry + two(52);
            let halves = match encoding::to_u64(&shifted).filter(|shifted| *shifted < 1 << 53) {
                Some(shifted) => {
                    let (low, high) = (shifted & 31, shifted >> 5);
                    self.provide_word(&(BigUint::from(low) + (BigUint::from(high) << 48)));
                    [small(low), small(high)]
                }
                None => [Felt::zero(), shifted * small(32).inv().unwrap()],
            };
            for (half, value) in halves.into_iter().enumerate() {
                self.column(&MUL, &format!("carry[{}]", 2 * chunk + half))[row] = value;
            }
        }
    }

    /// The products of the circuit: where they stand, and what they are.
    fn products(&mut self) -> [(u64, BigUint); 2] {
        [0, 1].map(|row| (self.value_place(&MUL, row, 2), self.number(&MUL, row, "c")))
    }

    /// Writes the products of the circuit, and solves everything that has one.
    fn set_products(&mut self, values: [&BigUint; 2]) {
        for ((place, _), value) in self.products().into_iter().zip(values) {
            self.set_value(place, value);
        }
        self.solve_product(0);
        self.solve_product(1);
        self.solve_sum(0);
    }
}

/// What the forger does is no reason to refuse: the same values written and solved anew, further words, instances in another order.
#[test]
fn the_truth_is_accepted() {
    let mut forger = circuit();
    let [(_, x), (_, y)] = forger.products();
    forger.set_products([&x, &y]);
    forger.solve_sum(1);
    for word in [power(96) - 1_u8, power(95), BigUint::from(77_u8)] {
        forger.provide_word(&word);
    }
    accepted(forger.0);
    for kind in [ADD, MUL] {
        let mut forger = batches(&kind);
        let position = forger.position(&kind);
        for column in &mut forger.0.traces[position] {
            column[..6].reverse();
            column.swap(0, 40);
        }
        accepted(forger.0);
    }
}

/// One product is one more and the other one less, so that their sum is the right one.
#[test]
fn two_false_products_make_a_true_sum() {
    let mut forger = circuit();
    let [(_, x), (_, y)] = forger.products();
    // The carries as they were: solved anew, they would hide it.
    let honest = circuit();
    forger.set_products([&(&x + 1_u8), &(&y - 1_u8)]);
    let position = forger.position(&MUL);
    for (column, name) in honest.0.tables[position].air.columns().to_vec().iter().enumerate() {
        if name.starts_with("carry") {
            forger.0.traces[position][column] = honest.0.traces[position][column].clone();
        }
    }
    refused_only_by(forger.0, &["mul_mod/chunk[0]"]);
    // The order of the field is 1 + (2^59 + 17)·2^192: carried in full, it is nothing.
    let order = power(251) + power(192) * 17_u8 + 1_u8;
    let mut forger = circuit();
    forger.set_products([&(&x + &order), &y]);
    refused_only_by(forger.0, &["add_mod/carry_of_one", "mul_mod/word_carry[0]"]);
}

/// Quotients that are no integers: some element of the field makes up for whatever is wrong with a product.
#[test]
fn quotients_that_are_none() {
    let mut forger = circuit();
    let [(_, x), (_, y)] = forger.products();
    let modulus = felt(&((power(255) - 19_u8) % (power(251) + power(192) * 17_u8 + 1_u8)));
    for (row, off) in [(0, small(1)), (1, -small(1))] {
        forger.column(&MUL, "q[0]")[row] += -off * modulus.inv().unwrap();
    }
    forger.set_products([&(&x + 1_u8), &(&y - 1_u8)]);
    refused_only_by(forger.0, &["mul_mod/word_carry[0]", "mul_mod/word_q[0]"]);
    // A quotient of −1: the product is the modulus more, which the sum subtracts.
    let mut forger = circuit();
    forger.column(&MUL, "q[0]")[0] = -small(1);
    forger.set_products([&(&x + power(255) - 19_u8), &y]);
    assert_eq!(forger.column(&ADD, "reduces")[0], small(1));
    refused_only_by(forger.0, &["mul_mod/word_q[0]"]);
}

/// A word of 97 bits, and 1 less in the next one: the number is the same.
#[test]
fn words_that_overlap() {
    let mut forger = circuit();
    let [(place, _), _] = forger.products();
    let [low, next] = [0, 1].map(|word| forger.memory(place + word));
    forger.set_memory(place, low + two(96));
    forger.set_memory(place + 1, next - small(1));
    for (kind, row, _, name) in forger.uses_of(place) {
        forger.column(&kind, &format!("{name}[1]"))[row] += two(48);
        forger.column(&kind, &format!("{name}[2]"))[row] += -small(1);
    }
    let number =
        |value: &Felt| encoding::canonical_limbs(value).iter().rev().fold(BigUint::ZERO, |n, limb| (n << 64) + limb);
    forger.provide_word(&number(&(low + two(96))));
    forger.provide_word(&number(&(next - small(1))));
    let top = forger.top_limb();
    refused_only_by(forger.0, &[&top]);
}

impl Forger {
    /// Address of an instance.
    fn instance(&mut self, kind: &TableKind, row: usize) -> u64 {
        integer(&self.column(kind, "address")[row])
    }

    /// Tells the third instance that the second one has no more of its batch.
    fn cut(&mut self, kind: &TableKind) {
        self.column(kind, "goes_on")[1] = Felt::zero();
        self.column(kind, "joins")[2] = Felt::zero();
    }

    /// The rest of the batch modulo 5, which is a truth of its own: so much that the batch is right modulo 10 is shown no more.
    fn another_modulus(&mut self) {
        for (row, quotient) in [(2, 8_u8), (3, 2)] {
            let address = self.instance(&MUL, row);
            self.set_memory(address, small(5));
            self.set_number(&MUL, row, "p", &BigUint::from(5_u8));
            self.set_number(&MUL, row, "q", &BigUint::from(quotient));
            self.solve_product(row);
        }
    }

    /// The rest of the batch begins with its first operation again, so that its last one is left out.
    fn starting_over(&mut self, kind: &TableKind) {
        let own = ["address", "joins", "goes_on", "n", "enabler"];
        let position = self.position(kind);
        let names = self.0.tables[position].air.columns().to_vec();
        let of_batch: Vec<usize> = (0..names.len()).filter(|column| !own.contains(&&*names[*column])).collect();
        for row in [3, 2] {
            for column in &of_batch {
                self.0.traces[position][*column][row] = self.0.traces[position][*column][row - 1];
            }
            let pointer = self.column(kind, "offsets_ptr")[row];
            let address = self.instance(kind, row);
            self.set_memory(address + 5, pointer);
        }
    }
}

/// What nobody reads of a batch is of another one: where it is cut, where it is not.
#[test]
fn batches_that_change_in_the_middle() {
    let mut forger = batches(&MUL);
    forger.another_modulus();
    refused_only_by(forger.0.clone(), &["mul_mod/after", "mul_mod/before"]);
    forger.cut(&MUL);
    refused_only_by(forger.0, &["mul_mod/last_of_batch"]);
    for kind in [ADD, MUL] {
        let mut forger = batches(&kind);
        forger.starting_over(&kind);
        refused_only_by(forger.0.clone(), &[&format!("{kind}/after"), &format!("{kind}/before")]);
        forger.cut(&kind);
        refused_only_by(forger.0, &[&format!("{kind}/last_of_batch")]);
    }
}

/// The last instance says that its batch goes on, by 1 or by any other number; and so does the first, which is one by itself.
#[test]
fn batches_that_never_end() {
    for kind in [ADD, MUL] {
        for goes_on in [small(1), -small(1), small(7)] {
            let mut forger = batches(&kind);
            forger.column(&kind, "goes_on")[5] = goes_on;
            refused_only_by(forger.0, &[&format!("{kind}/after"), "public"]);
            // The next one would have to count 0.
            let mut forger = batches(&kind);
            forger.column(&kind, "goes_on")[0] = goes_on;
            forger.column(&kind, "joins")[1] = goes_on;
            refused_only_by(forger.0, &[&format!("{kind}/after"), &format!("{kind}/before")]);
        }
    }
}
