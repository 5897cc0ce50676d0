//! Symbolic execution: the machine's registers and the cells that a row touches as linear expressions in its columns.
//!
//! # Soundness
//!
//! [`Machine`] keeps this invariant. Take a row whose constraints hold and whose memory lookups succeed, and let `m` be
//! the memory: at an address that a row with enabler 1 owns (of this table or another, see `buses`) what this row says, elsewhere what
//! the memory tables provide, and anything where nobody says anything. That is a function from addresses to values, and a
//! lookup that succeeds agrees with it: an owned cell can only be looked up if its owner provides it. Then (1) every entry `(a, v)` of
//! `lookups` has `m(a) = v` at the values of the row's columns, and (2) if the machine is in the start state, then after
//! the instructions executed so far it is in the state `(pc, ap, fp)`.
//!
//! (1) holds since each entry becomes a lookup of the row, or is a cell that the row owns, where `m` has the row's value by
//! definition: a row has one entry for an address that it owns, and if it meets that address under another expression, that is a
//! lookup. It does not matter how `v` was found: a fresh column, or an
//! expression that an instruction's equation gives. The equation is not lost by solving it: substituted, it reads `0 = 0`,
//! and the lookup ties the solution to memory. Two entries with different address expressions may denote one address at run
//! time; both lookups then return the same value, which is what the machine reads too. Equal address expressions always
//! denote one address, so a repeated read needs no second lookup.
//!
//! (2) holds instruction by instruction; each method states its case after the whitepaper (eprint 2021/1063, section 4.5).
//! A cell whose value nothing depends on is not looked up: memory is a function, so the machine reads something there.

use super::{DerivedError, Linear, MAX_COLUMNS, Source, UNUSED_OFFSET};
use crate::decode::Flags;
use crate::program::{PROGRAM_BASE, Program};
use felt::{Felt, encoding};
use foldhash::{HashMap, HashMapExt};

/// One instruction with its operands' offsets as expressions: constants on a path, columns in a word table.
pub(super) struct Operation {
    pub flags: Flags,
    pub offsets: [Linear; 3],
    pub immediate: Linear,
}

/// What is fixed about the jumps to come.
#[derive(Clone)]
pub(super) struct Choices<'a> {
    /// Outcomes of conditional jumps.
    pub taken: &'a [bool],
    /// Targets of jumps that do not go to a constant.
    pub targets: Targets<'a>,
    /// Frames that returns lead to.
    pub returns: Returns<'a>,
    /// Whether this is the last step, where a choice may be missing.
    pub last: bool,
}

/// The targets of jumps that do not go to a constant.
#[derive(Clone)]
pub(super) enum Targets<'a> {
    /// In order, as a path lists them.
    Listed(&'a [u32]),
    /// Found while following an execution: the target of the step at hand, and those that were needed before.
    Followed { next: u32, needed: Vec<u32> },
}

impl Targets<'_> {
    /// Those that were found to be needed.
    pub fn needed(self) -> Vec<u32> {
        match self {
            Self::Listed(_) => Vec::new(),
            Self::Followed { needed, .. } => needed,
        }
    }
}

/// How far below the frame that a `ret` leaves its caller's frame is, where that does not follow: 0 if it is read instead.
#[derive(Clone)]
pub(super) enum Returns<'a> {
    /// In order, as a path lists them; those that are missing are read.
    Listed(&'a [u32]),
    /// Found while following an execution: the distance at the step at hand, if it is always the same, and those up to it.
    Followed { next: Option<u32>, found: Vec<u32> },
}

impl Returns<'_> {
    /// The distance that is asserted.
    fn distance(&mut self, last: bool) -> Option<u32> {
        match self {
            Self::Listed(distances) => {
                let (distance, rest) = distances.split_first()?;
                *distances = rest;
                Some(*distance).filter(|distance| *distance != 0)
            }
            Self::Followed { next, found } => {
                // The caller of the last frame may be another one.
                let distance = next.filter(|distance| !last && *distance != 0);
                found.push(distance.unwrap_or(0));
                distance
            }
        }
    }

    /// Those that were found, as a path lists them.
    pub fn needed(self) -> Vec<u32> {
        match self {
            Self::Listed(_) => Vec::new(),
            Self::Followed { mut found, .. } => {
                found.truncate(found.iter().rposition(|distance| *distance != 0).map_or(0, |last| last + 1));
                found
            }
        }
    }
}

