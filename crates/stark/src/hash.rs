//! BLAKE3 with a key for each purpose, so that leaves, inner nodes and injected rows can never stand for one another.
//!
//! Whatever is hashed is cut into pieces of at most 1024 bytes, each a whole number of 64-byte blocks, so that many inputs of
//! one length can be hashed side by side on the lanes of the machine. [`hash_row`] and its like are the definition, with
//! BLAKE3's plain interface; [`RowHasher`] and its like give the same digests for many at once.

use blake3::IncrementCounter;
use blake3::platform::Platform;
use felt::memory::prefetch;
use felt::{Felt, encoding};

/// A BLAKE3 digest.
pub type Digest = [u8; 32];

const ROW_KEY: &[u8; 32] = b"cairn merkle tree: row of values";
const JOIN_KEY: &[u8; 32] = b"cairn merkle tree: joined pieces";
const NODE_KEY: &[u8; 32] = b"cairn merkle tree: inner node   ";
const INJECT_KEY: &[u8; 32] = b"cairn merkle tree: injected row ";
const GRIND_KEY: &[u8; 32] = b"cairn grinding                  ";

/// Bytes of a block of BLAKE3.
const BLOCK: usize = 64;

/// Bytes of a piece: a chunk of BLAKE3, beyond which it builds a tree.
const PIECE: usize = 1024;

/// Elements of a piece. Rows up to this width have the piece's digest as theirs.
pub const PIECE_ELEMENTS: usize = PIECE / encoding::BYTES;

/// Inputs hashed side by side.
const LANES: usize = 16;

/// Rows that a [`RowHasher`] takes at once. More than it has lanes, so that it reads longer runs of each column.
pub const BATCH: usize = 64;

/// What is hashed part by part, each of a few bytes: BLAKE3 gets it in pieces that are long enough, and cut where it cuts its tree, to be hashed
/// on all lanes of the machine. The digest is that of the parts one after the other.
#[derive(Debug)]
pub struct Parts {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl Parts {
    /// Chunks enough for the widest machine, and still in a core's cache.
    const LEN: usize = 1 << 16;

    /// Behind what the hasher has taken already.
    pub fn new(hasher: blake3::Hasher) -> Self {
        Self { hasher, buffer: Vec::with_capacity(Self::LEN) }
    }

    /// Appends a part.
    #[inline]
    pub fn push(&mut self, part: &[u8]) {
        self.buffer.extend_from_slice(part);
        if self.buffer.len() >= Self::LEN {
            self.flush();
        }
    }

    /// Up to where a subtree ends.
    #[cold]
    fn flush(&mut self) {
        let end = self.hasher.count() + self.buffer.len() as u64;
        let whole = self.buffer.len().saturating_sub((end % Self::LEN as u64) as usize);
        self.hasher.update(&self.buffer[..whole]);
        self.buffer.drain(..whole);
    }

    /// The hasher behind all parts.
    pub fn finish(mut self) -> blake3::Hasher {
        self.hasher.update(&self.buffer);
        self.hasher
    }
}

/// Digest of one row: its elements in Montgomery form, 32 bytes each, padded with zeros to whole blocks. (The number of
/// elements is fixed for each matrix, so padding cannot be mistaken for elements.) A row of more than one piece is hashed
/// piece by piece, then the digests together.
pub fn hash_row<'a>(row: impl Iterator<Item = &'a Felt>) -> Digest {
    let mut pieces = Vec::new();
    let mut buffer = [0u8; PIECE];
    let mut filled = 0;
    for element in row {
        if filled == PIECE {
            pieces.push(keyed(ROW_KEY, &buffer));
            filled = 0;
        }
        buffer[filled..filled + encoding::BYTES].copy_from_slice(&encoding::to_bytes(element));
        filled += encoding::BYTES;
    }
    let padded = filled.next_multiple_of(BLOCK);
    buffer[filled..padded].fill(0);
    let last = keyed(ROW_KEY, &buffer[..padded]);
    if pieces.is_empty() {
        return last;
    }
    pieces.push(last);
    join(&pieces)
}

/// One digest of those of a row's pieces.
fn join(pieces: &[Digest]) -> Digest {
    let mut bytes = pieces.as_flattened().to_vec();
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    keyed(JOIN_KEY, &bytes)
}

fn keyed(key: &[u8; 32], bytes: &[u8]) -> Digest {
    *blake3::keyed_hash(key, bytes).as_bytes()
}

