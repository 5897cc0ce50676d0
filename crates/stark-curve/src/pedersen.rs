//! Pedersen's hash: `H(x, y) = [P0 + x_low·P1 + x_high·P2 + y_low·P3 + y_high·P4].x`, where `low` are 248 bits and `high` the 4 above them.
//!
//! Each input is taken four bits at a time, the most significant first, as 64 *digits*, of which the first is always 0. For each digit a
//! point of a table is added. What it holds for digit `d` is `(d + 1)·B`, where `B` is the digit's base point: so no entry is infinity, and
//! the sum of all bases is subtracted from `P0` before the first addition.

use crate::point::{Point, double_repeatedly};
use felt::Felt;
use felt::vector::{batch_inverse_portable, divide_assign};
use std::sync::LazyLock;

/// `P0 … P4`.
pub const POINTS: [Point; 5] = [
    Point::from_hex(
        "49ee3eba8c1600700ee1b87eb599f16716b0b1022947733551fde4050ca6804",
        "3ca0cfe4b3bc6ddf346d49d06ea0ed34e621062c0e056c1d0405d266e10268a",
    ),
    Point::from_hex(
        "234287dcbaffe7f969c748655fca9e58fa8120b6d56eb0c1080d17957ebe47b",
        "3b056f100f96fb21e889527d41f4e39940135dd7a6c94cc6ed0268ee89e5615",
    ),
    Point::from_hex(
        "4fa56f376c83db33f9dab2656558f3399099ec1de5e3018b7a6932dba8aa378",
        "3fa0984c931c9e38113e0c0e47e4401562761f92a7a23b45168f4e80ff5b54d",
    ),
    Point::from_hex(
        "4ba4cc166be8dec764910f75b45f74b40c690c74709e90f3aa372f0bd2d6997",
        "40301cf5c1751f4b971e46c4ede85fcac5c59a5ce5ae7c48151f27b24b219c",
    ),
    Point::from_hex(
        "54302dcb0e6cc1c6e44cca8f61a63bb2ca65048d53fb325d36ff12c49a58202",
        "1b77b3e37d13504b348046268d8ae25ce98ad783c25561a879dcc77e99c2426",
    ),
];

/// Digits of an input, four bits each. The first one, of the bits 252 to 255, is 0.
pub const DIGITS: usize = 64;

/// Values of a digit.
pub const VALUES: usize = 16;

/// The table, made when it is first used.
pub static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

/// All points that are added for some digit.
#[derive(Debug)]
pub struct Table {
    start: Point,
    /// Of input, place and digit.
    points: Vec<Point>,
}

impl Table {
    fn new() -> Self {
        let [p0, p1, p2, p3, p4] = &POINTS;
        let bases: Vec<Point> = [(p1, p2), (p3, p4)].into_iter().flat_map(|(low, high)| bases(low, high)).collect();
        // Opposite points would be a relation between the five.
        let start = bases.iter().fold(*p0, |sum, base| sum.add(&-*base).unwrap_or(sum));
        Self { start, points: multiples(&bases) }
    }

    /// Where the sum begins: `P0` less all bases.
    pub const fn start(&self) -> &Point {
        &self.start
    }

    /// What is added for the digit with this value at this place (0 is the least significant) of input 0 or 1: `(value + 1)·B`, where `B` is
    /// `16^place·P1` for the places 0 to 61 of the first input, `P2` and `16·P2` for 62 and 63; and `P3` and `P4` in their stead for the
    /// second.
    ///
    /// # Panics
    /// Unless input, place and value are below 2, 64 and 16.
    pub fn point(&self, input: usize, place: usize, value: usize) -> &Point {
        &self.points[(input * DIGITS + place) * VALUES + value]
    }
}

/// The bases of an input's places.
fn bases(low: &Point, high: &Point) -> Vec<Point> {
    let (low_bits, high_bits) = (4 * (DIGITS - 2), 8);
    let doubles = [double_repeatedly(low, low_bits), double_repeatedly(high, high_bits)];
    doubles.into_iter().flatten().step_by(4).collect()
}

