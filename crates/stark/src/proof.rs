//! The proof and its encoding. The shape fixes every length, so the encoding holds none.

use crate::hash::Digest;
use crate::merkle::{CAP, path_length};
use crate::shape::{Group, LOG_FINAL, QUOTIENT_PIECES, Shape};
use felt::{Felt, encoding};

/// A height group's column values at the out-of-domain point `ζ` and at `ζ·g`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupOpenings {
    /// Every main column at `ζ`.
    pub main: Vec<Felt>,
    /// The main columns that are read on the next row, at `ζ·g`.
    pub main_next: Vec<Felt>,
    /// Every LogUp column at `ζ`.
    pub aux: Vec<Felt>,
    /// The running sum at `ζ·g`, if there are LogUp columns.
    pub aux_next: Vec<Felt>,
    /// The quotient pieces at `ζ`.
    pub quotient: Vec<Felt>,
}

impl GroupOpenings {
    /// The five parts in the order in which they are absorbed, encoded and combined.
    pub const fn parts(&self) -> [&Vec<Felt>; 5] {
        [&self.main, &self.main_next, &self.aux, &self.aux_next, &self.quotient]
    }

    /// The lengths that the parts must have.
    pub fn lengths(group: &Group) -> [usize; 5] {
        let running_sum = usize::from(!group.batches.is_empty());
        [group.main_width, group.next_columns.len(), group.aux_width(), running_sum, QUOTIENT_PIECES]
    }
}

/// One query's rows of a commitment, one a group that has columns in it, with the Merkle path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opening {
    /// A row for each group with columns in this commitment, tallest first.
    pub rows: Vec<Vec<Felt>>,
    /// Siblings from the leaf to the cap.
    pub path: Vec<Digest>,
}

/// One query's leaf of a FRI layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoldOpening {
    /// The values that fold together, without the one that the verifier computes itself.
    pub siblings: Vec<Felt>,
    /// Siblings from the leaf to the cap.
    pub path: Vec<Digest>,
}

/// Everything opened at one query index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Main columns.
    pub main: Opening,
    /// LogUp columns.
    pub lookup: Opening,
    /// Quotient pieces.
    pub quotient: Opening,
    /// FRI layers.
    pub folds: Vec<FoldOpening>,
}

/// A proof.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    /// Commitment to the main columns.
    pub main_cap: Vec<Digest>,
    /// Commitment to the LogUp columns.
    pub lookup_cap: Vec<Digest>,
    /// Each group's share of the bus sum.
    pub totals: Vec<Felt>,
    /// Commitment to the quotient pieces.
    pub quotient_cap: Vec<Digest>,
    /// Out-of-domain values of each group.
    pub openings: Vec<GroupOpenings>,
    /// Commitment to each FRI layer.
    pub fold_caps: Vec<Vec<Digest>>,
    /// Coefficients of the final polynomial, constant first.
    pub final_polynomial: Vec<Felt>,
    /// Solution of the grinding puzzle.
    pub nonce: u64,
    /// The queries, in the order in which the transcript gives their indices.
    pub queries: Vec<Query>,
}

/// Why bytes are not a proof of the expected shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The length that the shape fixes, and the one found.
    #[error("the proof has {found} bytes; one of this shape has exactly {expected}")]
    Length {
        /// Bytes that the shape fixes.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// A field element that is not below the modulus.
    #[error("the field element at byte {offset} is not below the modulus")]
    NonCanonical {
        /// Its first byte.
        offset: usize,
    },
}

/// Columns that each of the three commitments holds for a group.
pub(crate) fn committed_widths(group: &Group) -> [usize; 3] {
    [group.main_width, group.aux_width(), QUOTIENT_PIECES]
}

/// The tallest group with columns in commitment `which`, as `log2` of its LDE.
pub(crate) fn log_leaves(shape: &Shape, which: usize) -> Option<u32> {
    shape.groups.iter().find(|group| committed_widths(group)[which] > 0).map(|group| shape.log_lde(group))
}

/// Writes or reads a proof field by field. Both directions walk the same list of fields, so they cannot differ.
trait Codec {
    fn felts(&mut self, elements: &mut Vec<Felt>, count: usize) -> Result<(), DecodeError>;
    fn digests(&mut self, digests: &mut Vec<Digest>, count: usize) -> Result<(), DecodeError>;
    fn word(&mut self, word: &mut u64) -> Result<(), DecodeError>;
}

