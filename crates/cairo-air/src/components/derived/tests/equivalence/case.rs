//! The cases: flag words, cells of operands, and what comes before the instruction.

use crate::components::derived::machine::offset_constant;
use crate::components::derived::tests::reference::State;
use crate::components::derived::tests::{FIRST, WORDS, program, valid_flags};
use crate::decode::{Decoded, Flags, signed};
use crate::program::Program;
use felt::Felt;

/// The frame at the start, and `ap − fp` there.
pub const FP: u64 = 120;

pub const FRAME: i32 = 2;

/// A word of the program that is 0, and one that is 5.
pub const ZERO_WORD: u64 = 70;

pub const FIVE_WORD: u64 = 71;

/// Where multiplications before the instruction leave their products, from `fp`.
pub const PRODUCT: i32 = 20;

/// What comes before the instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Nothing,
    /// For dst, op0 and op1, the constant that an assertion gives its cell.
    Constants([Option<Constant>; 3]),
    /// A product of two of op0 (0), op1 (1) and another cell (2).
    Product(usize, usize),
}

/// A constant that an operand becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    Zero,
    /// A small number, or where another operand's address depends on it, the address of a word or of another cell.
    Small,
    Word(u64),
}

/// An operand's cell: whether it is relative to `fp`, and its offset.
pub type Place = (bool, i32);

#[derive(Debug, Clone)]
pub struct Case {
    pub flags: Flags,
    pub offsets: [i32; 3],
    pub immediate: Felt,
    pub frame: Option<i32>,
    pub before: Before,
    /// The cells of dst, op0 and op1, so far as registers give them.
    pub places: [Option<Place>; 3],
}

/// Cells relative to `fp` of dst, op0, op1: all distinct, two the same, all the same.
pub const CELLS: [[i32; 3]; 5] = [[-3, -4, -5], [-3, -4, -4], [-3, -3, -5], [-3, -4, -3], [-3, -3, -3]];

pub fn befores(flags: Flags, places: &[Option<Place>; 3]) -> Vec<Before> {
    let mut befores = vec![Before::Nothing];
    let small = if flags.op1_op0() { Constant::Word(FIVE_WORD) } else { Constant::Small };
    let zero = if flags.op1_op0() { Constant::Word(ZERO_WORD) } else { Constant::Zero };
    let choices = [[Constant::Zero, Constant::Small], [zero, small], [Constant::Zero, Constant::Small]];
    for number in 1..27_usize {
        let digits = [number % 3, number / 3 % 3, number / 9];
        let constants = std::array::from_fn(|i| digits[i].checked_sub(1).map(|digit| choices[i][digit]));
        let exist = (0..3).all(|i| constants[i].is_none() || places[i].is_some());
        // One cell has one value.
        let agree =
            (0..3).all(|i| (0..i).all(|j| places[i] != places[j] || constants[i].is_none() || constants[j].is_none()));
        if exist && agree {
            befores.push(Before::Constants(constants));
        }
    }
    befores.extend([(0, 1), (0, 2), (2, 0), (1, 2), (2, 1)].map(|(left, right)| Before::Product(left, right)));
    befores
}

/// The same with operands at `[ap]`, which owning words take.
pub const CELLS_AT_AP: [[i32; 3]; 7] = [
    [FRAME, -4, -5],
    [-3, FRAME, -5],
    [-3, -4, FRAME],
    [FRAME, FRAME, -5],
    [FRAME, -4, FRAME],
    [-3, FRAME, FRAME],
    [FRAME, FRAME, FRAME],
];

impl Case {
    /// All of them, flag word by flag word; then those that only words need.
    pub fn all() -> impl Iterator<Item = Self> {
        let all = valid_flags().into_iter().flat_map(|flags| {
            let frames = [Some(FRAME), None].into_iter();
            frames.flat_map(move |frame| CELLS.into_iter().flat_map(move |cells| Self::with_cells(flags, frame, cells)))
        });
        all.chain(Self::at_ap())
    }

