//! The proof and its encoding. The shape and the query indices fix every length, so the encoding holds none.

use crate::hash::Digest;
use crate::merkle::{CAP, path_length};
use crate::shape::{Fold, Group, LOG_FINAL, QUOTIENT_CHUNKS, Shape, distinct};
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
    /// The quotient chunks at `ζ`.
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
        [group.main_width, group.next_columns.len(), group.aux_width(), running_sum, QUOTIENT_CHUNKS]
    }
}

/// The rows of a commitment at the query indices, with the batch opening of its tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opening {
    /// For each group with columns in this commitment, tallest first: a row for each of the [`distinct`] positions that the
    /// queries read in its LDE domain.
    pub rows: Vec<Vec<Vec<Felt>>>,
    /// The digests that lead from the tallest group's rows to the cap.
    pub path: Vec<Digest>,
}

/// The leaves of a FRI layer at the query indices, with the batch opening of its tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoldOpening {
    /// For each leaf that the queries read, ascending: its values without those that the verifier computes itself.
    pub siblings: Vec<Vec<Felt>>,
    /// The digests that lead from the leaves to the cap.
    pub path: Vec<Digest>,
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
    /// Commitment to the quotient chunks.
    pub quotient_cap: Vec<Digest>,
    /// Out-of-domain values of each group.
    pub openings: Vec<GroupOpenings>,
    /// Commitment to each FRI layer.
    pub fold_caps: Vec<Vec<Digest>>,
    /// Coefficients of the final polynomial, constant first.
    pub final_polynomial: Vec<Felt>,
    /// Solution of the grinding puzzle.
    pub nonce: u64,
    /// The query indices, in the order in which the transcript gives them, with repetitions. They follow from all the
    /// above; that they are here as well makes decoding independent of the transcript.
    pub indices: Vec<u64>,
    /// Main columns at the query indices.
    pub main: Opening,
    /// LogUp columns at the query indices.
    pub lookup: Opening,
    /// Quotient chunks at the query indices.
    pub quotient: Opening,
    /// The FRI layers at the query indices.
    pub folds: Vec<FoldOpening>,
}

/// Why bytes are not a proof of the expected shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Too short to hold the query indices, from which the exact length follows.
    #[error("the proof has {found} bytes; one of this shape has more than {head}")]
    Short {
        /// Bytes up to the query indices, and with them.
        head: usize,
        /// Bytes given.
        found: usize,
    },
    /// The length that shape and query indices fix, and the one found.
    #[error("the proof has {found} bytes; one of this shape and these query indices has exactly {expected}")]
    Length {
        /// Bytes that shape and indices fix.
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
    [group.main_width, group.aux_width(), QUOTIENT_CHUNKS]
}

/// The matrices of commitment `which`, one a group with columns in it: `log2` of the number of rows, and the width.
pub(crate) fn matrices(shape: &Shape, which: usize) -> impl Iterator<Item = (u32, usize)> {
    let matrices = shape.groups.iter().map(move |group| (shape.log_lde(group), committed_widths(group)[which]));
    matrices.filter(|(_, width)| *width > 0)
}

/// Nodes in the cap of commitment `which`: none if it holds no columns.
pub(crate) fn cap_length(shape: &Shape, which: usize) -> usize {
    matrices(shape, which).next().map_or(0, |_| CAP)
}

/// Digests in the batch opening of commitment `which` at these query indices.
pub(crate) fn opening_path_length(shape: &Shape, which: usize, indices: &[u64]) -> usize {
    let tallest = matrices(shape, which).next();
    tallest.map_or(0, |(log_leaves, _)| path_length(log_leaves, &distinct(indices, log_leaves)))
}

/// For each leaf of a FRI layer that the queries read, ascending: the codeword indices of the values that the verifier does
/// not compute itself, since no query arrives there from the layer before.
pub(crate) fn unknown_values(fold: Fold, indices: &[u64]) -> Vec<Vec<u64>> {
    let known = distinct(indices, fold.log_size);
    let unknown = |leaf| fold.indices(leaf).filter(|index| known.binary_search(index).is_err()).collect();
    distinct(indices, fold.log_leaves()).into_iter().map(unknown).collect()
}

/// Writes or reads a proof field by field. Both directions walk the same list of fields, so they cannot differ.
trait Codec {
    fn felts(&mut self, elements: &mut Vec<Felt>, count: usize) -> Result<(), DecodeError>;
    fn digests(&mut self, digests: &mut Vec<Digest>, count: usize) -> Result<(), DecodeError>;
    fn word(&mut self, word: &mut u64) -> Result<(), DecodeError>;
}

