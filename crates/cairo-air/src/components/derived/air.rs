//! From a symbolic execution to an AIR.

use super::machine::{Cell, Choices, Machine, Operation, Returns, Targets, offset_constant};
use super::path::{adds_immediate, is_free_at_ap};
use super::{
    Derived, DerivedError, Linear, MAX_MOVED, MAX_OWNED, MAX_STEPS, OwningWord, Path, RowContents, Source, Word,
};
use crate::buses;
use crate::decode::{Decoded, Flags};
use crate::program::{PROGRAM_BASE, Program};
use felt::{Felt, encoding};
use stark::{Air, AirBuilder, BusTerm, Expr, Outline, Rows};

/// What a derived table costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSize {
    /// Main columns.
    pub columns: usize,
    /// Bus interactions; two share a LogUp column.
    pub interactions: usize,
}

impl TableSize {
    /// That of a table with this AIR.
    pub fn of(air: &Air) -> Self {
        Self { columns: air.width(), interactions: air.interactions().len() }
    }

    /// Main and LogUp columns.
    pub const fn width(&self) -> usize {
        self.columns + self.interactions.div_ceil(2)
    }
}

/// A finished symbolic execution with the start state.
#[derive(Clone)]
pub(super) struct Run<'a> {
    pub(super) machine: Machine<'a>,
    enabler: Linear,
    start: [Linear; 4],
    instruction: Option<[Linear; 6]>,
    steps: u32,
    /// For each two expressions that must not be 0, their inverse.
    inverses: Vec<Linear>,
    /// The cells that the row owns and knows, in order.
    owned: Vec<Cell>,
    /// Those of them that it provides, with the column of their uses.
    provided: Vec<(Cell, Linear)>,
    /// Address after the last owned cell, if any is owned.
    owned_end: Option<Linear>,
}

/// A derived table whose instructions were executed symbolically, but whose AIR is not constructed yet, which takes longer.
#[derive(Clone)]
pub struct Executed<'a> {
    name: String,
    run: Run<'a>,
}

impl std::fmt::Debug for Executed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executed").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Executed<'_> {
    /// The outline of the table with `2^log_height` rows.
    pub fn outline(&self, log_height: u32) -> Outline {
        self.run.outline(self.name.clone(), log_height)
    }

    /// The AIR.
    ///
    /// # Errors
    /// [`DerivedError::Air`], which would be a mistake here.
    pub fn air(&self) -> Result<Air, DerivedError> {
        self.run.air(self.name.clone())
    }
}

/// The execution of a word. Without names, its AIR does not name its columns, and its constraints only by their kind.
pub(super) fn execute_word(word: Word, named: bool) -> Result<Executed<'static>, DerivedError> {
    Ok(Executed { name: word.to_string(), run: run_word(word, (None, None), named)? })
}

/// The execution of an owning word; as [`execute_word`].
pub(super) fn execute_owning_word(word: &OwningWord, named: bool) -> Result<Executed<'static>, DerivedError> {
    Ok(Executed { name: word.to_string(), run: run_owning_word(word, named)? })
}

/// The execution of a path; as [`execute_word`].
pub(super) fn execute_path<'a>(program: &'a Program, path: &Path, named: bool) -> Result<Executed<'a>, DerivedError> {
    Ok(Executed { name: path.to_string(), run: run_path(program, path, named)? })
}

/// The table of a word.
pub(super) fn word(word: Word) -> Result<Derived, DerivedError> {
    run_word(word, (None, None), true)?.build(word.to_string())
}

/// The rows of a word's table.
pub(super) fn word_rows(word: Word) -> Result<RowContents, DerivedError> {
    Ok(run_word(word, (None, None), false)?.into_rows())
}

/// The size of a word's table.
pub(super) fn word_size(word: Word) -> Result<TableSize, DerivedError> {
    Ok(run_word(word, (None, None), false)?.size())
}

/// The table of an owning word.
pub(super) fn owning_word(word: &OwningWord) -> Result<Derived, DerivedError> {
    run_owning_word(word, true)?.build(word.to_string())
}

/// The rows of an owning word's table.
pub(super) fn owning_word_rows(word: &OwningWord) -> Result<RowContents, DerivedError> {
    Ok(run_owning_word(word, false)?.into_rows())
}

