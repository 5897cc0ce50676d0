//! The tables of add_mod and mul_mod over instances that are written into memory by hand.

use crate::system::{System, table};
use crate::two;
use cairo_air::components::range_check::Limbs;
use cairo_air::components::word96::Table;
use cairo_air::components::{Limb, add_mod, memory, mul_mod};
use cairo_air::{ArgumentBinding, Builtin, Program, Segment, buses};
use cairo_execution::Execution;
use cairo_prover::planner::builtins::modular::words;
use cairo_prover::witness::builtins::{self, Source};
use cairo_prover::witness::multiplicities::Multiplicities;
use cairo_prover::{WitnessError, witness};
use felt::{Felt, encoding};
use num_bigint::BigUint;
use stark::{NoControl, PublicTuple};
use std::collections::BTreeMap;

/// Where the instances begin.
pub const BASE: usize = 9;

/// Where the first instance's offsets stand, and where the values begin: three of four words for each instance.
const OFFSETS: usize = 300;
const VALUES: usize = 360;

const CELLS: usize = 512;

/// `p`, `a`, `b` and `c`.
pub type Case = [BigUint; 4];

pub fn number(value: u64) -> BigUint {
    BigUint::from(value)
}

pub fn power(bits: u32) -> BigUint {
    number(1) << bits
}

pub fn felt(value: &BigUint) -> Felt {
    let mut limbs = value.to_u64_digits();
    limbs.resize(4, 0);
    encoding::from_canonical_limbs(limbs.try_into().unwrap()).unwrap()
}

/// Memory with instances, each a batch of its own or all of one batch.
#[derive(Clone)]
pub struct Instances {
    pub builtin: Builtin,
    pub memory: Vec<Felt>,
    pub count: usize,
}

impl Instances {
    pub fn new(builtin: Builtin, cases: &[Case], is_batch: bool) -> Self {
        let mut memory = vec![Felt::zero(); CELLS];
        for (i, [p, a, b, c]) in cases.iter().enumerate() {
            let (own, offsets) = (BASE + 7 * i, OFFSETS + 3 * i);
            write(&mut memory, own, p);
            memory[own + 4] = Felt::from(VALUES as u64);
            memory[own + 5] = Felt::from(offsets as u64);
            memory[own + 6] = Felt::from(if is_batch { cases.len() - i } else { 1 } as u64);
            for (k, value) in [a, b, c].into_iter().enumerate() {
                let place = VALUES + 12 * i + 4 * k;
                memory[offsets + k] = Felt::from((place - VALUES) as u64);
                write(&mut memory, place, value);
            }
        }
        Self { builtin, memory, count: cases.len() }
    }

    /// Where word `k` of value `i` (a, b, c) of an instance stands.
    pub fn place(instance: usize, value: usize, k: usize) -> usize {
        VALUES + 12 * instance + 4 * value + k
    }

    pub fn offset_place(instance: usize, value: usize) -> usize {
        OFFSETS + 3 * instance + value
    }

    fn segment(&self) -> Segment {
        Segment { base: BASE as u32, stop: (BASE + 7 * self.count) as u32 }
    }

    /// An execution that has nothing but this memory and segment.
    pub fn execution(&self) -> Execution {
        let words =
            [0x0407_8001_7fff_7fff_u64, 1, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0, 0x208b_7fff_7fff_7ffe];
        let program = Program::new(words.map(Felt::from).to_vec(), vec![self.builtin], ArgumentBinding::OutputPrefix);
        let Segment { base, stop } = self.segment();
        Execution {
            program: program.unwrap(),
            arguments: Vec::new(),
            trace: Vec::new(),
            memory: self.memory.clone(),
            segments: BTreeMap::from([(self.builtin, cairo_execution::Segment { base, stop })]),
            arguments_start: None,
            signatures: Vec::new(),
            relocation: None,
        }
    }

    /// What the native check of the instances says.
    pub fn check(&self) -> Result<(), String> {
        self.execution().check_builtin(self.builtin).map_err(|error| error.to_string())
    }