fn hash_two(key: &[u8; 32], left: &Digest, right: &Digest) -> Digest {
    keyed(key, &two(left, right))
}

fn two(left: &Digest, right: &Digest) -> [u8; BLOCK] {
    let mut block = [0u8; BLOCK];
    block[..32].copy_from_slice(left);
    block[32..].copy_from_slice(right);
    block
}

/// Digest of an inner node from its children.
pub fn hash_node(left: &Digest, right: &Digest) -> Digest {
    hash_two(NODE_KEY, left, right)
}

/// Digest of a node into which the row of a smaller matrix is injected.
pub fn hash_inject(node: &Digest, row: &Digest) -> Digest {
    hash_two(INJECT_KEY, node, row)
}

/// [`hash_node`] of `left[i]` and `right[i]` for each `i`.
pub fn hash_nodes(left: &[Digest], right: &[Digest], out: &mut [Digest]) {
    hash_pairs(NODE_KEY, left, right, out);
}

/// [`hash_inject`] of `nodes[i]` and `rows[i]` for each `i`, in place.
pub fn inject_rows(nodes: &mut [Digest], rows: &[Digest]) {
    for (nodes, rows) in nodes.chunks_mut(LANES).zip(rows.chunks(LANES)) {
        let mut old = [[0; 32]; LANES];
        old[..nodes.len()].copy_from_slice(nodes);
        hash_pairs(INJECT_KEY, &old[..nodes.len()], rows, nodes);
    }
}

fn hash_pairs(key: &[u8; 32], left: &[Digest], right: &[Digest], out: &mut [Digest]) {
    let side_by_side = SideBySide::new(key);
    let mut blocks = [[0u8; BLOCK]; LANES];
    for ((left, right), out) in left.chunks(LANES).zip(right.chunks(LANES)).zip(out.chunks_mut(LANES)) {
        for ((block, left), right) in blocks.iter_mut().zip(left).zip(right) {
            *block = two(left, right);
        }
        side_by_side.hash(&blocks, out);
    }
}

/// Hashes inputs of one length, a whole number of blocks up to a piece, side by side.
struct SideBySide {
    platform: Platform,
    key: [u32; 8],
}

impl SideBySide {
    // BLAKE3, section 2: a keyed hash of one chunk is a chain of compressions with these flags.
    const KEYED_HASH: u8 = 1 << 4;
    const CHUNK_START: u8 = 1;
    const CHUNK_END_AND_ROOT: u8 = 1 << 1 | 1 << 3;

    fn new(key: &[u8; 32]) -> Self {
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(key.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self { platform: Platform::detect(), key: words }
    }

    /// The keyed hash of each input, of the first `out.len()`.
    fn hash<const N: usize>(&self, inputs: &[[u8; N]; LANES], out: &mut [Digest]) {
        self.hash_refs(&inputs.each_ref(), out);
    }

    fn hash_refs<const N: usize>(&self, inputs: &[&[u8; N]; LANES], out: &mut [Digest]) {
        let (flags, start, end) = (Self::KEYED_HASH, Self::CHUNK_START, Self::CHUNK_END_AND_ROOT);
        let count = out.len().min(LANES);
        let out = out[..count].as_flattened_mut();
        self.platform.hash_many(&inputs[..count], &self.key, 0, IncrementCounter::No, flags, start, end, out);
    }

    /// The keyed hash of the first `blocks` blocks of each piece.
    fn hash_pieces(&self, pieces: &[[u8; PIECE]; LANES], blocks: usize, out: &mut [Digest]) {
        macro_rules! by_length {
            ($($length:literal)*) => {
                match blocks {
                    $($length => self.hash_refs::<{ $length * BLOCK }>(&pieces.each_ref().map(head), out),)*
                    _ => self.hash(pieces, out),
                }
            };
        }
        by_length!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    }
}

/// The first `N` bytes of a piece.
fn head<const N: usize>(piece: &[u8; PIECE]) -> &[u8; N] {
    const EMPTY: [u8; PIECE] = [0; PIECE];
    // Every `N` here is at most a piece.
    const { assert!(N <= PIECE) };
    piece.first_chunk().or(EMPTY.first_chunk()).unwrap_or(&[0; N])
}

/// How many columns ahead of its copies a [`RowHasher`] asks for memory.
const AHEAD: usize = 2;

/// Digests of many rows of one width.
pub struct RowHasher {
    width: usize,
    rows: SideBySide,
    joins: SideBySide,
    pieces: Box<[[u8; PIECE]; BATCH]>,
    digests: Vec<[Digest; BATCH]>,
}

impl RowHasher {
    /// For rows of `width` elements.
    pub fn new(width: usize) -> Self {
        let pieces = width.div_ceil(PIECE_ELEMENTS);
        Self {
            width,
            rows: SideBySide::new(ROW_KEY),
            joins: SideBySide::new(JOIN_KEY),
            pieces: Box::new([[0; PIECE]; BATCH]),
            digests: vec![[[0; 32]; BATCH]; pieces],
        }
    }