/// The size of an owning word's table.
pub(super) fn owning_word_size(word: &OwningWord) -> Result<TableSize, DerivedError> {
    Ok(run_owning_word(word, false)?.size())
}

/// The table of a path.
pub(super) fn path(program: &Program, path: &Path) -> Result<Derived, DerivedError> {
    run_path(program, path, true)?.build(path.to_string())
}

/// The rows of a path's table.
pub(super) fn path_rows(program: &Program, path: &Path) -> Result<RowContents, DerivedError> {
    Ok(run_path(program, path, false)?.into_rows())
}

/// The size of a path's table.
pub(super) fn path_size(program: &Program, path: &Path) -> Result<TableSize, DerivedError> {
    Ok(run_path(program, path, false)?.size())
}

fn run_owning_word(word: &OwningWord, named: bool) -> Result<Run<'static>, DerivedError> {
    if word.owned.is_empty() {
        return Err(DerivedError::OwnsNothing(word.word.flags));
    }
    let moved = adds_immediate(Flags(word.word.flags)).then_some(word.owned.len() as i64);
    run_word(word.word, (word.at_ap, moved), named)?.own(&word.owned, MAX_MOVED)
}

/// The execution of one instruction with these flags; of the operand `at_ap` the offset is the constant 0, and the immediate is `moved`, if given.
fn run_word(word: Word, (at_ap, moved): (Option<u8>, Option<i64>), named: bool) -> Result<Run<'static>, DerivedError> {
    let flags = Flags(word.flags);
    flags.check().map_err(|error| DerivedError::Flags { flags: word.flags, error })?;
    if word.taken.is_some() && !flags.pc_jnz() {
        return Err(DerivedError::NoOutcome(word.flags));
    }
    if let Some(operand) = at_ap.filter(|operand| !is_free_at_ap(flags, *operand)) {
        return Err(DerivedError::NotAtAp { flags: word.flags, operand });
    }
    let mut run = Run::new(Machine::new(None, named), None)?;
    let machine = &mut run.machine;
    machine.pc = machine.fresh(|| "pc".to_owned(), Source::Pc)?;
    run.start[0] = machine.pc.clone();
    let mut offsets = [const { None }; 3];
    for (index, slot) in (0_u8..).zip(&mut offsets) {
        let zero = (at_ap == Some(index)).then_some(0);
        *slot = Some(match zero.or_else(|| offset_constant(flags, index)) {
            Some(fixed) => Linear::integer(i64::from(fixed)),
            None => machine.fresh(|| format!("off{index}"), Source::Offset(index))?,
        });
    }
    let offsets = offsets.map(|offset| offset.unwrap_or_else(|| Linear::integer(0)));
    let immediate = match moved {
        Some(moved) => Linear::integer(moved),
        None if flags.op1_imm() => machine.fresh(|| "immediate".to_owned(), Source::Immediate)?,
        None => Linear::integer(0),
    };
    let [off0, off1, off2] = offsets.clone();
    let word_constant = Linear::integer(i64::from(word.flags));
    run.instruction = Some([machine.pc.clone(), word_constant, off0, off1, off2, immediate.clone()]);
    let taken = word.taken.map(|taken| [taken]);
    let taken = taken.as_ref().map_or(&[][..], |taken| &taken[..]);
    run.machine.step(
        &Operation { flags, offsets, immediate },
        &mut Choices { taken, targets: Targets::Listed(&[]), returns: Returns::Listed(&[]), last: true },
    )?;
    run.steps = 1;
    run.finish()
}

fn run_path<'a>(program: &'a Program, path: &Path, named: bool) -> Result<Run<'a>, DerivedError> {
    if path.steps == 0 || path.steps > MAX_STEPS {
        return Err(DerivedError::Steps(path.steps));
    }
    let mut run = start_path(program, path.pc, path.frame, named)?;
    let (targets, returns) = (Targets::Listed(&path.targets), Returns::Listed(&path.returns));
    let mut choices = Choices { taken: &path.taken, targets, returns, last: false };
    for step in 1..=path.steps {
        choices.last = step == path.steps;
        let operation = fetch(program, &run.machine.pc)?;
        run.machine.step(&operation, &mut choices)?;
    }
    let targets = match choices.targets {
        Targets::Listed(targets) => targets.len(),
        Targets::Followed { .. } => 0,
    };
    let returns = match choices.returns {
        Returns::Listed(returns) => returns.len(),
        Returns::Followed { .. } => 0,
    };
    if !choices.taken.is_empty() || targets != 0 || returns != 0 {
        return Err(DerivedError::Unused { outcomes: choices.taken.len(), targets, returns });
    }
    run.steps = path.steps;
    run.finish()?.own(&path.owned, MAX_OWNED)
}

