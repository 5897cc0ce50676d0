//! The rows of a permutation by the definition of Keccak and the README's words, not by the prover's witness; and with one thing forged.

use crate::small;
use cairo_air::components::keccak_rounds::{Columns, IDLE, ROWS, WIDTH};
use felt::Felt;

/// Lanes at `5y + x`.
pub type State = [u64; 25];

/// The round that is forged, the row of a round for what one row alone has, and the bit that changes.
pub const ROUND: usize = 10;
pub const PLANE: usize = 2;
const BIT: usize = 17;

/// What is forged. Sheets are those of the state, chunks and slots those of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forged {
    Nothing,
    /// The total of a sheet is not the sum of its lanes.
    Total(usize),
    /// Its sum begins with something.
    FirstPartial(usize),
    /// Its sum changes behind a row.
    Partial {
        sheet: usize,
        row: usize,
    },
    /// Its total changes behind a row.
    SameTotal {
        sheet: usize,
        row: usize,
    },
    /// The chunks are not the total's.
    TotalChunks(usize),
    /// The parity is not that of its chunks.
    ParityChunks(usize),
    /// The parity changes behind a row.
    SameParity {
        sheet: usize,
        row: usize,
    },
    /// The parity's highest bit changes behind a row.
    SameTop {
        sheet: usize,
        row: usize,
    },
    /// It is none.
    Top(usize),
    /// A parity's chunk is that of another total.
    TotalLookup(usize),
    /// The chunks are not those of the moved lane.
    Moved(usize),
    /// A moved chunk is that of another sum.
    SumLookup(usize),
    /// The digits below the lane's lowest are no such digits.
    Head(usize),
    /// χ makes something else of a chunk.
    MixedLookup(usize),
    /// ι does.
    IotaLookup(usize),
    /// The row takes a lane that no row gave.
    Lane(usize),
    /// A round's rows have the numbers of the next one's, and those of the next one this one's.
    Swapped,
}

impl Forged {
    /// Whether a row has another parity of a sheet than the sheet has.
    fn flips(self, row: usize, sheet: usize) -> bool {
        match self {
            Self::Total(of)
            | Self::FirstPartial(of)
            | Self::Partial { sheet: of, .. }
            | Self::SameTotal { sheet: of, .. } => of == sheet,
            Self::TotalChunks(of) | Self::ParityChunks(of) | Self::TotalLookup(of) => of == sheet,
            Self::SameParity { sheet: of, row: at } => of == sheet && is_beyond(sheet, at, row),
            _ => false,
        }
    }

    /// Whether a row has another highest bit of a sheet's parity.
    fn tops(self, row: usize, sheet: usize) -> bool {
        match self {
            Self::Top(of) => of == sheet,
            Self::SameTop { sheet: of, row: at } => of == sheet && is_beyond(sheet, at, row),
            _ => false,
        }
    }
}

/// The row with a sheet's chunks.
pub const fn chunk_row(sheet: usize) -> usize {
    2 * sheet % 5
}

/// Whether a row lies on the other side of a change behind the row `at` than the sheet's chunks.
const fn is_beyond(sheet: usize, at: usize, row: usize) -> bool {
    (row > at) != (chunk_row(sheet) > at)
}

const OFFSETS: [[u32; 5]; 5] =
    [[0, 1, 62, 28, 27], [36, 44, 6, 55, 20], [3, 10, 43, 25, 39], [41, 45, 15, 21, 8], [18, 2, 61, 56, 14]];

#[rustfmt::skip]
const CONSTANTS: [u64; 24] = [
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
];

/// A digit for each bit of a lane.
type Digits = [u64; 64];

fn digits(lane: u64) -> Digits {
    std::array::from_fn(|bit| lane >> bit & 1)
}

fn number(digits: &[u64]) -> u64 {
    digits.iter().rev().fold(0, |number, digit| number * 8 + digit)
}

/// A number of 64 digits.
fn value(digits: &Digits) -> Felt {
    digits.iter().rev().fold(Felt::zero(), |number, digit| number * small(8) + small(*digit))
}

