//! Path tables, word tables, the generic table and the reference machine say the same of every instruction: over memories that are
//! altered in several cells at once, and for rows that are altered in several columns at once.
//!
//! A *case* is one flag word with operands that are distinct cells or the same one, `ap` tied to `fp` or not, after instructions that make
//! operands constants or multiply them. Of each case there are tables for every outcome (open included). Two things are compared:
//!
//! * *Memories.* A row is filled from the memory. The table takes it if and only if the machine makes the steps, with the same end.
//! * *Rows.* Any row says by its bus terms where it starts, which cells it read, and where it ends. If the table takes it, the machine gets
//!   from that start to that end over every memory that has these cells. If the table refuses it though the machine does get there, then it
//!   only differs from the row that is filled from these cells, which the table takes.

use super::reference::{Memory, Random, State};
use super::{FIRST, WORDS, instruction, program, row, valid_flags};
use crate::buses;
use crate::components::derived::machine::offset_constant;
use crate::components::derived::{Derived, DerivedError, MAX_COLUMNS, Path, Source, Word};
use crate::components::generic::{self, Columns};
use crate::components::instruction::flag_bits;
use crate::decode::{Decoded, Flags, signed};
use crate::program::Program;
use felt::{Felt, encoding};
use stark::Air;
use stark::graph::Input;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The frame at the start, and `ap − fp` there.
const FP: u64 = 120;
const FRAME: i32 = 2;

/// A word of the program that is 0, and one that is 5.
const ZERO_WORD: u64 = 70;
const FIVE_WORD: u64 = 71;

/// Where multiplications before the instruction leave their products, from `fp`.
const PRODUCT: i32 = 20;

/// Clock at the start.
const CLOCK: u64 = 17;

/// What comes before the instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// For dst, op0 and op1, the constant that an assertion gives its cell.
    Constants([Option<Constant>; 3]),
    /// A product of two of op0 (0), op1 (1) and another cell (2).
    Product(usize, usize),
}

/// A constant that an operand becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Constant {
    Zero,
    /// A small number, or where another operand's address depends on it, the address of a word or of another cell.
    Small,
    Word(u64),
}

/// An operand's cell: whether it is relative to `fp`, and its offset.
type Place = (bool, i32);

#[derive(Debug, Clone)]
struct Case {
    flags: Flags,
    offsets: [i32; 3],
    immediate: Felt,
    frame: Option<i32>,
    before: Before,
    /// The cells of dst, op0 and op1, so far as registers give them.
    places: [Option<Place>; 3],
}

/// Cells relative to `fp` of dst, op0, op1: all distinct, two the same, all the same.
const CELLS: [[i32; 3]; 5] = [[-3, -4, -5], [-3, -4, -4], [-3, -3, -5], [-3, -4, -3], [-3, -3, -3]];

