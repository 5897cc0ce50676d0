//! The mixing function of blake2s: one call a row, 80 rows a block. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use stark::{Air, AirBuilder, AirError, Expr, Rows};

/// Nibbles of a word of 32 bits.
pub const NIBBLES: usize = 8;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "blake_mix".to_owned()
    }

    fn code(&self) -> u8 {
        84
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::BLAKE_WORD)
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

columns! {
    /// 1 on rows in use.
    enabler,
    /// The clock of the block's step.
    clock,
    /// How often each of the four words was mixed before.
    version,
    /// The places of the four words.
    position[4],
    /// The numbers of the two words of the message.
    index[2],
    /// The two words of the message.
    message[2],
    /// The first word.
    a,
    /// The third word.
    c,
    /// The nibbles of the second word, the lowest first.
    b[8],
    /// Those of the fourth word.
    d[8],
    /// Those of the first sum, `a + b + message[0]`.
    a1[8],
    /// Those of the second one.
    c1[8],
    /// Those of the third one.
    a2[8],
    /// Those of the last one.
    c2[8],
    /// The conjunctions of the nibbles of d and the first sum.
    and_a1[8],
    /// Those of b and the second one.
    and_c1[8],
    /// Those of the new d and the third one.
    and_a2[8],
    /// Those of the new b and the last one.
    and_c2[8],
    /// What each of the four sums has in multiples of 2^32.
    carry[4],
    /// The bit that the last rotation moves from the top to the bottom.
    top,
}

/// A word from its nibbles, the lowest first.
pub(super) fn number(nibbles: &[Expr; NIBBLES]) -> Expr {
    nibbles.iter().rev().fold(Expr::zero(), |word, nibble| word * 16 + nibble)
}

/// The nibbles of the exclusive or of two words, which it looks up together with their conjunctions.
pub(super) fn xor(
    builder: &mut AirBuilder,
    name: &str,
    enabler: &Expr,
    [left, right]: [&[Expr; NIBBLES]; 2],
    and: &[Expr; NIBBLES],
) -> [Expr; NIBBLES] {
    std::array::from_fn(|i| {
        let triple = [&left[i], &right[i], &and[i]].map(Expr::clone);
        builder.require(format!("and_{name}[{i}]"), buses::NIBBLE_AND, enabler, triple);
        &left[i] + &right[i] - &and[i] * 2
    })
}

/// A word rotated to the right by so many nibbles.
fn rotate(nibbles: &[Expr; NIBBLES], by: usize) -> [Expr; NIBBLES] {
    std::array::from_fn(|i| nibbles[(i + by) % NIBBLES].clone())
}

/// The AIR: the function G of RFC 7693, section 3.1, with the rotations of blake2s.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut builder = AirBuilder::new("blake_mix");
    let Columns {
        enabler,
        clock,
        version,
        position,
        index,
        message,
        a,
        c,
        b,
        d,
        a1,
        c1,
        a2,
        c2,
        and_a1,
        and_c1,
        and_a2,
        and_c2,
        carry,
        top,
    } = &Columns::new(&mut builder);
    builder.constrain_boolean("boolean_enabler", enabler);
    // Sums of three words have carries of 0, 1 or 2, of two words 0 or 1.
    for i in [0, 2] {
        builder.constrain(format!("carry[{i}]"), Rows::All, &carry[i] * (&carry[i] - 1) * (&carry[i] - 2));
    }
    for i in [1, 3] {
        builder.constrain_boolean(format!("carry[{i}]"), &carry[i]);
    }
    builder.constrain_boolean("boolean_top", top);
    let schedule = [version].into_iter().chain(position).chain(index).cloned();
    builder.require("schedule", buses::BLAKE_SCHEDULE, enabler, schedule);
    for i in 0..2 {
        let tuple = [clock, &index[i], &message[i]].map(Expr::clone);
        builder.require(format!("message[{i}]"), buses::BLAKE_MESSAGE, enabler, tuple);
    }

    // A sum is the word of its nibbles, each of which is looked up below, and a multiple of 2^32: it is below 3·2^32, so both are unique.
    let mut sum = |i: usize, terms: Expr, nibbles: &[Expr; NIBBLES]| {
        builder.constrain(format!("sum[{i}]"), Rows::All, terms - number(nibbles) - &carry[i] * (1_u64 << 32));
    };
    let difference = |left: &[Expr; NIBBLES], right: &[Expr; NIBBLES], and: &[Expr; NIBBLES]| {
        std::array::from_fn(|i| &left[i] + &right[i] - &and[i] * 2)
    };
    let d1: [Expr; NIBBLES] = rotate(&difference(d, a1, and_a1), 4);
    let b1: [Expr; NIBBLES] = rotate(&difference(b, c1, and_c1), 3);
    let d2: [Expr; NIBBLES] = rotate(&difference(&d1, a2, and_a2), 2);
    sum(0, a + number(b) + &message[0], a1);
    sum(1, c + number(&d1), c1);
    sum(2, number(a1) + number(&b1) + &message[1], a2);
    sum(3, number(c1) + number(&d2), c2);
    xor(&mut builder, "a1", enabler, [d, a1], and_a1);
    xor(&mut builder, "c1", enabler, [b, c1], and_c1);
    xor(&mut builder, "a2", enabler, [&d1, a2], and_a2);
    // Rotated by 8 bits to the right, and by one back to the left, which moves the top bit to the bottom: 2·x − 2^32·top + top. With another
    // bit this is no word of 32 bits: below 0, or at least 2^32.
    let last = rotate(&xor(&mut builder, "c2", enabler, [&b1, c2], and_c2), 2);
    let b2 = number(&last) * 2 - top * u64::from(u32::MAX);

    let words = [a.clone(), number(b), c.clone(), number(d)];
    let mixed = [number(a2), b2, number(c2), number(&d2)];
    for (i, (word, mixed)) in words.into_iter().zip(mixed).enumerate() {
        let tuple = |version: Expr, value: Expr| [clock.clone(), position[i].clone(), version, value];
        builder.require(format!("word[{i}]"), buses::BLAKE_WORD, enabler, tuple(version.clone(), word));
        builder.provide(format!("mixed[{i}]"), buses::BLAKE_WORD, enabler, tuple(version + 1, mixed));
    }
    builder.build()
}