pub fn spread(lane: u64) -> Felt {
    value(&digits(lane))
}

/// `8^64 − 1`.
pub fn turn() -> Felt {
    small(8).pow(64_u64) - Felt::one()
}

fn bits(number: u64) -> u64 {
    (0..5).map(|i| (number >> (3 * i) & 1) << i).sum()
}

/// The rows of a permutation, the first of this number, and what it makes of the state.
pub fn permutation(first: u64, mut state: State, forged: Forged) -> (Vec<Vec<Felt>>, State) {
    let at = Columns::positions();
    let mut rows = vec![vec![Felt::zero(); WIDTH]; ROWS];
    for (number, row) in rows.iter_mut().enumerate() {
        row[at.row] = small(first + number as u64);
        if forged == Forged::Swapped && number >= IDLE && [ROUND, ROUND + 1].contains(&((number - IDLE) / 5)) {
            row[at.row] = if (number - IDLE) / 5 == ROUND { row[at.row] + small(5) } else { row[at.row] - small(5) };
        }
    }
    // Rounds in the order in which they follow each other, and the constants of the rows that they stand in.
    let mut order: Vec<usize> = (0..24).collect();
    if forged == Forged::Swapped {
        order.swap(ROUND, ROUND + 1);
    }
    for round in order {
        let forged = if round == ROUND { forged } else { Forged::Nothing };
        if let Forged::Lane(slot) = forged {
            state[5 * slot + (slot + 3 * PLANE) % 5] ^= 1 << BIT;
        }
        let block = &mut rows[IDLE + 5 * round..IDLE + 5 * round + 5];
        state = fill(block, state, CONSTANTS[round], forged);
    }
    (rows, state)
}