/// Before the first step of a path.
pub(super) fn start_path(program: &Program, pc: u32, frame: Option<i32>, named: bool) -> Result<Run<'_>, DerivedError> {
    let mut run = Run::new(Machine::new(Some(program), named), frame)?;
    run.machine.pc = Linear::integer(i64::from(pc));
    run.start[0] = run.machine.pc.clone();
    Ok(run)
}

/// The instruction at a constant `pc` of the program.
pub(super) fn fetch(program: &Program, pc: &Linear) -> Result<Operation, DerivedError> {
    let outside = || DerivedError::OutsideProgram { pc: pc.to_string() };
    let address = pc.as_constant().and_then(|pc| encoding::to_u64(&pc)).and_then(|pc| u32::try_from(pc).ok());
    let address = address.ok_or_else(outside)?;
    if address == program.final_pc() {
        return Err(DerivedError::ExecutesEnd(address));
    }
    let index = address.checked_sub(PROGRAM_BASE).ok_or_else(outside)? as usize;
    let word = program.bytecode().get(index).ok_or_else(outside)?;
    let decoded = Decoded::new(word).map_err(|error| DerivedError::Instruction { pc: address, error })?;
    let immediate = match decoded.flags.op1_imm() {
        true => *program.bytecode().get(index + 1).ok_or_else(outside)?,
        false => Felt::zero(),
    };
    let offsets = decoded.offsets.map(|offset| Linear::integer(i64::from(offset)));
    Ok(Operation { flags: decoded.flags, offsets, immediate: Linear::constant(immediate) })
}

impl<'a> Run<'a> {
    fn new(mut machine: Machine<'a>, frame: Option<i32>) -> Result<Self, DerivedError> {
        let enabler = machine.fresh(|| "enabler".to_owned(), Source::Enabler)?;
        machine.fp = machine.fresh(|| "fp".to_owned(), Source::Fp)?;
        machine.ap = match frame {
            Some(distance) => machine.fp.offset(i64::from(distance)),
            None => machine.fresh(|| "ap".to_owned(), Source::Ap)?,
        };
        let clock = machine.fresh(|| "clock".to_owned(), Source::Clock)?;
        let start = [machine.pc.clone(), machine.ap.clone(), machine.fp.clone(), clock];
        let (inverses, owned, provided, owned_end) = (Vec::new(), Vec::new(), Vec::new(), None);
        Ok(Self { machine, enabler, start, instruction: None, steps: 0, inverses, owned, provided, owned_end })
    }

    /// Adds the inverse columns: one shows that two expressions are not 0, by `a · b · inverse = 1` of degree 3.
    pub(super) fn finish(mut self) -> Result<Self, DerivedError> {
        for pair in self.machine.nonzero.clone().chunks(2) {
            let name = || {
                format!("inverse of {}", pair.iter().map(|value| format!("({value})")).collect::<Vec<_>>().join(" · "))
            };
            self.inverses.push(self.machine.fresh(name, Source::Inverse(pair.to_vec()))?);
        }
        Ok(self)
    }

    /// How far `ap` moves, if that is a constant between 0 and [`MAX_OWNED`].
    fn advance(&self) -> Option<usize> {
        let [_, ap, ..] = &self.start;
        let moves = encoding::to_u64(&(&self.machine.ap - ap).as_constant()?)?;
        (moves <= u64::from(MAX_OWNED)).then_some(moves as usize)
    }

    /// The place of an address among `cells` ones from the starting `ap` on, if it is one of them on every row.
    fn place(&self, address: &Linear, cells: usize) -> Option<usize> {
        let [_, ap, ..] = &self.start;
        let place = usize::try_from(encoding::to_u64(&(address - ap).as_constant()?)?).ok()?;
        (place < cells).then_some(place)
    }

    /// See [`Followed::cells`].
    pub(super) fn cells(&self) -> Vec<bool> {
        let mut known = vec![false; self.advance().unwrap_or(0)];
        for cell in &self.machine.lookups {
            if let Some(place) = self.place(&cell.address, known.len()) {
                known.get_mut(place).into_iter().for_each(|known| *known = true);
            }
        }
        known
    }