/// The fields up to the query indices, whose lengths the shape fixes.
fn walk_head(proof: &mut Proof, shape: &Shape, codec: &mut impl Codec) -> Result<(), DecodeError> {
    codec.digests(&mut proof.main_cap, cap_length(shape, 0))?;
    codec.digests(&mut proof.lookup_cap, cap_length(shape, 1))?;
    codec.felts(&mut proof.totals, shape.groups.len())?;
    codec.digests(&mut proof.quotient_cap, cap_length(shape, 2))?;
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
    proof.indices.resize(shape.queries, 0);
    proof.indices.iter_mut().try_for_each(|index| codec.word(index))
}

/// The fields after the query indices, whose lengths follow from shape and indices.
fn walk_queries(proof: &mut Proof, shape: &Shape, codec: &mut impl Codec) -> Result<(), DecodeError> {
    let Proof { indices, main, lookup, quotient, folds, .. } = proof;
    for (which, opening) in [main, lookup, quotient].into_iter().enumerate() {
        opening.rows.resize_with(matrices(shape, which).count(), Vec::new);
        for (rows, (log_height, width)) in opening.rows.iter_mut().zip(matrices(shape, which)) {
            rows.resize_with(distinct(indices, log_height).len(), Vec::new);
            rows.iter_mut().try_for_each(|row| codec.felts(row, width))?;
        }
        codec.digests(&mut opening.path, opening_path_length(shape, which, indices))?;
    }
    folds.resize_with(shape.folds.len(), FoldOpening::default);
    for (opening, fold) in folds.iter_mut().zip(&shape.folds) {
        let unknown = unknown_values(*fold, indices);
        opening.siblings.resize_with(unknown.len(), Vec::new);
        for (siblings, unknown) in opening.siblings.iter_mut().zip(unknown) {
            codec.felts(siblings, unknown.len())?;
        }
        let leaves = distinct(indices, fold.log_leaves());
        codec.digests(&mut opening.path, path_length(fold.log_leaves(), &leaves))?;
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
    /// Bytes of a proof of this shape up to the query indices, and with them.
    fn head_len(shape: &Shape) -> usize {
        let mut measure = Measure(0);
        // Counting bytes has no way to fail.
        let _ = walk_head(&mut Self::default(), shape, &mut measure);
        measure.0
    }

    /// Bytes of a proof of this shape with these query indices.
    pub fn encoded_len(indices: &[u64], shape: &Shape) -> usize {
        let mut measure = Measure(Self::head_len(shape));
        let mut skeleton = Self { indices: indices.to_vec(), ..Self::default() };
        let _ = walk_queries(&mut skeleton, shape, &mut measure);
        measure.0
    }

    /// Fewest bytes of a proof of this shape, whatever its query indices: those of a proof whose indices are all the same. A further one
    /// adds a row to each matrix, and saves at most one digest or value for it.
    pub fn least_len(shape: &Shape) -> usize {
        Self::encoded_len(&vec![0; shape.queries], shape)
    }

    /// Encodes a proof of this shape: its fields in the order of `docs/PROTOCOL.md`, elements in Montgomery form.
    pub fn encode(&self, shape: &Shape) -> Vec<u8> {
        let mut writer = Writer(Vec::with_capacity(Self::encoded_len(&self.indices, shape)));
        let mut proof = self.clone();
        // Nor has writing.
        let _ = walk_head(&mut proof, shape, &mut writer).and_then(|()| walk_queries(&mut proof, shape, &mut writer));
        writer.0
    }

    /// Reads a proof of this shape. The lengths of its two parts are compared before anything is allocated for them.
    ///
    /// # Errors
    /// [`DecodeError`] for a wrong length or an element that is not reduced.
    pub fn decode(bytes: &[u8], shape: &Shape) -> Result<Self, DecodeError> {
        let (head, found) = (Self::head_len(shape), bytes.len());
        if found < head {
            return Err(DecodeError::Short { head, found });
        }
        let mut proof = Self::default();
        let mut reader = Reader { bytes, offset: 0, expected: found };
        walk_head(&mut proof, shape, &mut reader)?;
        reader.expected = Self::encoded_len(&proof.indices, shape);
        if found != reader.expected {
            return Err(DecodeError::Length { expected: reader.expected, found });
        }
        walk_queries(&mut proof, shape, &mut reader)?;
        Ok(proof)
    }
}