fn fill(rows: &mut [Vec<Felt>], state: State, constant: u64, forged: Forged) -> State {
    let at = Columns::positions();
    let lane = |x: usize, y: usize| state[5 * (y % 5) + x % 5];
    let parity: [u64; 5] = std::array::from_fn(|x| (0..5).fold(0, |sum, y| sum ^ lane(x, y)));
    let more = small(8).pow(BIT as u64);
    let mut after = [0; 25];
    for (plane, row) in rows.iter_mut().enumerate() {
        let claimed = |sheet: usize| parity[sheet] ^ (u64::from(forged.flips(plane, sheet)) << BIT);
        let sheets: [usize; 5] = std::array::from_fn(|slot| (slot + 3 * plane) % 5);
        let is_here = plane == PLANE;
        let mut moved = [[0; 13]; 5];
        for (slot, x) in sheets.into_iter().enumerate() {
            row[at.lane[slot]] = spread(lane(x, slot));
            let honest: Felt = (0..5).map(|y| spread(lane(x, y))).fold(Felt::zero(), |sum, lane| sum + lane);
            // The lanes that the rows before took of this sheet.
            let before = (0..plane).map(|row| spread(lane(x, x + 2 * row))).fold(Felt::zero(), |sum, lane| sum + lane);
            let (partial_more, total_more) = match forged {
                Forged::Total(of) => (false, of == x),
                Forged::FirstPartial(of) => (of == x, of == x),
                Forged::Partial { sheet, row } => (sheet == x && plane > row, sheet == x),
                Forged::SameTotal { sheet, row } => (false, sheet == x && plane <= row),
                _ => (false, false),
            };
            row[at.partial[slot]] = if partial_more { before + more } else { before };
            row[at.total[slot]] = if total_more { honest + more } else { honest };
            row[at.parity[slot]] = spread(claimed(x));
            let shift =
                |sheet: usize| if forged.tops(plane, sheet) { more * turn().inv().unwrap() } else { Felt::zero() };
            row[at.top[slot]] = small(parity[x] >> 63) - shift(x);

            // θ and ρ.
            let mut sum: Digits = std::array::from_fn(|bit| {
                let terms = [lane(x, slot), claimed((x + 4) % 5), claimed((x + 1) % 5).rotate_left(1)];
                terms.iter().map(|term| term >> bit & 1).sum()
            });
            if forged.tops(plane, (x + 1) % 5) {
                sum[BIT] += 1;
            }
            let by = OFFSETS[slot][x] as usize;
            let turned: Digits = std::array::from_fn(|bit| sum[(bit + 64 - by) % 64]);
            let mut chunks: Vec<u64> = turned.chunks(5).map(number).collect();
            let cut = (!by.is_multiple_of(5)).then_some((by / 5, by % 5));
            if let Some((chunk, digits)) = cut {
                row[at.head[slot]] = small(chunks[chunk] % (1 << (3 * digits)));
            }
            if forged == Forged::Moved(slot) && is_here {
                chunks[3] ^= 1;
            }
            if forged == Forged::Head(slot) && Some(plane) == row_with_cut(slot) {
                let chunk = cut.unwrap().0;
                let honest = small(chunks[chunk]);
                chunks[chunk] ^= 1;
                row[at.head[slot]] += (honest - small(chunks[chunk])) * turn().inv().unwrap();
            }
            for (i, chunk) in chunks.iter().enumerate() {
                row[at.sum_chunk[13 * slot + i]] = small(*chunk);
                let mut parity = chunk & 0o11111;
                if forged == Forged::SumLookup(13 * slot + i) && is_here {
                    parity ^= 1;
                }
                row[at.moved_chunk[13 * slot + i]] = small(parity);
                moved[slot][i] = parity;
            }
        }
        fill_total(row, (sheets[0], plane), (&state, claimed(sheets[0])), forged);
        // χ and ι.
        for slot in 0..5 {
            for i in 0..13 {
                let [a, b, c] = [0, 1, 2].map(|next| bits(moved[(slot + next) % 5][i]));
                let ones = if i == 12 { 0b1111 } else { 0b11111 };
                let mut mixed = a ^ (!b & ones & c);
                if forged == Forged::MixedLookup(13 * slot + i) && is_here {
                    mixed ^= 1;
                }
                row[at.mixed_chunk[13 * slot + i]] = small(number(&digits(mixed)[..5]));
                if let Some(place) = [0, 1, 3, 6, 12].iter().position(|chunk| *chunk == i).filter(|_| slot == 0) {
                    mixed ^= if plane == 0 { constant >> (5 * i) & 31 } else { 0 };
                    if forged == Forged::IotaLookup(place) && is_here {
                        mixed ^= 1;
                    }
                    row[at.iota_chunk[place]] = small(number(&digits(mixed)[..5]));
                }
                after[5 * plane + slot] |= mixed << (5 * i);
            }
        }
    }
    after
}

/// The chunks of a sheet's total and of its parity.
fn fill_total(row: &mut [Felt], (sheet, plane): (usize, usize), (state, claimed): (&State, u64), forged: Forged) {
    let at = Columns::positions();
    let mut total: Digits = std::array::from_fn(|bit| (0..5).map(|y| state[5 * y + sheet] >> bit & 1).sum());
    let is_more = match forged {
        Forged::Total(of) | Forged::FirstPartial(of) | Forged::TotalChunks(of) | Forged::Partial { sheet: of, .. } => {
            of == sheet
        }
        Forged::SameTotal { sheet: of, row } => of == sheet && plane <= row,
        _ => false,
    };
    total[BIT] += u64::from(is_more);
    for (i, chunk) in total.chunks(4).enumerate() {
        row[at.total_chunk[i]] = small(number(chunk));
        row[at.parity_chunk[i]] = small(number(chunk) & 0o1111);
    }
    if forged == Forged::TotalLookup(sheet) {
        let chunk = &digits(claimed)[BIT / 4 * 4..][..4];
        row[at.parity_chunk[BIT / 4]] = small(number(chunk));
    }
}

/// A row of a round in which a slot's lane has a chunk that is cut.
pub fn row_with_cut(slot: usize) -> Option<usize> {
    (0..5).find(|plane| !OFFSETS[slot][(slot + 3 * plane) % 5].is_multiple_of(5))
}
