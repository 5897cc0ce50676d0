//! From a layout to its tables in stages, so that a verifier can refuse before the next, dearer one: outlines, bus terms of the rows in the
//! disclosed, constraints of these rows, AIRs.

use crate::buses;
use crate::claim::Claim;
use crate::components::derived::Executed;
use crate::components::{ComponentError, Context, Occurrence, TableKind};
use crate::layout::{DisclosedTable, Layout, LayoutError, MAX_DISCLOSED_WORK, cells};
use crate::program::Program;
use stark::{Air, DisclosedError, Outline, Outlined, PublicTerms, PublicTuple, Table, check_tables};
use std::sync::Arc;

/// A table's AIR, or for a path or a word what it will be made from.
#[derive(Debug)]
enum Plan<'a> {
    Air(Arc<Air>),
    Executed(Box<Executed<'a>>),
}

impl<'a> Plan<'a> {
    fn new(kind: &TableKind, context: Context<'a>, named: bool) -> Result<Self, ComponentError> {
        Ok(match kind {
            TableKind::Path(path) => Self::Executed(Box::new(path.execute(context.program, named)?)),
            TableKind::Word(word) => Self::Executed(Box::new(word.execute(named)?)),
            TableKind::OwningWord(word) => Self::Executed(Box::new(word.execute(named)?)),
            plain => Self::Air(Arc::new(plain.component().air(context)?)),
        })
    }

    fn outline(&self, log_height: u32) -> Outline {
        match self {
            Self::Air(air) => Table { air: Arc::clone(air), log_height }.outline().into_owned(),
            Self::Executed(executed) => executed.outline(log_height),
        }
    }

    /// The AIR, constructed once.
    fn air(&mut self) -> Result<Arc<Air>, ComponentError> {
        let air = match self {
            Self::Air(air) => return Ok(Arc::clone(air)),
            Self::Executed(executed) => Arc::new(executed.air()?),
        };
        *self = Self::Air(Arc::clone(&air));
        Ok(air)
    }
}

/// The tables of a layout whose outlines are known and have been checked.
#[derive(Debug)]
pub struct Draft<'a> {
    layout: &'a Layout,
    outlines: Vec<Outline>,
    /// One for all tables of a kind, but for memory.
    plans: Vec<Plan<'a>>,
    /// For each committed table its plan, and for each disclosed one.
    committed: Vec<usize>,
    disclosed: Vec<usize>,
}

impl Layout {
    /// The first stage, for a layout that has passed [`Layout::check`]: executes paths and words, and checks all that can be said without
    /// their AIRs. Without names, AIRs of derived tables will not name their columns, and their constraints only by their kind.
    ///
    /// # Errors
    /// The first [`LayoutError`] found.
    pub fn draft<'a>(&'a self, program: &'a Program, claim: &'a Claim, named: bool) -> Result<Draft<'a>, LayoutError> {
        let mut draft = Draft {
            layout: self,
            outlines: Vec::with_capacity(self.tables.len()),
            plans: Vec::new(),
            committed: Vec::with_capacity(self.tables.len()),
            disclosed: Vec::with_capacity(self.disclosed.len()),
        };
        draft.plan_committed(program, claim, named)?;
        check_tables(&draft.outlines)?;
        let disclosed = draft.plan_disclosed(program, claim, named)?;
        draft.check_providers(&disclosed, claim)?;
        Ok(draft)
    }
}

impl<'a> Draft<'a> {
    fn plan_committed(&mut self, program: &'a Program, claim: &'a Claim, named: bool) -> Result<(), LayoutError> {
        let mut memory_start = u64::from(claim.owned_end);
        let mut last: Option<&TableKind> = None;
        for (position, entry) in self.layout.tables.iter().enumerate() {
            let kind = &entry.kind;
            // Chunks of one kind share an AIR, but for memory, where each begins at another address.
            if last != Some(kind) || *kind == TableKind::Memory {
                let context = Context { program, claim, memory_start };
                self.plans.push(Plan::new(kind, context, named).map_err(|error| component(position, kind, error))?);
            }
            if *kind == TableKind::Memory {
                memory_start += cells(entry);
            }
            let plan = self.plans.len().saturating_sub(1);
            self.outlines.push(self.plans[plan].outline(entry.log_height));
            self.committed.push(plan);
            last = Some(kind);
        }
        Ok(())
    }

