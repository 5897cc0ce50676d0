//! The tables of one outcome of a case, and what the rows of each say.

use super::case::{Case, ZERO_WORD};
use crate::buses;
use crate::components::derived::tests::reference::{Memory, Random, State};
use crate::components::derived::tests::{FIRST, WORDS, instruction, row};
use crate::components::derived::{Derived, DerivedError, MAX_COLUMNS, OwningWord, Path, Source, Word};
use crate::components::generic::{self, Columns};
use crate::components::instruction::flag_bits;
use crate::decode::{Decoded, Flags, signed};
use crate::program::Program;
use felt::{Felt, encoding};
use stark::Air;
use stark::graph::Input;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Clock at the start.
pub const CLOCK: u64 = 17;

/// What a row says on the buses, if its constraints hold.
pub struct Terms {
    pub start: State,
    pub clock: Felt,
    pub end: State,
    pub end_clock: Felt,
    pub instruction: Option<Vec<Felt>>,
    pub cells: HashMap<[u64; 4], Felt>,
}

/// The bus terms of a row that a table takes. None if a constraint fails, a multiplicity is not what it must be, or two lookups
/// contradict each other or a word of the program. What a row says of cells that it owns is so, whether it provides them or not: it is among the
/// cells like what it looks up.
pub fn terms(air: &Air, row: &[Felt], program: &Memory, with_constraints: bool) -> Option<Terms> {
    let values = air.graph().evaluate(|input| match input {
        Input::Main(column) => row[column as usize],
        _ => Felt::zero(),
    });
    if with_constraints && air.constraints().iter().any(|c| values[c.expression.index()] != Felt::zero()) {
        return None;
    }
    let mut states = [None, None];
    let (mut found, mut cells) = (None, HashMap::new());
    let mut owned = [None, None];
    let owns = air.interactions().iter().any(|interaction| interaction.bus == buses::OWNED);
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
        } else if interaction.bus == buses::OWNED {
            owned[usize::from(multiplicity == Felt::one())] = Some(tuple[0]);
        } else if owns || multiplicity != Felt::zero() {
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
    // It owns exactly the cells that it moves ap over.
    assert!(!owns || owned == [Some(start.ap), Some(end.ap)], "{}", air.name());
    Some(Terms { start, clock, end, end_clock, instruction: found, cells })
}

/// A table of a case.
pub struct Subject {
    pub name: String,
    pub air: Air,
    /// None for the generic table.
    pub derived: Option<Derived>,
    pub steps: u32,
    /// Whether it is for the case's own instructions, whatever memory says.
    pub fixed_pc: bool,
    pub taken: Option<bool>,
    pub target: Option<u32>,
    pub flags: Option<u16>,
    pub frame: Option<i32>,
    /// The operand that must be at `[ap]`.
    pub at_ap: Option<u8>,
    /// What the immediate must be.
    pub moved: Option<u64>,
}

pub static GENERIC: LazyLock<Air> = LazyLock::new(|| generic::air().expect("it is fixed"));

impl Subject {
    pub fn generic() -> Self {
        let (name, air) = ("generic".to_owned(), GENERIC.clone());
        let (taken, target, flags, frame) = (None, None, None, None);
        Self {
            name,
            air,
            derived: None,
            steps: 1,
            fixed_pc: false,
            taken,
            target,
            flags,
            frame,
            at_ap: None,
            moved: None,
        }
    }

    /// Every table of an owning word with these flags, its cells provided; if there is any.
    pub fn owning_words(flags: Flags, taken: Option<bool>, immediate: &Felt) -> Vec<Self> {
        let adds = flags.ap_add_res() && flags.op1_imm() && !flags.res_add() && !flags.res_mul();
        let moved = encoding::to_u64(immediate).filter(|_| adds);
        let cells = match moved {
            Some(moved) => moved as u8,
            None if flags.call() => 2,
            None => u8::from(flags.ap_add1()),
        };
        let new = |at_ap: Option<u8>| {
            let owning = OwningWord { word: Word { flags: flags.0, taken }, at_ap, owned: (1..=cells).collect() };
            let derived = owning.derive().ok()?;
            Some(Self {
                name: owning.to_string(),
                air: derived.air.clone(),
                derived: Some(derived),
                flags: Some(flags.0),
                taken,
                at_ap,
                moved,
                ..Self::generic()
            })
        };
        [None, Some(0), Some(1), Some(2)].into_iter().filter_map(new).collect()
    }

    pub fn word(flags: Flags, taken: Option<bool>) -> Self {
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
    pub fn path(
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
            at_ap: None,
            moved: None,
        })
    }

    /// What the machine makes of this start and memory, if it is what the table is for.
    pub fn expected(&self, start: &State, memory: &mut Memory) -> Option<State> {
        if self.fixed_pc && start.pc != Felt::from(FIRST)
            || self.frame.is_some_and(|frame| start.ap - start.fp != signed(i64::from(frame)))
        {
            return None;
        }
        let mut state = *start;
        for index in 1..=self.steps {
            let decoded = Decoded::new(&memory.get(&state.pc)).ok()?;
            if self.flags.is_some_and(|flags| flags != decoded.flags.0)
                || self.at_ap.is_some_and(|operand| decoded.offsets[usize::from(operand)] != 0)
                || self.moved.is_some_and(|moved| memory.get(&(state.pc + Felt::one())) != Felt::from(moved))
            {
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

    pub fn fill(&self, start: &State, clock: &Felt, memory: &mut Memory) -> Vec<Felt> {
        let clock = encoding::to_u64(clock).unwrap_or(CLOCK);
        match &self.derived {
            Some(derived) => row(derived, start, clock, memory),
            None => generic_row(start, clock, memory),
        }
    }

    /// The state in which a row ends that the table takes, over this memory and from this start.
    pub fn end(&self, row: &[Felt], start: &State, memory: &mut Memory, words: &Memory) -> Option<State> {
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
    pub fn examine_memory(&self, start: &State, memory: &Memory, words: &Memory) -> bool {
        let mut memory = memory.clone();
        let row = self.fill(start, &Felt::from(CLOCK), &mut memory);
        let expected = self.expected(start, &mut memory);
        assert_eq!(self.end(&row, start, &mut memory, words), expected, "{}: over a memory", self.name);
        expected.is_some()
    }

    /// Any row at all; whether the table takes it.
    pub fn examine_row(&self, row: &[Felt], base: &Memory, words: &Memory) -> bool {
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
    pub fn complete(&self, row: &mut [Felt], kept: &[usize], also_inverses: bool) {
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
    pub fn private(&self) -> Vec<usize> {
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
    pub fn examine_rows(
        &self,
        honest: &[Felt],
        base: &Memory,
        words: &Memory,
        random: &mut Random,
        tries: usize,
    ) -> usize {
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
pub fn generic_row(start: &State, clock: u64, memory: &mut Memory) -> Vec<Felt> {
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
pub fn complete_generic(row: &mut [Felt], kept: &[usize]) {
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