/// `B, 2·B, …, 16·B` for each base.
fn multiples(bases: &[Point]) -> Vec<Point> {
    let mut points = vec![bases.to_vec()];
    for _ in 1..VALUES {
        let last = points.last().map_or(bases, Vec::as_slice);
        // No two are opposite: their order is a large prime.
        let lines: Vec<_> = last.iter().zip(bases).map(|(a, b)| a.slope(b).unwrap_or_else(|| a.tangent())).collect();
        let mut inverses: Vec<Felt> = lines.iter().map(|(_, denominator)| *denominator).collect();
        batch_inverse_portable(&mut inverses);
        let sums = last.iter().zip(bases).zip(lines.iter().zip(&inverses));
        let next = sums.map(|((a, b), ((numerator, _), inverse))| a.along(&(numerator * inverse), &b.x)).collect();
        points.push(next);
    }
    (0..bases.len()).flat_map(|base| points.iter().filter_map(move |points| points.get(base).copied())).collect()
}

/// A sum before a digit's point is added, and the slope of the line by which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The sum.
    pub sum: Point,
    /// The slope.
    pub slope: Felt,
    /// The digit's point.
    pub added: Point,
}

/// Hashes that are made at a time: see [`products::BATCH`](crate::products::BATCH).
pub const BATCH: usize = 128;

/// A batch of hashes, step by step.
#[derive(Debug)]
pub struct Hashes {
    len: usize,
    /// The first digits of all, then the second ones of all.
    steps: Vec<Step>,
    ends: Vec<Option<Point>>,
}

impl Hashes {
    /// The hashes of these pairs; best not more than [`BATCH`].
    pub fn new(inputs: &[[Felt; 2]]) -> Self {
        let words: Vec<_> =
            inputs.iter().map(|pair| pair.map(|input| felt::encoding::canonical_limbs(&input))).collect();
        Self::of_words(&words)
    }

    /// The same for any integers below `2^256` as inputs, with what the table has for their digits: for tests.
    pub fn of_words(words: &[[crate::Word; 2]]) -> Self {
        let len = words.len();
        let mut ends = vec![Some(*TABLE.start()); len];
        let mut steps = Vec::with_capacity(2 * DIGITS * len);
        let (mut slopes, mut denominators) = (vec![Felt::zero(); len], vec![Felt::one(); len]);
        for number in 0..2 * DIGITS {
            let (input, place) = (number / DIGITS, DIGITS - 1 - number % DIGITS);
            let point = |hash: usize| TABLE.point(input, place, digit(&words[hash][input], place));
            for (hash, sum) in ends.iter_mut().enumerate() {
                let line = sum.and_then(|sum| sum.slope(point(hash)));
                if line.is_none() {
                    *sum = None;
                }
                (slopes[hash], denominators[hash]) = line.unwrap_or((Felt::zero(), Felt::one()));
            }
            divide_assign(&mut [&mut slopes], &denominators);
            for (hash, (sum, slope)) in ends.iter_mut().zip(&slopes).enumerate() {
                let added = *point(hash);
                steps.push(Step { sum: sum.unwrap_or(*TABLE.start()), slope: *slope, added });
                *sum = sum.map(|sum| sum.along(slope, &added.x));
            }
        }
        Self { len, steps, ends }
    }

    /// Step `number` of a hash: both inputs have [`DIGITS`].
    ///
    /// # Panics
    /// If there is no such step.
    pub fn step(&self, hash: usize, number: usize) -> &Step {
        &self.steps[number * self.len + hash]
    }

    /// The point of each hash, whose `x` is the hash; `None` if a sum on the way meets the opposite of what is to be added, for which no
    /// input is known and none can be found without a relation between the five points.
    pub fn ends(&self) -> &[Option<Point>] {
        &self.ends
    }
}

/// The digit at a place of an input.
pub const fn digit(word: &crate::Word, place: usize) -> usize {
    (word[place / 16 % 4] >> (4 * (place % 16)) & 15) as usize
}

/// The hash of each pair; `None` as in [`Hashes::ends`].
pub fn hashes(inputs: &[[Felt; 2]]) -> Vec<Option<Felt>> {
    let batches = inputs.chunks(BATCH).flat_map(|inputs| Hashes::new(inputs).ends);
    batches.map(|end| end.map(|point| point.x)).collect()
}