    /// Takes the cells from `ap` before to `ap` after the row into its possession: they need no lookup, and those with a number in
    /// `owned` are provided, the ones that it does not know yet from a new column. One more column for each number of uses.
    ///
    /// A lookup is taken for an owned cell only if its address is `ap` plus a constant as an expression, so on every row: one at an offset that is a
    /// column, or relative to `fp`, remains a lookup, even where it is an owned cell.
    fn own(mut self, owned: &[u8], most: u32) -> Result<Self, DerivedError> {
        if owned.is_empty() {
            return Ok(self);
        }
        let [_, ap, ..] = &self.start;
        if (&self.machine.ap - ap).as_constant() != Some(Felt::from(owned.len() as u64)) || owned.len() > most as usize
        {
            return Err(DerivedError::Owned { owned: owned.len(), moves: (&self.machine.ap - ap).to_string() });
        }
        let ap = ap.clone();
        // Its places change, and nothing is executed from here on.
        self.machine.forget_cells();
        let mut cells: Vec<Option<Cell>> = vec![None; owned.len()];
        let mut others = Vec::with_capacity(self.machine.lookups.len());
        for cell in std::mem::take(&mut self.machine.lookups) {
            match self.place(&cell.address, owned.len()).and_then(|place| cells.get_mut(place)) {
                // Two values for one cell would have to be compared; addresses are keys, so there is only ever one.
                Some(Some(_)) => return Err(DerivedError::Contradiction { pc: self.machine.pc.to_string() }),
                Some(slot) => *slot = Some(cell),
                None => others.push(cell),
            }
        }
        self.machine.lookups = others;
        let mut provided: Vec<(Cell, u8)> = Vec::new();
        for (place, (cell, uses)) in (0..).zip(cells.iter_mut().zip(owned)) {
            if *uses == 0 {
                continue;
            }
            let cell = match cell {
                Some(cell) => cell,
                None => {
                    let (address, index) = (ap.offset(place), self.machine.columns.len());
                    let name = || format!("c{index} = [{address}]");
                    let value = self.machine.fresh(name, Source::Memory(address.clone()))?;
                    cell.insert(Cell { address, value })
                }
            };
            provided.push((cell.clone(), *uses));
        }
        let mut columns: Vec<Linear> = Vec::new();
        for number in 1..=owned.iter().copied().max().unwrap_or(0) {
            // Numbered in the order in which they occur, so each has a first cell.
            let first = provided.iter().find(|(_, uses)| *uses == number);
            let address = first
                .map(|(cell, _)| cell.address.clone())
                .ok_or(DerivedError::Encoding("a column of no cell's uses"))?;
            columns.push(self.machine.fresh(|| format!("uses of [{address}]"), Source::Uses(address.clone()))?);
        }
        let column = |uses: u8| columns.get(usize::from(uses).wrapping_sub(1)).cloned();
        self.provided = provided.into_iter().filter_map(|(cell, uses)| Some((cell, column(uses)?))).collect();
        self.owned = cells.into_iter().flatten().collect();
        self.owned_end = Some(ap.offset(owned.len() as i64));
        Ok(self)
    }

    pub(super) fn size(&self) -> TableSize {
        let owned = self.provided.len() + if self.owned_end.is_some() { 2 } else { 0 };
        let interactions = 2 + self.machine.lookups.len() + usize::from(self.instruction.is_some()) + owned;
        TableSize { columns: self.machine.columns.len(), interactions }
    }

    fn build(self, name: String) -> Result<Derived, DerivedError> {
        Ok(Derived { air: self.air(name)?, rows: self.into_rows() })
    }

    /// What [`Run::air`] comes to. Its tuples are linear, and no multiplicity has a degree above 2.
    fn outline(&self, name: String, log_height: u32) -> Outline {
        let machine = &self.machine;
        let equations = machine.zeros.len() + machine.products.len() + usize::from(machine.open.is_some());
        let instruction = self.instruction.iter().map(|_| buses::INSTRUCTION);
        let memory = std::iter::repeat_n(buses::MEMORY, machine.lookups.len() + self.provided.len());
        let owned = self.owned_end.iter().flat_map(|_| [buses::OWNED; 2]);
        let buses = [buses::STATE; 2].into_iter().chain(instruction).chain(memory).chain(owned);
        Outline {
            name,
            log_height,
            width: machine.columns.len(),
            next_columns: Vec::new(),
            periods: Vec::new(),
            constraints: 1 + equations + self.inverses.len(),
            interactions: buses.map(|bus| BusTerm { bus, is_pairable: true }).collect(),
        }
    }