impl<'a> Choices<'a> {
    /// Choices that are found while following an execution with these outcomes of its conditional jumps.
    pub fn to_follow(taken: &'a [bool]) -> Self {
        let targets = Targets::Followed { next: 0, needed: Vec::new() };
        Self { taken, targets, returns: Returns::Followed { next: None, found: Vec::new() }, last: false }
    }

    /// The next step leads to `pc`; if it returns, and always by the same distance, to a frame that far below.
    pub fn go_on(&mut self, pc: u32, distance: Option<u32>) {
        if let Targets::Followed { next, .. } = &mut self.targets {
            *next = pc;
        }
        if let Returns::Followed { next, .. } = &mut self.returns {
            *next = distance;
        }
    }

    /// The target for a jump that does not go to a constant.
    fn target(&mut self) -> Option<u32> {
        match &mut self.targets {
            Targets::Listed(targets) => {
                let (target, rest) = targets.split_first()?;
                *targets = rest;
                Some(*target)
            }
            Targets::Followed { .. } if self.last => None,
            Targets::Followed { next, needed } => {
                needed.push(*next);
                Some(*next)
            }
        }
    }

    /// Whether [`Choices::target`] has one.
    const fn has_target(&self) -> bool {
        match &self.targets {
            Targets::Listed(targets) => !targets.is_empty(),
            Targets::Followed { .. } => !self.last,
        }
    }
}

/// A cell and its value.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub address: Linear,
    pub value: Linear,
}

/// `left · right = product`.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub left: Linear,
    pub right: Linear,
    pub product: Linear,
}

/// An operand: a known value, or a cell that the row has not read yet.
#[derive(Debug, Clone)]
enum Operand {
    Value(Linear),
    Unread(Linear),
}

/// `Σ factor · operand`.
type Sum = Vec<(Felt, Operand)>;

/// The state of the symbolic execution, and what it demands so far.
#[derive(Clone)]
pub(super) struct Machine<'a> {
    program: Option<&'a Program>,
    /// Whether columns get names, which take longer to write than the columns to find.
    named: bool,
    pub columns: Vec<(String, Source)>,
    pub pc: Linear,
    pub ap: Linear,
    pub fp: Linear,
    pub lookups: Vec<Cell>,
    /// Expressions that must be 0, without repetition.
    pub zeros: Vec<Linear>,
    /// Products that must hold.
    pub products: Vec<Product>,
    /// Expressions that must not be 0, without repetition.
    pub nonzero: Vec<Linear>,
    /// Open conditional jumps: `(dst, t)` with `dst · (1 − t) = 0`.
    pub open: Option<(Linear, Linear)>,
    by_address: HashMap<Linear, usize>,
    by_factors: HashMap<(Linear, Linear), Linear>,
}

/// The one value of an offset in a word table, if it has one: what decoding demands, or −1 if the instruction does not use it.
pub(super) fn offset_constant(flags: Flags, index: u8) -> Option<i32> {
    let used = flags.used_operands();
    match index {
        0 if flags.call() => Some(0),
        0 if flags.ret() => Some(-2),
        1 if flags.call() => Some(1),
        2 if flags.ret() => Some(-1),
        2 if flags.op1_imm() => Some(1),
        _ => (!used.get(usize::from(index)).copied().unwrap_or(true)).then_some(UNUSED_OFFSET),
    }
}

impl<'a> Machine<'a> {
    /// A machine without columns; `program` if `pc` is constant.
    pub fn new(program: Option<&'a Program>, named: bool) -> Self {
        let zero = Linear::integer(0);
        Self {
            program,
            named,
            columns: Vec::new(),
            pc: zero.clone(),
            ap: zero.clone(),
            fp: zero,
            lookups: Vec::new(),
            zeros: Vec::new(),
            products: Vec::new(),
            nonzero: Vec::new(),
            open: None,
            by_address: HashMap::new(),
            by_factors: HashMap::new(),
        }
    }

    /// Whether columns get names.
    pub const fn named(&self) -> bool {
        self.named
    }

    /// Adds a column.
    pub fn fresh(&mut self, name: impl FnOnce() -> String, source: Source) -> Result<Linear, DerivedError> {
        if self.columns.len() >= MAX_COLUMNS {
            return Err(DerivedError::Columns);
        }
        let column = Linear::column(self.columns.len() as u32);
        self.columns.push((if self.named { name() } else { String::new() }, source));
        Ok(column)
    }