    /// [`hash_row`] of each of up to [`BATCH`] rows. `element(c, r)` is column `c` of the batch's row `r`.
    pub fn hash<'a>(&mut self, out: &mut [Digest], element: impl Fn(usize, usize) -> &'a Felt) {
        let count = out.len().min(BATCH);
        let single = self.digests.len() <= 1;
        for (number, first) in (0..self.width).step_by(PIECE_ELEMENTS).enumerate() {
            let elements = (self.width - first).min(PIECE_ELEMENTS);
            for column in 0..elements {
                if first + column + AHEAD < self.width {
                    for row in 0..count {
                        prefetch(std::slice::from_ref(element(first + column + AHEAD, row)));
                    }
                }
                let place = column * encoding::BYTES..(column + 1) * encoding::BYTES;
                for (row, piece) in self.pieces.iter_mut().enumerate().take(count) {
                    piece[place.clone()].copy_from_slice(&encoding::to_bytes(element(first + column, row)));
                }
            }
            let blocks = self.pad(elements * encoding::BYTES);
            let out = if single { &mut *out } else { &mut self.digests[number][..count] };
            Self::hash_lanes(&self.rows, &self.pieces, blocks, out);
        }
        match self.digests.len() {
            0 => out.fill(hash_row([].iter())),
            1 => {}
            pieces => self.join(pieces, out),
        }
    }

    /// [`hash_row`] of each of up to [`BATCH`] rows of more than one piece, from the digests of the pieces: `digest(p, r)` is that of piece `p`
    /// of the batch's row `r`.
    pub fn join_pieces(&mut self, out: &mut [Digest], digest: impl Fn(usize, usize) -> Digest) {
        let count = out.len().min(BATCH);
        for (number, digests) in self.digests.iter_mut().enumerate() {
            for (row, place) in digests.iter_mut().enumerate().take(count) {
                *place = digest(number, row);
            }
        }
        self.join(self.digests.len(), out);
    }

    /// Pads each piece from `filled` bytes to whole blocks; their number.
    fn pad(&mut self, filled: usize) -> usize {
        let padded = filled.next_multiple_of(BLOCK);
        self.pieces.iter_mut().for_each(|piece| piece[filled..padded].fill(0));
        padded / BLOCK
    }

    fn join(&mut self, pieces: usize, out: &mut [Digest]) {
        if pieces * 32 > PIECE {
            for (row, out) in out.iter_mut().enumerate() {
                let digests: Vec<Digest> = self.digests.iter().map(|piece| piece[row]).collect();
                *out = join(&digests);
            }
            return;
        }
        for (number, digests) in self.digests.iter().enumerate() {
            for (piece, digest) in self.pieces.iter_mut().zip(digests) {
                piece[number * 32..][..32].copy_from_slice(digest);
            }
        }
        let blocks = self.pad(pieces * 32);
        Self::hash_lanes(&self.joins, &self.pieces, blocks, out);
    }

    fn hash_lanes(side_by_side: &SideBySide, pieces: &[[u8; PIECE]; BATCH], blocks: usize, out: &mut [Digest]) {
        for (pieces, out) in pieces.as_chunks().0.iter().zip(out.chunks_mut(LANES)) {
            side_by_side.hash_pieces(pieces, blocks, out);
        }
    }
}

fn grinding_block(seed: &Digest, nonce: u64) -> [u8; BLOCK] {
    let mut block = [0u8; BLOCK];
    block[..32].copy_from_slice(seed);
    block[32..40].copy_from_slice(&nonce.to_le_bytes());
    block
}

fn leading_zeros(digest: &Digest) -> u32 {
    let mut zeros = 0;
    for byte in digest {
        zeros += byte.leading_zeros();
        if *byte != 0 {
            break;
        }
    }
    zeros
}