    /// The tables, with words in these limbs.
    pub fn system(&self, limbs: Limbs) -> Result<System, WitnessError> {
        let execution = self.execution();
        let multiplicities = Multiplicities::new(CELLS);
        let segment = self.segment();
        let source = Source { execution: &execution, segment, multiplicities: &multiplicities, control: &NoControl };
        let (air, rows, walk) = match self.builtin {
            Builtin::AddMod => (add_mod::air().unwrap(), builtins::add_mod::fill(&source, 6)?, buses::ADD_MOD),
            _ => (mul_mod::air().unwrap(), builtins::mul_mod::fill(&source, 6)?, buses::MUL_MOD),
        };
        let limb = limbs.limb();
        let words = words(&execution);
        let words = witness::word96::fill(Table(limbs), &words, 8, &multiplicities, &NoControl)?;
        let provider = match limb {
            Limb::Bits8 => witness::byte::fill(&multiplicities),
            Limb::Bits12 => witness::word12::fill(&multiplicities),
            Limb::Bits16 => witness::word16::fill(&multiplicities),
        };
        let end = |address: u32| {
            let mut tuple = vec![Felt::zero(); walk.arity];
            tuple[0] = Felt::from(u64::from(address));
            tuple
        };
        let cells = witness::memory::fill(&self.memory, 1, 6, &multiplicities, &NoControl)?;
        Ok(System {
            tables: vec![
                table(air, 6),
                table(memory::air(1).unwrap(), 6),
                table(Table(limbs).table().unwrap(), 8),
                table(limb.table().unwrap(), u32::from(limb.bits())),
            ],
            traces: vec![rows, cells, words, provider],
            public: vec![PublicTuple::provide(walk, end(segment.base)), PublicTuple::require(walk, end(segment.stop))],
        })
    }
}

/// Writes the four words of a number.
pub fn write(memory: &mut [Felt], address: usize, value: &BigUint) {
    for k in 0..4 {
        memory[address + k] = felt(&((value >> (96 * k)) % power(96)));
    }
}

/// The digits of a number to the base 2^48.
pub fn digits(value: &BigUint) -> [Felt; 8] {
    std::array::from_fn(|i| felt(&((value >> (48 * i)) % power(48))))
}

impl System {
    /// Writes a number's digits into a row of the builtin's table, but not into memory.
    pub fn set_digits(&mut self, row: usize, name: &str, value: &BigUint) {
        for (i, digit) in digits(value).into_iter().enumerate() {
            self.column(0, &format!("{name}[{i}]"))[row] = digit;
        }
    }

    /// Writes one of the values into the row of an instance and into memory, and provides its words.
    pub fn set_value(&mut self, instance: usize, value: usize, number: &BigUint) {
        self.set_digits(instance, ["a", "b", "c"][value], number);
        for k in 0..4 {
            self.set_memory(Instances::place(instance, value, k), felt(&((number >> (96 * k)) % power(96))));
        }
        self.provide_words(number);
    }

    /// Writes the modulus of an instance into its row and into memory, and provides its words.
    pub fn set_modulus(&mut self, instance: usize, number: &BigUint) {
        self.set_digits(instance, "p", number);
        for k in 0..4 {
            self.set_memory(BASE + 7 * instance + k, felt(&((number >> (96 * k)) % power(96))));
        }
        self.provide_words(number);
    }

    /// Adds the words of a number to those that are provided.
    pub fn provide_words(&mut self, number: &BigUint) {
        for pair in digits(number).chunks(2) {
            self.provide_pair(encoding::to_u64(&pair[0]).unwrap(), encoding::to_u64(&pair[1]).unwrap());
        }
    }

    /// Adds a word to those that are provided: in the last row that has none but 0, for which there is an earlier one.
    pub fn provide_pair(&mut self, low: u64, high: u64) {
        let limbs = self.traces[2].len() - 1;
        let bits = 96 / limbs;
        let is_zero = |row: &usize| self.traces[2][1..].iter().all(|column| column[*row] == Felt::zero());
        let row = (1..256).rev().find(is_zero).unwrap();
        let mut rest = u128::from(low) | u128::from(high) << 48;
        for limb in 0..limbs {
            self.traces[2][1 + limb][row] = Felt::from(rest as u64 & ((1 << bits) - 1));
            rest >>= bits;
        }
    }

    /// Moves 2^48 from the upper half of a word to the lower one in a row: the word is the same, but the halves are none.
    pub fn shift_halves(&mut self, row: usize, name: &str, word: usize) {
        self.column(0, &format!("{name}[{}]", 2 * word))[row] += two(48);
        self.column(0, &format!("{name}[{}]", 2 * word + 1))[row] += -Felt::one();
    }
}