    /// Executes one instruction; uses up the choices that it makes.
    pub fn step(&mut self, operation: &Operation, choices: &mut Choices) -> Result<(), DerivedError> {
        let flags = operation.flags;
        let base = |fp: bool| if fp { &self.fp } else { &self.ap };
        let dst_at = base(flags.dst_fp()) + &operation.offsets[0];
        let op0_at = base(flags.op0_fp()) + &operation.offsets[1];
        let after = self.pc.offset(i64::from(flags.size()));
        // Call: assert dst = fp and op0 = pc + size. First, since op1 may be [op0 + off2].
        if flags.call() {
            self.equate(vec![(Felt::one(), self.operand(&dst_at)), (-Felt::one(), Operand::Value(self.fp.clone()))])?;
            self.equate(vec![(Felt::one(), self.operand(&op0_at)), (-Felt::one(), Operand::Value(after.clone()))])?;
        }
        let res = self.res(operation, &dst_at, &op0_at)?;
        let next_pc = if flags.pc_jnz() {
            self.conditional(operation, &dst_at, &op0_at, &after, choices)?
        } else if flags.pc_abs() {
            self.jump(res.clone(), None, choices)?
        } else if flags.pc_rel() {
            self.jump(res.clone(), Some(self.pc.clone()), choices)?
        } else {
            after
        };
        // ap, after the whitepaper: call adds 2, else ap_update adds res, 1 or nothing. (Decoding excludes both at once.)
        let next_ap = if flags.call() {
            self.ap.offset(2)
        } else if flags.ap_add_res() {
            let total = self.total(&res)?;
            &self.ap + &total
        } else {
            self.ap.offset(i64::from(flags.ap_add1()))
        };
        // fp: call sets ap + 2, ret restores dst. Asserting what that is only narrows what the row accepts.
        if flags.call() {
            self.fp = self.ap.offset(2);
        } else if flags.ret() {
            let dst = self.operand(&dst_at);
            if matches!(dst, Operand::Unread(_))
                && let Some(distance) = choices.returns.distance(choices.last)
            {
                let caller = self.fp.offset(-i64::from(distance));
                self.equate(vec![(Felt::one(), dst), (-Felt::one(), Operand::Value(caller))])?;
            }
            self.fp = self.read(&dst_at)?;
        }
        (self.pc, self.ap) = (next_pc, next_ap);
        Ok(())
    }

    /// `res` as a sum, with `dst = res` demanded if the instruction asserts it. Empty if nothing depends on `res`.
    fn res(&mut self, operation: &Operation, dst_at: &Linear, op0_at: &Linear) -> Result<Sum, DerivedError> {
        let flags = operation.flags;
        if !(flags.assert_eq() || flags.ap_add_res() || flags.pc_abs() || flags.pc_rel()) {
            return Ok(Sum::new());
        }
        let op1 = self.op1(operation, op0_at)?;
        let sum = if flags.res_mul() {
            let op0 = self.operand(op0_at);
            match (constant(&op0), constant(&op1)) {
                (Some(factor), _) => vec![(factor, op1)],
                (None, Some(factor)) => vec![(factor, op0)],
                (None, None) => {
                    let product = self.product(op0, op1, flags.assert_eq().then_some(dst_at))?;
                    vec![(Felt::one(), Operand::Value(product))]
                }
            }
        } else if flags.res_add() {
            vec![(Felt::one(), self.operand(op0_at)), (Felt::one(), op1)]
        } else {
            vec![(Felt::one(), op1)]
        };
        if flags.assert_eq() {
            let mut equation = vec![(-Felt::one(), self.operand(dst_at))];
            equation.extend(sum.iter().cloned());
            self.equate(equation)?;
        }
        Ok(sum)
    }

    /// `op1`. A double dereference reads `op0`, since its value is part of an address.
    fn op1(&mut self, operation: &Operation, op0_at: &Linear) -> Result<Operand, DerivedError> {
        let (flags, off2) = (operation.flags, &operation.offsets[2]);
        if flags.op1_imm() {
            return Ok(Operand::Value(operation.immediate.clone()));
        }
        let base = if flags.op1_fp() {
            self.fp.clone()
        } else if flags.op1_ap() {
            self.ap.clone()
        } else {
            self.read(op0_at)?
        };
        Ok(self.operand(&(&base + off2)))
    }