    /// Flag words that move `ap` up by a constant, with operands at `[ap]`, and nothing before.
    pub fn at_ap() -> impl Iterator<Item = Self> {
        let moving = valid_flags()
            .into_iter()
            .filter(|flags| flags.call() || flags.ap_add1() || flags.ap_add_res() && flags.op1_imm());
        let cases = |flags| CELLS_AT_AP.into_iter().flat_map(move |cells| Self::with_cells(flags, None, cells));
        moving.flat_map(cases).filter(|case| case.before == Before::Nothing)
    }

    /// Whether it is of [`Case::at_ap`], or might be.
    pub fn is_at_ap(&self) -> bool {
        let ap = (false, 0);
        self.frame.is_none() && self.before == Before::Nothing && self.places.iter().flatten().any(|place| *place == ap)
    }

    pub fn with_cells(flags: Flags, frame: Option<i32>, cells: [i32; 3]) -> Vec<Self> {
        let op1_fp = flags.op1_fp();
        let bases = [flags.dst_fp(), flags.op0_fp(), op1_fp];
        let mut offsets: [i32; 3] = std::array::from_fn(|i| if bases[i] { cells[i] } else { cells[i] - FRAME });
        if flags.op1_op0() {
            offsets[2] = 0;
        }
        for (index, offset) in (0..).zip(&mut offsets) {
            *offset = offset_constant(flags, index).unwrap_or(*offset);
        }
        let used = flags.used_operands();
        let by_register = [true, true, flags.op1_fp() || flags.op1_ap()];
        let places = std::array::from_fn(|i| (used[i] && by_register[i]).then_some((bases[i], offsets[i])));
        let immediates: &[Felt] = match flags.op1_imm() {
            true => &[Felt::zero(), Felt::from(6_u64)],
            false => &[Felt::zero()],
        };
        let mut cases = Vec::new();
        for immediate in immediates {
            for before in befores(flags, &places) {
                cases.push(Self { flags, offsets, immediate: *immediate, frame, before, places });
            }
        }
        cases
    }

    /// The program: what comes before, then the instruction, then words that are data.
    pub fn program(&self) -> (Program, u32) {
        let mut words = vec![Felt::zero(); WORDS];
        let mut next = FIRST as usize - 1;
        let mut steps = 1;
        let mut push = |word: Felt| {
            words[next] = word;
            next += 1;
        };
        let encode = |flags: u16, offsets| Felt::from(Decoded { flags: Flags(flags), offsets }.encode());
        let other = (true, -8);
        match self.before {
            Before::Nothing => {}
            Before::Constants(constants) => {
                for (place, constant) in self.places.iter().zip(constants) {
                    let (Some((is_fp, offset)), Some(constant)) = (place, constant) else { continue };
                    // [base + offset] = immediate, and op0 = [fp − 1] which nothing uses.
                    push(encode(1 << 14 | 1 << 2 | 1 << 1 | u16::from(*is_fp), [*offset, -1, 1]));
                    push(match constant {
                        Constant::Zero => Felt::zero(),
                        Constant::Small => Felt::from(4_u64),
                        Constant::Word(address) => Felt::from(address) - signed(i64::from(self.offsets[2])),
                    });
                    steps += 1;
                }
            }
            Before::Product(left, right) => {
                let place = |which: usize| [self.places[1], self.places[2], None][which].unwrap_or(other);
                let (left, right) = (place(left), place(right));
                // [fp + PRODUCT] = left · right
                let op1 = if right.0 { 1 << 3 } else { 1 << 4 };
                let flags = 1 << 14 | 1 << 6 | op1 | u16::from(left.0) << 1 | 1;
                push(encode(flags, [PRODUCT, left.1, right.1]));
                steps += 1;
            }
        }
        push(Felt::from(Decoded { flags: self.flags, offsets: self.offsets }.encode()));
        if self.flags.op1_imm() {
            push(self.immediate);
        }
        words[FIVE_WORD as usize - 1] = Felt::from(5_u64);
        (program(&words), steps)
    }

    pub fn start(&self) -> State {
        State { pc: Felt::from(FIRST), ap: Felt::from(FP) + signed(i64::from(FRAME)), fp: Felt::from(FP) }
    }
}