    fn air(&self, name: String) -> Result<Air, DerivedError> {
        let mut builder = AirBuilder::new(name);
        let columns: Vec<Expr> = self.machine.columns.iter().map(|(name, _)| builder.column(name)).collect();
        let expr = |linear: &Linear| to_expr(linear, &columns);
        let enabler = expr(&self.enabler);
        // Like the names of columns, these take longer to write than all the rest.
        let named = self.machine.named();
        let label = |kind: &str, name: &dyn Fn() -> String| if named { name() } else { kind.to_owned() };

        builder.constrain_boolean("the enabler is boolean", &enabler);
        for zero in &self.machine.zeros {
            builder.constrain(label("an equation", &|| format!("{zero} = 0")), Rows::All, expr(zero));
        }
        for product in &self.machine.products {
            let name =
                label("a product", &|| format!("({}) · ({}) = {}", product.left, product.right, product.product));
            builder.constrain(name, Rows::All, expr(&product.left) * expr(&product.right) - expr(&product.product));
        }
        if let Some((dst, t)) = &self.machine.open {
            builder.constrain("a dst that is not 0 jumps", Rows::All, expr(dst) * (Expr::one() - expr(t)));
        }
        for (pair, inverse) in self.machine.nonzero.chunks(2).zip(&self.inverses) {
            let product = pair.iter().fold(expr(inverse), |product, factor| product * expr(factor));
            builder.constrain("the dst of a jump taken is not 0", Rows::All, product - 1);
        }

        builder.require("start", buses::STATE, &enabler, self.start.iter().map(expr));
        let [.., clock] = &self.start;
        let end = [&self.machine.pc, &self.machine.ap, &self.machine.fp, &clock.offset(i64::from(self.steps))];
        builder.provide("end", buses::STATE, &enabler, end.map(expr));
        if let Some(instruction) = &self.instruction {
            builder.require("instruction", buses::INSTRUCTION, &enabler, instruction.iter().map(expr));
        }
        for cell in &self.machine.lookups {
            let tuple = [expr(&cell.address), expr(&cell.value)];
            let name = label("a cell", &|| format!("[{}] = {}", cell.address, cell.value));
            builder.require(name, buses::MEMORY, &enabler, tuple);
        }
        for (cell, uses) in &self.provided {
            let tuple = [expr(&cell.address), expr(&cell.value)];
            let name = label("provides a cell", &|| format!("provides [{}] = {}", cell.address, cell.value));
            builder.provide(name, buses::MEMORY, &enabler * expr(uses), tuple);
        }
        if let (Some(end), [_, ap, ..]) = (&self.owned_end, &self.start) {
            builder.require("owns", buses::OWNED, &enabler, [expr(ap)]);
            builder.provide("owned", buses::OWNED, &enabler, [expr(end)]);
        }
        Ok(builder.build()?)
    }

    fn into_rows(self) -> RowContents {
        let machine = self.machine;
        let pairs = |cells: Vec<Cell>| cells.into_iter().map(|cell| [cell.address, cell.value]).collect();
        RowContents {
            sources: machine.columns.into_iter().map(|(_, source)| source).collect(),
            lookups: pairs(machine.lookups),
            owned: pairs(self.owned),
            zeros: machine.zeros,
            products: machine
                .products
                .into_iter()
                .map(|product| [product.left, product.right, product.product])
                .collect(),
            end: [machine.pc, machine.ap, machine.fp],
            fetches: self.instruction.is_some(),
            steps: self.steps,
        }
    }
}

fn to_expr(linear: &Linear, columns: &[Expr]) -> Expr {
    let terms = linear.terms().iter().filter_map(|(column, coefficient)| {
        // Every column of an expression exists.
        columns.get(*column as usize).map(|column| column * *coefficient)
    });
    Expr::sum(terms.chain((linear.constant_part() != Felt::zero()).then(|| Expr::from(linear.constant_part()))))
}