    /// The product of two operands. With `dst_at` the machine also asserts that the cell there is the product: if the row has
    /// not read it, its column is the product's. The constraint `left · right = product` has degree 2.
    fn product(&mut self, left: Operand, right: Operand, dst_at: Option<&Linear>) -> Result<Linear, DerivedError> {
        let (left, right) = (self.value(&left)?, self.value(&right)?);
        if let Some(known) = self.by_factors.get(&(left.clone(), right.clone())) {
            return Ok(known.clone());
        }
        let product = match dst_at {
            Some(dst_at) => self.read(dst_at)?,
            None => {
                let index = self.columns.len();
                let name = || format!("c{index} = ({left}) · ({right})");
                self.fresh(name, Source::Product(left.clone(), right.clone()))?
            }
        };
        for key in [(left.clone(), right.clone()), (right.clone(), left.clone())] {
            self.by_factors.insert(key, product.clone());
        }
        self.products.push(Product { left, right, product: product.clone() });
        Ok(product)
    }

    /// An unconditional jump to `sum`, or to `pc + sum`. If that is no constant, a target may be fixed, which is demanded
    /// as an equation; at the last step it may stay an expression.
    fn jump(&mut self, sum: Sum, pc: Option<Linear>, choices: &mut Choices) -> Result<Linear, DerivedError> {
        let base = pc.unwrap_or_else(|| Linear::integer(0));
        let known = sum.iter().all(|(_, operand)| matches!(self.refresh(operand), Operand::Value(_)));
        if known || !choices.has_target() {
            let target = &base + &self.total(&sum)?;
            if target.as_constant().is_some() || !choices.has_target() && choices.last {
                return Ok(target);
            }
        }
        let target = choices.target().ok_or_else(|| DerivedError::MissingTarget { pc: self.pc.to_string() })?;
        let target = Linear::integer(i64::from(target));
        let mut equation = sum;
        equation.push((-Felt::one(), Operand::Value(&target - &base)));
        self.equate(equation)?;
        Ok(target)
    }

    /// `jnz`: the next pc is `pc + op1` if `dst ≠ 0`, else `pc + size`.
    fn conditional(
        &mut self,
        operation: &Operation,
        dst_at: &Linear,
        op0_at: &Linear,
        after: &Linear,
        choices: &mut Choices,
    ) -> Result<Linear, DerivedError> {
        let (taken, rest) = match choices.taken.split_first() {
            Some((taken, rest)) => (Some(*taken), rest),
            None if choices.last => (None, choices.taken),
            None => return Err(DerivedError::MissingOutcome { pc: self.pc.to_string() }),
        };
        choices.taken = rest;
        match taken {
            // dst = 0 is demanded; op1 does not matter.
            Some(false) => {
                self.equate(vec![(Felt::one(), self.operand(dst_at))])?;
                Ok(after.clone())
            }
            // dst ≠ 0 is demanded.
            Some(true) => {
                let dst = self.read(dst_at)?;
                match dst.as_constant() {
                    Some(value) if value == Felt::zero() => return Err(self.contradiction()),
                    Some(_) => {}
                    None if self.nonzero.contains(&dst) => {}
                    None => self.nonzero.push(dst),
                }
                let op1 = self.op1(operation, op0_at)?;
                self.jump(vec![(Felt::one(), op1)], Some(self.pc.clone()), choices)
            }
            None => {
                let op1 = self.op1(operation, op0_at)?;
                self.either(dst_at, op1, after)
            }
        }
    }

    /// Both outcomes: `t = dst · inverse` and `dst · (1 − t) = 0` make `t` 1 if `dst ≠ 0` and 0 otherwise, whatever the inverse
    /// column holds; next pc = `pc + size + t · (op1 − size)`.
    fn either(&mut self, dst_at: &Linear, op1: Operand, after: &Linear) -> Result<Linear, DerivedError> {
        let dst = self.read(dst_at)?;
        let distance = self.value(&op1)?;
        let target = &self.pc + &distance;
        if let Some(value) = dst.as_constant() {
            return Ok(if value == Felt::zero() { after.clone() } else { target });
        }
        let inverse = self.fresh(|| format!("inverse of {dst}"), Source::Inverse(vec![dst.clone()]))?;
        let t = self.fresh(|| "dst is not 0".to_owned(), Source::Product(dst.clone(), inverse.clone()))?;
        self.products.push(Product { left: dst.clone(), right: inverse, product: t.clone() });
        self.open = Some((dst, t.clone()));
        let distance = &target - after;
        match distance.as_constant() {
            Some(distance) => Ok(after.plus(&distance, &t)),
            None => Ok(after + &self.product(Operand::Value(t), Operand::Value(distance), None)?),
        }
    }

