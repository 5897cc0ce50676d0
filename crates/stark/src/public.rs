//! The public side of the bus sum, without an allocation for each term: a program's words alone may be a million of them.

use crate::air::Bus;
use crate::table::{PublicTuple, TableError};
use felt::Felt;

/// Terms of the bus sum that the verifier computes itself from the statement, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicTerms {
    /// Of all tuples, one after the other.
    entries: Vec<Felt>,
    /// Neighbours differ in more than their number.
    runs: Vec<Run>,
    len: usize,
}

/// Terms, one after the other, of one bus, one multiplicity and one number of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    bus: Bus,
    multiplicity: Felt,
    width: usize,
    count: usize,
}

/// As many terms as come one after the other and have all but their entries in common.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The bus.
    pub bus: Bus,
    /// Of each: positive to provide, negative to require.
    pub multiplicity: Felt,
    /// Number of entries of each tuple. Whether that is the bus's arity is for [`check_public`] to say.
    pub width: usize,
    /// How many they are; not zero.
    pub count: usize,
    /// The entries, tuple by tuple.
    pub entries: &'a [Felt],
}

impl<'a> Terms<'a> {
    /// The tuples.
    pub fn tuples(self) -> impl Iterator<Item = &'a [Felt]> {
        (0..self.count).map(move |i| &self.entries[i * self.width..(i + 1) * self.width])
    }
}

impl PublicTerms {
    /// No terms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a term.
    pub fn push(&mut self, bus: Bus, multiplicity: Felt, tuple: impl IntoIterator<Item = Felt>) {
        let before = self.entries.len();
        self.entries.extend(tuple);
        self.count(Run { bus, multiplicity, width: self.entries.len() - before, count: 1 });
    }

    /// Appends a tuple that the statement offers once.
    pub fn provide(&mut self, bus: Bus, tuple: impl IntoIterator<Item = Felt>) {
        self.push(bus, Felt::one(), tuple);
    }

    /// Appends a tuple that the statement demands once.
    pub fn require(&mut self, bus: Bus, tuple: impl IntoIterator<Item = Felt>) {
        self.push(bus, -Felt::one(), tuple);
    }

    /// Appends tuples that the statement demands once each.
    pub fn require_each<const N: usize>(&mut self, bus: Bus, tuples: impl Iterator<Item = [Felt; N]>) {
        self.entries.reserve(tuples.size_hint().0.saturating_mul(N));
        let mut count = 0;
        for tuple in tuples {
            self.entries.extend_from_slice(&tuple);
            count += 1;
        }
        self.count(Run { bus, multiplicity: -Felt::one(), width: N, count });
    }

    /// Terms whose entries have been appended.
    fn count(&mut self, run: Run) {
        self.len += run.count;
        match self.runs.last_mut() {
            Some(last) if (last.bus, last.width, last.multiplicity) == (run.bus, run.width, run.multiplicity) => {
                last.count += run.count;
            }
            _ if run.count == 0 => {}
            _ => self.runs.push(run),
        }
    }

    /// Number of terms.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no terms.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All terms in order, by what they have in common.
    pub fn runs(&self) -> impl Iterator<Item = Terms<'_>> {
        let mut rest = self.entries.as_slice();
        self.runs.iter().map(move |Run { bus, multiplicity, width, count }| {
            let (entries, others) = rest.split_at(width * count);
            rest = others;
            Terms { bus: *bus, multiplicity: *multiplicity, width: *width, count: *count, entries }
        })
    }

    /// The terms, each by itself.
    pub fn to_tuples(&self) -> Vec<PublicTuple> {
        let one =
            |Terms { bus, multiplicity, .. }, tuple: &[Felt]| PublicTuple { bus, multiplicity, tuple: tuple.to_vec() };
        self.runs().flat_map(|terms| terms.tuples().map(move |tuple| one(terms, tuple))).collect()
    }
}

impl<'a> FromIterator<&'a PublicTuple> for PublicTerms {
    fn from_iter<I: IntoIterator<Item = &'a PublicTuple>>(tuples: I) -> Self {
        let mut terms = Self::new();
        for PublicTuple { bus, multiplicity, tuple } in tuples {
            terms.push(*bus, *multiplicity, tuple.iter().copied());
        }
        terms
    }
}

impl From<&[PublicTuple]> for PublicTerms {
    fn from(tuples: &[PublicTuple]) -> Self {
        tuples.iter().collect()
    }
}

/// Checks that public tuples have the arities of their buses.
///
/// # Errors
/// [`TableError::Arity`] for the first that has not.
pub fn check_public(public: &PublicTerms) -> Result<(), TableError> {
    for Terms { bus: Bus { id, name, arity }, width, .. } in public.runs() {
        if width != arity {
            return Err(TableError::Arity { id, name, expected: arity, found: width });
        }
    }
    Ok(())
}