fn befores(flags: Flags, places: &[Option<Place>; 3]) -> Vec<Before> {
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

impl Case {
    /// All of them, flag word by flag word.
    fn all() -> impl Iterator<Item = Self> {
        valid_flags().into_iter().flat_map(|flags| {
            let frames = [Some(FRAME), None].into_iter();
            frames.flat_map(move |frame| CELLS.into_iter().flat_map(move |cells| Self::with_cells(flags, frame, cells)))
        })
    }

    fn with_cells(flags: Flags, frame: Option<i32>, cells: [i32; 3]) -> Vec<Self> {
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
    fn program(&self) -> (Program, u32) {
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

    fn start(&self) -> State {
        State { pc: Felt::from(FIRST), ap: Felt::from(FP) + signed(i64::from(FRAME)), fp: Felt::from(FP) }
    }
}

/// What a row says on the buses, if its constraints hold.
struct Terms {
    start: State,
    clock: Felt,
    end: State,
    end_clock: Felt,
    instruction: Option<Vec<Felt>>,
    cells: HashMap<[u64; 4], Felt>,
}

/// The bus terms of a row that a table takes. None if a constraint fails, a multiplicity is not what it must be, or two lookups
/// contradict each other or a word of the program.
fn terms(air: &Air, row: &[Felt], program: &Memory, with_constraints: bool) -> Option<Terms> {
    let values = air.graph().evaluate(|input| match input {
        Input::Main(column) => row[column as usize],
        _ => Felt::zero(),
    });
    if with_constraints && air.constraints().iter().any(|c| values[c.expression.index()] != Felt::zero()) {
        return None;
    }
    let mut states = [None, None];
    let (mut found, mut cells) = (None, HashMap::new());
    for interaction in air.interactions() {
        let multiplicity = values[interaction.multiplicity.index()];
        let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| values[entry.index()]).collect();
        if interaction.bus == buses::STATE {
            let side = usize::from(multiplicity == Felt::one());
            if side == 0 && multiplicity != -Felt::one() {
                return None;
            }
            states[side] = Some((State { pc: tuple[0], ap: tuple[1], fp: tuple[2] }, tuple[3]));
        } else if interaction.bus == buses::INSTRUCTION {
            found = Some(tuple);
        } else if multiplicity != Felt::zero() {
            assert_eq!(interaction.bus, buses::MEMORY);
            let key = encoding::canonical_limbs(&tuple[0]);
            if *cells.entry(key).or_insert(tuple[1]) != tuple[1] {
                return None;
            }
            let is_word = encoding::to_u64(&tuple[0]).is_some_and(|address| (1..=WORDS as u64).contains(&address));
            if is_word && program.cells.get(&key) != Some(&tuple[1]) {
                return None;
            }
        }
    }
    let [Some((start, clock)), Some((end, end_clock))] = states else { return None };
    Some(Terms { start, clock, end, end_clock, instruction: found, cells })
}

/// A table of a case.
struct Subject {
    name: String,
    air: Air,
    /// None for the generic table.
    derived: Option<Derived>,
    steps: u32,
    /// Whether it is for the case's own instructions, whatever memory says.
    fixed_pc: bool,
    taken: Option<bool>,
    target: Option<u32>,
    flags: Option<u16>,
    frame: Option<i32>,
}

static GENERIC: LazyLock<Air> = LazyLock::new(|| generic::air().expect("it is fixed"));

impl Subject {
    fn generic() -> Self {
        let (name, air) = ("generic".to_owned(), GENERIC.clone());
        let (taken, target, flags, frame) = (None, None, None, None);
        Self { name, air, derived: None, steps: 1, fixed_pc: false, taken, target, flags, frame }
    }

    fn word(flags: Flags, taken: Option<bool>) -> Self {
        let derived = Word { flags: flags.0, taken }.derive().expect("the flags are valid");
        Self {
            name: format!("word {taken:?}"),
            air: derived.air.clone(),
            derived: Some(derived),
            flags: Some(flags.0),
            taken,
            ..Self::generic()
        }
    }

    /// The path through a case's program; none if no execution follows it, which is for the reference to confirm.
    fn path(
        case: &Case,
        program: &Program,
        steps: u32,
        taken: Option<bool>,
        target: Option<u32>,
    ) -> Result<Self, DerivedError> {
        let path = Path {
            pc: FIRST as u32,
            frame: case.frame,
            steps,
            taken: taken.into_iter().collect(),
            targets: target.into_iter().collect(),
            returns: Vec::new(),
            owned: Vec::new(),
        };
        let derived = path.derive(program)?;
        Ok(Self {
            name: format!("path {taken:?} {target:?}"),
            air: derived.air.clone(),
            derived: Some(derived),
            steps,
            fixed_pc: true,
            taken,
            target,
            flags: None,
            frame: case.frame,
        })
    }

    /// What the machine makes of this start and memory, if it is what the table is for.
    fn expected(&self, start: &State, memory: &mut Memory) -> Option<State> {
        if self.fixed_pc && start.pc != Felt::from(FIRST)
            || self.frame.is_some_and(|frame| start.ap - start.fp != signed(i64::from(frame)))
        {
            return None;
        }
        let mut state = *start;
        for index in 1..=self.steps {
            let decoded = Decoded::new(&memory.get(&state.pc)).ok()?;
            if self.flags.is_some_and(|flags| flags != decoded.flags.0) {
                return None;
            }
            let step = memory.step(&state, false)?;
            if index == self.steps && self.taken.is_some_and(|taken| step.taken != Some(taken)) {
                return None;
            }
            state = step.next;
        }
        self.target.is_none_or(|target| state.pc == Felt::from(u64::from(target))).then_some(state)
    }

    fn fill(&self, start: &State, clock: &Felt, memory: &mut Memory) -> Vec<Felt> {
        let clock = encoding::to_u64(clock).unwrap_or(CLOCK);
        match &self.derived {
            Some(derived) => row(derived, start, clock, memory),
            None => generic_row(start, clock, memory),
        }
    }

    /// The state in which a row ends that the table takes, over this memory and from this start.
    fn end(&self, row: &[Felt], start: &State, memory: &mut Memory, words: &Memory) -> Option<State> {
        let terms = terms(&self.air, row, words, true)?;
        let right = terms.start == *start
            && terms.end_clock - terms.clock == Felt::from(u64::from(self.steps))
            && terms.cells.iter().all(|(key, value)| {
                encoding::from_canonical_limbs(*key).is_some_and(|address| memory.get(&address) == *value)
            })
            && terms.instruction.as_ref().is_none_or(|tuple| instruction(&start.pc, memory).as_ref() == Some(tuple));
        right.then_some(terms.end)
    }

    /// A filled row over a memory: the table takes it exactly if the machine makes the steps.
    fn examine_memory(&self, start: &State, memory: &Memory, words: &Memory) -> bool {
        let mut memory = memory.clone();
        let row = self.fill(start, &Felt::from(CLOCK), &mut memory);
        let expected = self.expected(start, &mut memory);
        assert_eq!(self.end(&row, start, &mut memory, words), expected, "{}: over a memory", self.name);
        expected.is_some()
    }

    /// Any row at all; whether the table takes it.
    fn examine_row(&self, row: &[Felt], base: &Memory, words: &Memory) -> bool {
        let taken = terms(&self.air, row, words, true);
        let is_taken = taken.is_some();
        let Some(terms) = taken.or_else(|| terms(&self.air, row, words, false)) else { return false };
        // What the row does not speak of may be anything.
        let seeds = [base.seed, base.seed ^ 0x5555];
        let memories = seeds.map(|seed| {
            let mut memory = Memory { seed, ..base.clone() };
            if seed != base.seed {
                memory.cells = words.cells.clone();
            }
            memory.cells.extend(terms.cells.iter().map(|(key, value)| (*key, *value)));
            memory
        });
        for mut memory in memories {
            // No lookup of the instruction succeeds if it is another.
            if terms
                .instruction
                .as_ref()
                .is_some_and(|tuple| instruction(&terms.start.pc, &mut memory).as_ref() != Some(tuple))
            {
                continue;
            }
            let expected = self.expected(&terms.start, &mut memory);
            let right =
                expected == Some(terms.end) && terms.end_clock - terms.clock == Felt::from(u64::from(self.steps));
            if is_taken {
                assert!(
                    right,
                    "{}: a false row is taken, {row:?}; it ends in {:?}, the machine in {expected:?}",
                    self.name, terms.end
                );
            } else if right {
                // Refused for what only the row itself sees.
                let filled = self.fill(&terms.start, &terms.clock, &mut memory);
                assert_ne!(filled, row, "{}: a true row is refused", self.name);
                let end = self.end(&filled, &terms.start, &mut memory, words);
                assert_eq!(end, expected, "{}: no row for a step of the machine", self.name);
            }
        }
        is_taken
    }

    /// Brings what follows from other columns into line with them, but for those that are kept.
    fn complete(&self, row: &mut [Felt], kept: &[usize], also_inverses: bool) {
        let Some(derived) = &self.derived else {
            complete_generic(row, kept);
            return;
        };
        for (index, source) in derived.rows.sources.iter().enumerate() {
            match source {
                _ if kept.contains(&index) => {}
                Source::Product(a, b) => row[index] = a.evaluate(row) * b.evaluate(row),
                Source::Inverse(factors) if also_inverses => {
                    let product = factors.iter().fold(Felt::one(), |product, factor| product * factor.evaluate(row));
                    row[index] = product.inv().unwrap_or_default();
                }
                _ => {}
            }
        }
    }

    /// Columns that only the row itself sees: inverses, products and outcomes.
    fn private(&self) -> Vec<usize> {
        match &self.derived {
            None => {
                let at = Columns::<usize>::positions();
                vec![at.dst_inverse, at.jumps]
            }
            Some(derived) => {
                let is_private = |source: &Source| matches!(source, Source::Inverse(_) | Source::Product(..));
                let sources = derived.rows.sources.iter().enumerate();
                sources.filter(|(_, source)| is_private(source)).map(|(index, _)| index).collect()
            }
        }
    }

    /// Joint alterations: every private column to each of some values with what follows from it, then any few columns at once.
    fn examine_rows(&self, honest: &[Felt], base: &Memory, words: &Memory, random: &mut Random, tries: usize) -> usize {
        let mut taken = usize::from(self.examine_row(honest, base, words));
        let private = self.private();
        for &column in &private {
            for value in
                [Felt::zero(), Felt::one(), -Felt::one(), honest[column] + Felt::one(), honest[column] + honest[column]]
            {
                let mut altered = honest.to_vec();
                altered[column] = value;
                taken += usize::from(self.examine_row(&altered, base, words));
                self.complete(&mut altered, &[column], false);
                taken += usize::from(self.examine_row(&altered, base, words));
            }
        }
        assert!(honest.len() <= MAX_COLUMNS);
        for _ in 0..tries {
            let mut altered = honest.to_vec();
            let mut kept = Vec::new();
            for _ in 0..1 + random.below(4) {
                // Of two alterations one is of a column whose value is not free.
                let column = match random.below(4) {
                    0 if !private.is_empty() => private[random.below(private.len() as u64) as usize],
                    _ => random.below(honest.len() as u64) as usize,
                };
                kept.push(column);
                altered[column] = match random.below(8) {
                    0 => Felt::zero(),
                    1 => Felt::one(),
                    2 => -honest[column],
                    3 => Felt::from(ZERO_WORD + random.below(2)),
                    4 => honest[random.below(honest.len() as u64) as usize],
                    5 => random.felt(),
                    6 => honest[column] - Felt::one(),
                    _ => honest[column] + Felt::one(),
                };
            }
            // Two flags that make the same word.
            if self.derived.is_none() && random.chance(5) {
                let flag = Columns::<usize>::positions().flag[random.below(14) as usize];
                altered[flag] += Felt::from(2_u64);
                altered[flag + 1] += -Felt::one();
            }
            match random.below(3) {
                0 => {}
                1 => self.complete(&mut altered, &kept, false),
                _ => self.complete(&mut altered, &kept, true),
            }
            taken += usize::from(self.examine_row(&altered, base, words));
        }
        taken
    }
}

/// The row of the generic table.
fn generic_row(start: &State, clock: u64, memory: &mut Memory) -> Vec<Felt> {
    let Ok(Decoded { flags, offsets }) = Decoded::new(&memory.get(&start.pc)) else {
        return vec![Felt::zero(); generic::WIDTH];
    };
    let base = |fp: bool| if fp { start.fp } else { start.ap };
    let [off0, off1, off2] = offsets.map(|offset| signed(i64::from(offset)));
    let mut used = |used: bool, address: Felt| if used { memory.get(&address) } else { Felt::from(3_u64) };
    let dst = used(flags.uses_dst(), base(flags.dst_fp()) + off0);
    let op0 = used(flags.op0_uses() > 0, base(flags.op0_fp()) + off1);
    let op1_base = match (flags.op1_imm(), flags.op1_fp(), flags.op1_ap()) {
        (true, ..) => start.pc,
        (_, true, _) => start.fp,
        (.., true) => start.ap,
        _ => op0,
    };
    let zero = Felt::zero();
    let mut row = Columns {
        enabler: Felt::one(),
        pc: start.pc,
        ap: start.ap,
        fp: start.fp,
        clock: Felt::from(clock),
        flag: flag_bits(flags.0),
        offset: [off0, off1, off2],
        immediate: if flags.op1_imm() { memory.get(&(start.pc + Felt::one())) } else { zero },
        dst_address: zero,
        op0_address: zero,
        op1_address: zero,
        dst,
        op0,
        op1: memory.get(&(op1_base + off2)),
        res: zero,
        dst_inverse: dst.inv().unwrap_or_default(),
        jumps: zero,
        next_pc: zero,
        next_ap: zero,
        next_fp: zero,
    }
    .into_row()
    .to_vec();
    complete_generic(&mut row, &[]);
    row
}

/// Fills addresses, res, the outcome and the next state from the other columns but for those that are kept, as the constraints have them:
/// flags that are none may be among them.
fn complete_generic(row: &mut [Felt], kept: &[usize]) {
    let at = Columns::<usize>::positions();
    let flag: [Felt; 15] = std::array::from_fn(|i| row[at.flag[i]]);
    let [dst_fp, op0_fp, op1_imm, op1_fp, op1_ap, add, mul, abs, rel, jnz, add_res, add1, call, ret, _] = flag;
    let (one, two) = (Felt::one(), Felt::from(2_u64));
    let [pc, ap, fp, dst, op0, op1] = [at.pc, at.ap, at.fp, at.dst, at.op0, at.op1].map(|column| row[column]);
    let (offset, inverse) = (at.offset.map(|column| row[column]), row[at.dst_inverse]);
    let op1_base = op1_imm * pc + op1_fp * fp + op1_ap * ap + (one - op1_imm - op1_fp - op1_ap) * op0;
    let mut set = |column: usize, value: Felt| {
        if !kept.contains(&column) {
            row[column] = value;
        }
        row[column]
    };
    set(at.dst_address, ap + dst_fp * (fp - ap) + offset[0]);
    set(at.op0_address, ap + op0_fp * (fp - ap) + offset[1]);
    set(at.op1_address, op1_base + offset[2]);
    let res = set(at.res, op1 + add * op0 + mul * (op0 * op1 - op1));
    let jumps = set(at.jumps, dst * inverse);
    let size = one + op1_imm;
    let after = pc + size;
    set(at.next_pc, after + abs * (res - after) + rel * (res - size) + jnz * jumps * (op1 - size));
    set(at.next_ap, ap + add_res * res + add1 + call * two);
    set(at.next_fp, fp + call * (ap + two - fp) + ret * (dst - fp));
}

/// What a run over cases met.
#[derive(Debug, Default)]
struct Tally {
    cases: usize,
    tables: usize,
    /// Paths that no execution follows, as the reference confirms.
    none: usize,
    steps: usize,
    no_steps: usize,
    rows: usize,
    rows_taken: usize,
}

/// Memories for a case: operands take values jointly, and what the instruction asserts is then made true or not.
fn memories(case: &Case, words: &Memory, steps: u32, random: &mut Random, tries: usize) -> Vec<Memory> {
    let start = case.start();
    let address = |(is_fp, offset): Place| {
        let base = if is_fp { start.fp } else { start.ap };
        base + signed(i64::from(offset))
    };
    let mut cells: Vec<Felt> = case.places.iter().flatten().map(|place| address(*place)).collect();
    cells.push(start.fp - Felt::from(8_u64));
    let mut memories = Vec::new();
    for number in 0..tries {
        let mut memory = Memory { seed: random.next(), ..words.clone() };
        // Solved from nothing, or with any of the cells given.
        for (index, cell) in cells.iter().enumerate() {
            let value = match random.below(8) {
                _ if number == 0 => continue,
                // dst, and what else it may be, is 0 once and 1 once.
                _ if index == 0 && number < 3 => Felt::from(number as u64 - 1),
                0 => continue,
                1 => Felt::zero(),
                2 => Felt::one(),
                3 => Felt::from(4_u64),
                4 => Felt::from(ZERO_WORD + random.below(2)),
                5 => Felt::from(FP + random.below(4)),
                6 => -Felt::from(random.below(6)),
                _ => random.felt(),
            };
            memory.set(cell, value);
        }
        let mut state = start;
        let write = random.chance(80);
        let mut broken = false;
        for _ in 0..steps {
            match memory.step(&state, write) {
                Some(step) => state = step.next,
                None => broken = true,
            }
            if broken {
                break;
            }
        }
        // One more cell, which the machine read, is altered.
        if random.chance(25) {
            let cell = cells[random.below(cells.len() as u64) as usize];
            let value = memory.get(&cell) + Felt::from(1 + random.below(2));
            memory.set(&cell, value);
        }
        memories.push(memory);
    }
    memories
}

fn examine(case: &Case, tries: usize, random: &mut Random, tally: &mut Tally) {
    let (program, steps) = case.program();
    let mut words = Memory { cells: HashMap::new(), seed: 0 };
    for (index, word) in program.bytecode().iter().enumerate() {
        words.set(&Felt::from(index as u64 + 1), *word);
    }
    let memories = memories(case, &words, steps, random, tries);
    let start = case.start();
    let outcomes: &[Option<bool>] = if case.flags.pc_jnz() { &[None, Some(false), Some(true)] } else { &[None] };
    let jumps = case.flags.pc_abs() || case.flags.pc_rel() || case.flags.pc_jnz();
    let mut subjects = Vec::new();
    if case.before == Before::Nothing && case.frame.is_none() {
        subjects.push(Subject::generic());
        subjects.extend(outcomes.iter().map(|taken| Subject::word(case.flags, *taken)));
    }
    for taken in outcomes {
        // The target of a jump is open, or asserted: to be where an operand of 4 leads.
        let last = FIRST as u32 + 2 * (steps - 1);
        for target in [None, Some(last + 4)].into_iter().take(if jumps { 2 } else { 1 }) {
            match Subject::path(case, &program, steps, *taken, target) {
                Ok(subject) => subjects.push(subject),
                // There is nothing to assert.
                Err(DerivedError::Unused { .. }) => assert!(target.is_some()),
                Err(DerivedError::Contradiction { .. }) => {
                    tally.none += 1;
                    let none = Subject {
                        steps,
                        fixed_pc: true,
                        taken: *taken,
                        target,
                        frame: case.frame,
                        ..Subject::generic()
                    };
                    for memory in &memories {
                        let end = none.expected(&start, &mut memory.clone());
                        assert_eq!(end, None, "{case:?}: an execution follows a path that has no table");
                    }
                }
                Err(error) => panic!("{case:?}: {error}"),
            }
        }
    }
    tally.cases += 1;
    tally.tables += subjects.len();
    for subject in &subjects {
        for memory in &memories {
            match subject.examine_memory(&start, memory, &words) {
                true => tally.steps += 1,
                false => tally.no_steps += 1,
            }
        }
        for memory in memories.iter().take(1 + tries / 4) {
            let mut memory = memory.clone();
            let honest = subject.fill(&start, &Felt::from(CLOCK), &mut memory);
            tally.rows += 1;
            tally.rows_taken += subject.examine_rows(&honest, &memory, &words, random, tries);
        }
    }
}

fn run(tries: usize, choose: impl Fn(usize, &Case) -> bool) -> Tally {
    let (mut random, mut tally) = (Random(8), Tally::default());
    for (_, case) in Case::all().enumerate().filter(|(number, case)| choose(*number, case)) {
        let result =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| examine(&case, tries, &mut random, &mut tally)));
        if let Err(cause) = result {
            println!("{case:?}");
            std::panic::resume_unwind(cause);
        }
    }
    tally
}

/// Every flag word, a sample of the rest.
#[test]
fn tables_and_machine_agree() {
    let tally = run(6, |number, case| number % if case.flags.pc_jnz() { 7 } else { 97 } == 0);
    println!("{tally:?}");
    assert!(tally.cases > 2000 && tally.none > 1000 && tally.steps > 5000 && tally.no_steps > 5000, "{tally:?}");
}

/// The whole product.
#[test]
#[ignore = "takes minutes"]
fn tables_and_machine_agree_on_all() {
    let tally = run(12, |_, _| true);
    println!("{tally:?}");
}