    fn contradiction(&self) -> DerivedError {
        DerivedError::Contradiction { pc: self.pc.to_string() }
    }

    /// The cell at an address as far as it is known. Cells of the program hold its words: they are public memory.
    fn operand(&self, address: &Linear) -> Operand {
        if let Some(cell) = self.by_address.get(address).and_then(|index| self.lookups.get(*index)) {
            return Operand::Value(cell.value.clone());
        }
        let word = self.program.and_then(|program| {
            let address = encoding::to_u64(&address.as_constant()?)?;
            let index = usize::try_from(address.checked_sub(u64::from(PROGRAM_BASE))?).ok()?;
            program.bytecode().get(index)
        });
        word.map_or_else(|| Operand::Unread(address.clone()), |word| Operand::Value(Linear::constant(*word)))
    }

    /// The operand as it is known by now.
    fn refresh(&self, operand: &Operand) -> Operand {
        match operand {
            Operand::Value(_) => operand.clone(),
            Operand::Unread(address) => self.operand(address),
        }
    }

    /// The value of an operand, in a new column if need be.
    fn value(&mut self, operand: &Operand) -> Result<Linear, DerivedError> {
        match self.refresh(operand) {
            Operand::Value(value) => Ok(value),
            Operand::Unread(address) => {
                let index = self.columns.len();
                let value = self.fresh(|| format!("c{index} = [{address}]"), Source::Memory(address.clone()))?;
                self.look_up(address, value.clone());
                Ok(value)
            }
        }
    }

    /// The value of the cell at an address.
    fn read(&mut self, address: &Linear) -> Result<Linear, DerivedError> {
        let operand = self.operand(address);
        self.value(&operand)
    }

    /// Forgets which cells were looked up. No step may follow.
    pub fn forget_cells(&mut self) {
        self.by_address.clear();
    }

    fn look_up(&mut self, address: Linear, value: Linear) {
        self.by_address.insert(address.clone(), self.lookups.len());
        self.lookups.push(Cell { address, value });
    }

    /// The value of a sum.
    fn total(&mut self, sum: &Sum) -> Result<Linear, DerivedError> {
        let mut total = Linear::integer(0);
        for (factor, operand) in sum {
            total = total.plus(factor, &self.value(operand)?);
        }
        Ok(total)
    }

    /// Demands `Σ factor · operand = 0`. Of the cells that the row has not read and that do not cancel, the first is
    /// solved for and the others get columns; without such cells the equation becomes a constraint.
    fn equate(&mut self, sum: Sum) -> Result<(), DerivedError> {
        let mut unread: Vec<(Felt, Linear)> = Vec::new();
        let mut rest = Linear::integer(0);
        for (factor, operand) in &sum {
            match self.refresh(operand) {
                Operand::Value(value) => rest = rest.plus(factor, &value),
                Operand::Unread(address) => match unread.iter_mut().find(|(_, other)| *other == address) {
                    Some((total, _)) => *total += *factor,
                    None => unread.push((*factor, address)),
                },
            }
        }
        // Cells that cancel do not matter.
        unread.retain(|(factor, _)| *factor != Felt::zero());
        let mut unread = unread.into_iter();
        let Some((factor, solved)) = unread.next() else {
            return match rest.as_constant() {
                Some(value) if value == Felt::zero() => Ok(()),
                Some(_) => Err(self.contradiction()),
                None => {
                    // A path that comes by again may demand the same again.
                    if !self.zeros.contains(&rest) {
                        self.zeros.push(rest);
                    }
                    Ok(())
                }
            };
        };
        for (factor, address) in unread {
            rest = rest.plus(&factor, &self.read(&address)?);
        }
        // factor · solved + rest = 0; factors are not 0 here.
        let is_own_inverse = factor == Felt::one() || factor == -Felt::one();
        let inverse = if is_own_inverse { factor } else { factor.inv().map_err(|_| self.contradiction())? };
        self.look_up(solved, rest.scaled(&-inverse));
        Ok(())
    }
}

fn constant(operand: &Operand) -> Option<Felt> {
    match operand {
        Operand::Value(value) => value.as_constant(),
        Operand::Unread(_) => None,
    }
}