    /// Gives the outlines of the disclosed tables, if looking at their rows is not too much.
    fn plan_disclosed(
        &mut self,
        program: &'a Program,
        claim: &'a Claim,
        named: bool,
    ) -> Result<Vec<Outline>, LayoutError> {
        let mut work: u64 = 0;
        let mut outlines = Vec::with_capacity(self.layout.disclosed.len());
        for (position, table) in self.layout.disclosed.iter().enumerate() {
            let kind = &table.kind;
            // A committed table of the kind has the same AIR; but for memory, which cannot be disclosed.
            let committed = self.layout.tables.iter().position(|entry| entry.kind == *kind);
            let plan = match committed.and_then(|position| self.committed.get(position)) {
                Some(plan) => *plan,
                None => {
                    let context = Context { program, claim, memory_start: 0 };
                    self.plans.push(Plan::new(kind, context, named).map_err(|error| component(position, kind, error))?);
                    self.plans.len() - 1
                }
            };
            if let Plan::Air(air) = &self.plans[plan] {
                air.check_local().map_err(|error| refused(position, table, error))?;
            }
            let outline = self.plans[plan].outline(0);
            if table.width != outline.width {
                return Err(refused(
                    position,
                    table,
                    DisclosedError::Width { found: table.width, expected: outline.width },
                ));
            }
            work = work.saturating_add(outline.row_work().saturating_mul(table.rows() as u64));
            if work > MAX_DISCLOSED_WORK {
                return Err(LayoutError::TooMuchDisclosed(work));
            }
            self.disclosed.push(plan);
            outlines.push(outline);
        }
        Ok(outlines)
    }

    /// A lookup table is there exactly if some table requires from its bus; for instructions the claim's list of fetches may
    /// stand in its place.
    fn check_providers(&self, disclosed: &[Outline], claim: &Claim) -> Result<(), LayoutError> {
        let outlines = || self.outlines.iter().chain(disclosed);
        let providers = TableKind::plain().map(|kind| kind.component().occurrence());
        for provider in providers {
            let Occurrence::IfRequired(bus) = provider else { continue };
            let required = self.layout.kinds().zip(outlines()).any(|(kind, outline)| {
                kind.component().occurrence() != provider && outline.interactions.iter().any(|term| term.bus == bus)
            });
            let listed = bus == buses::INSTRUCTION && !claim.fetches.is_empty();
            if listed && !required {
                return Err(LayoutError::IdleFetches);
            }
            let (expected, found) = (usize::from(required && !listed), self.layout.count(provider));
            if found != expected {
                return Err(LayoutError::Provider { bus, expected, found });
            }
        }
        Ok(())
    }

    /// The outlines of the committed tables.
    pub fn outlines(&self) -> &[Outline] {
        &self.outlines
    }

    /// The second stage: appends the bus terms of the disclosed rows.
    ///
    /// # Errors
    /// The first [`LayoutError`] found.
    pub fn append_disclosed(&mut self, terms: &mut PublicTerms) -> Result<(), LayoutError> {
        self.each_disclosed(|air, table| stark::disclosed::append_terms(air, &table.cells, terms))
    }

    /// [`append_disclosed`](Self::append_disclosed), each by itself.
    ///
    /// # Errors
    /// The first [`LayoutError`] found.
    pub fn disclosed_tuples(&mut self) -> Result<Vec<PublicTuple>, LayoutError> {
        let mut terms = PublicTerms::new();
        self.append_disclosed(&mut terms)?;
        Ok(terms.to_tuples())
    }

    /// The third stage: whether the constraints hold on the disclosed rows.
    ///
    /// # Errors
    /// The first [`LayoutError`] found.
    pub fn check_disclosed(&mut self) -> Result<(), LayoutError> {
        self.each_disclosed(|air, table| stark::disclosed::check_rows(air, &table.cells))
    }

    fn each_disclosed(
        &mut self,
        mut see: impl FnMut(&Air, &DisclosedTable) -> Result<(), DisclosedError>,
    ) -> Result<(), LayoutError> {
        for (position, (table, plan)) in self.layout.disclosed.iter().zip(&self.disclosed).enumerate() {
            let air = self.plans[*plan].air().map_err(|error| component(position, &table.kind, error))?;
            see(&air, table).map_err(|error| refused(position, table, error))?;
        }
        Ok(())
    }

    /// The last stage: the committed tables.
    ///
    /// # Errors
    /// [`LayoutError::Component`], which would be a mistake here.
    pub fn tables(&mut self) -> Result<Vec<Table>, LayoutError> {
        let entries = self.layout.tables.iter().zip(&self.committed).enumerate();
        entries
            .map(|(position, (entry, plan))| {
                let air = self.plans[*plan].air().map_err(|error| component(position, &entry.kind, error))?;
                Ok(Table { air, log_height: entry.log_height })
            })
            .collect()
    }
}

fn component(position: usize, kind: &TableKind, error: ComponentError) -> LayoutError {
    LayoutError::Component { position, kind: kind.to_string(), error: Box::new(error) }
}

fn refused(position: usize, table: &DisclosedTable, error: DisclosedError) -> LayoutError {
    LayoutError::Disclosed { position, kind: table.kind.to_string(), error }
}

#[cfg(test)]
mod tests;