fn walk(proof: &mut Proof, shape: &Shape, codec: &mut impl Codec) -> Result<(), DecodeError> {
    let cap = |which| if log_leaves(shape, which).is_some() { CAP } else { 0 };
    codec.digests(&mut proof.main_cap, cap(0))?;
    codec.digests(&mut proof.lookup_cap, cap(1))?;
    codec.felts(&mut proof.totals, shape.groups.len())?;
    codec.digests(&mut proof.quotient_cap, cap(2))?;
    proof.openings.resize_with(shape.groups.len(), GroupOpenings::default);
    for (openings, group) in proof.openings.iter_mut().zip(&shape.groups) {
        let [main, main_next, aux, aux_next, quotient] = GroupOpenings::lengths(group);
        codec.felts(&mut openings.main, main)?;
        codec.felts(&mut openings.main_next, main_next)?;
        codec.felts(&mut openings.aux, aux)?;
        codec.felts(&mut openings.aux_next, aux_next)?;
        codec.felts(&mut openings.quotient, quotient)?;
    }
    proof.fold_caps.resize_with(shape.folds.len(), Vec::new);
    for caps in &mut proof.fold_caps {
        codec.digests(caps, CAP)?;
    }
    codec.felts(&mut proof.final_polynomial, 1 << LOG_FINAL)?;
    codec.word(&mut proof.nonce)?;
    proof.queries.resize_with(shape.queries, Query::default);
    for query in &mut proof.queries {
        for (which, opening) in [&mut query.main, &mut query.lookup, &mut query.quotient].into_iter().enumerate() {
            let widths: Vec<_> =
                shape.groups.iter().map(|group| committed_widths(group)[which]).filter(|&w| w > 0).collect();
            opening.rows.resize_with(widths.len(), Vec::new);
            for (row, width) in opening.rows.iter_mut().zip(widths) {
                codec.felts(row, width)?;
            }
            codec.digests(&mut opening.path, log_leaves(shape, which).map_or(0, path_length))?;
        }
        query.folds.resize_with(shape.folds.len(), FoldOpening::default);
        for (opening, fold) in query.folds.iter_mut().zip(&shape.folds) {
            codec.felts(&mut opening.siblings, (1 << fold.log_arity) - 1)?;
            codec.digests(&mut opening.path, path_length(fold.log_size - fold.log_arity))?;
        }
    }
    Ok(())
}

/// Counts bytes.
struct Measure(usize);

impl Codec for Measure {
    fn felts(&mut self, _: &mut Vec<Felt>, count: usize) -> Result<(), DecodeError> {
        self.0 += count * encoding::BYTES;
        Ok(())
    }
    fn digests(&mut self, _: &mut Vec<Digest>, count: usize) -> Result<(), DecodeError> {
        self.0 += count * 32;
        Ok(())
    }
    fn word(&mut self, _: &mut u64) -> Result<(), DecodeError> {
        self.0 += 8;
        Ok(())
    }
}

struct Writer(Vec<u8>);

impl Codec for Writer {
    fn felts(&mut self, elements: &mut Vec<Felt>, _: usize) -> Result<(), DecodeError> {
        self.0.extend(elements.iter().flat_map(encoding::to_bytes));
        Ok(())
    }
    fn digests(&mut self, digests: &mut Vec<Digest>, _: usize) -> Result<(), DecodeError> {
        self.0.extend_from_slice(digests.as_flattened());
        Ok(())
    }
    fn word(&mut self, word: &mut u64) -> Result<(), DecodeError> {
        self.0.extend_from_slice(&word.to_le_bytes());
        Ok(())
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    expected: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let end = DecodeError::Length { expected: self.expected, found: self.offset + self.bytes.len() };
        let (head, tail) = self.bytes.split_first_chunk::<N>().ok_or(end)?;
        self.bytes = tail;
        self.offset += N;
        Ok(*head)
    }
}

impl Codec for Reader<'_> {
    fn felts(&mut self, elements: &mut Vec<Felt>, count: usize) -> Result<(), DecodeError> {
        elements.reserve_exact(count);
        for _ in 0..count {
            let offset = self.offset;
            let bytes = self.take::<{ encoding::BYTES }>()?;
            elements.push(encoding::from_bytes(&bytes).ok_or(DecodeError::NonCanonical { offset })?);
        }
        Ok(())
    }
    fn digests(&mut self, digests: &mut Vec<Digest>, count: usize) -> Result<(), DecodeError> {
        digests.reserve_exact(count);
        for _ in 0..count {
            digests.push(self.take::<32>()?);
        }
        Ok(())
    }
    fn word(&mut self, word: &mut u64) -> Result<(), DecodeError> {
        *word = u64::from_le_bytes(self.take::<8>()?);
        Ok(())
    }
}

impl Proof {
    /// Bytes of a proof of this shape.
    pub fn encoded_len(shape: &Shape) -> usize {
        let mut measure = Measure(0);
        // Counting bytes has no way to fail; the skeleton holds empty vectors only.
        let _ = walk(&mut Self::default(), shape, &mut measure);
        measure.0
    }

    /// Encodes a proof of this shape: its fields in the order of `docs/PROTOCOL.md`, elements in Montgomery form.
    pub fn encode(&self, shape: &Shape) -> Vec<u8> {
        let mut writer = Writer(Vec::with_capacity(Self::encoded_len(shape)));
        let _ = walk(&mut self.clone(), shape, &mut writer);
        writer.0
    }

    /// Reads a proof of this shape. The length is compared before anything is allocated.
    ///
    /// # Errors
    /// [`DecodeError`] for a wrong length or an element that is not reduced.
    pub fn decode(bytes: &[u8], shape: &Shape) -> Result<Self, DecodeError> {
        let expected = Self::encoded_len(shape);
        if bytes.len() != expected {
            return Err(DecodeError::Length { expected, found: bytes.len() });
        }
        let mut proof = Self::default();
        walk(&mut proof, shape, &mut Reader { bytes, offset: 0, expected })?;
        Ok(proof)
    }
}