/// Leading zero bits of the digest of a grinding attempt: seed and nonce in one block, the rest of it zeros.
pub fn grinding_zeros(seed: &Digest, nonce: u64) -> u32 {
    leading_zeros(&keyed(GRIND_KEY, &grinding_block(seed, nonce)))
}

/// The first of `count` nonces from `start` on whose digest has at least `bits` leading zeros.
pub fn grind(seed: &Digest, start: u64, count: u64, bits: u32) -> Option<u64> {
    let side_by_side = SideBySide::new(GRIND_KEY);
    let mut blocks = [grinding_block(seed, start); LANES];
    let mut digests = [[0; 32]; LANES];
    for first in (0..count).step_by(LANES) {
        for (block, nonce) in blocks.iter_mut().zip(start + first..) {
            block[32..40].copy_from_slice(&nonce.to_le_bytes());
        }
        side_by_side.hash(&blocks, &mut digests);
        let found = digests.iter().position(|digest| leading_zeros(digest) >= bits).map(|lane| first + lane as u64);
        // The last batch may reach beyond the count.
        if let Some(offset) = found.filter(|offset| *offset < count) {
            return Some(start + offset);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_side_by_side_are_rows() {
        let value = |column: usize, row: usize| Felt::from((column * 1000 + row + 1) as u64).pow(7u64);
        for width in (0..=70).chain([95, 96, 97, 1023, 1024, 1025, 1056, 1057, 1100]) {
            let rows: Vec<Vec<Felt>> = (0..BATCH).map(|row| (0..width).map(|c| value(c, row)).collect()).collect();
            let mut hasher = RowHasher::new(width);
            for count in [BATCH, 1, 7, 16, 17, BATCH] {
                let mut digests = vec![[1; 32]; count];
                hasher.hash(&mut digests, |column, row| &rows[row][column]);
                let expected: Vec<_> = rows[..count].iter().map(|row| hash_row(row.iter())).collect();
                assert_eq!(digests, expected, "{width} {count}");
            }
        }
    }

    #[test]
    fn a_row_is_plain_blake3_of_its_padded_bytes() {
        let row: Vec<Felt> = (1..=33u64).map(Felt::from).collect();
        let bytes = |row: &[Felt]| row.iter().flat_map(encoding::to_bytes).collect::<Vec<u8>>();
        for width in 1..=32 {
            let mut padded = bytes(&row[..width]);
            padded.resize(padded.len().next_multiple_of(64), 0);
            assert_eq!(hash_row(row[..width].iter()), *blake3::keyed_hash(ROW_KEY, &padded).as_bytes());
        }
        let pieces = [bytes(&row[..32]), [bytes(&row[32..]), vec![0; 32]].concat()];
        let digests = pieces.map(|piece| *blake3::keyed_hash(ROW_KEY, &piece).as_bytes()).concat();
        assert_eq!(hash_row(row.iter()), *blake3::keyed_hash(JOIN_KEY, &digests).as_bytes());
    }

    #[test]
    fn nodes_side_by_side_are_nodes() {
        let digest = |i: u8| hash_row([Felt::from(u64::from(i))].iter());
        for count in [0, 1, 15, 16, 17, 50] {
            let left: Vec<_> = (0..count).map(digest).collect();
            let right: Vec<_> = (100..100 + count).map(digest).collect();
            let pairs = || left.iter().zip(&right);
            let mut nodes = vec![[0; 32]; usize::from(count)];
            hash_nodes(&left, &right, &mut nodes);
            assert_eq!(nodes, pairs().map(|(left, right)| hash_node(left, right)).collect::<Vec<_>>());
            let mut nodes = left.clone();
            inject_rows(&mut nodes, &right);
            assert_eq!(nodes, pairs().map(|(node, row)| hash_inject(node, row)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn grinding_finds_the_first() {
        let seed = [9; 32];
        for bits in [0, 1, 5, 9] {
            let first = (100..).find(|&nonce| grinding_zeros(&seed, nonce) >= bits);
            assert_eq!(grind(&seed, 100, 1 << 14, bits), first);
            let distance = first.map_or(0, |first| first - 100);
            assert_eq!(grind(&seed, 100, distance, bits), None, "the count is a bound");
            assert_eq!(grind(&seed, 100, distance + 1, bits), first);
        }
    }
}
