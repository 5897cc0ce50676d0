//! The mul_mod builtin: products of 384-bit integers modulo another. See README.md.

use super::component::{Component, ComponentError, Context, Occurrence};
use super::modular::{HALVES, Instance, digits, require_words};
use super::word96::HALF_BITS;
use crate::components::columns::columns;
use crate::{Builtin, buses};
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Expr, Rows};

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        Builtin::MulMod.name().to_owned()
    }

    fn code(&self) -> u8 {
        71
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::Builtin(Builtin::MulMod)
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

/// Digits, to the base 2^48, that one constraint compares: from one carry to the next.
pub const CHUNK: usize = 4;

/// Carries between the chunks of a product of 16 digits.
pub const CARRIES: usize = 2 * HALVES / CHUNK - 1;

/// A carry is its two halves `low + 2^5·high` less this: of a sum of at most eight products, it is above −2^52 and below 2^52.
pub const CARRY_OFFSET: u64 = 1 << 52;

/// The lower half of a carry overlaps the higher one but for so many bits.
pub const CARRY_SHIFT: u32 = 5;

columns! {
    /// 1 on rows in use.
    enabler,
    /// Address of the instance's first cell.
    address,
    /// 1 if the instance before belongs to the same batch.
    joins,
    /// 1 if the next instance does.
    goes_on,
    /// Where the values' offsets count from.
    values_ptr,
    /// Where the three offsets stand.
    offsets_ptr,
    /// Instances of the batch from this one on.
    n,
    /// Offsets of a, b and c.
    offset[3],
    /// The modulus, in digits to the base 2^48, the least significant first.
    p[8],
    /// The first factor.
    a[8],
    /// The second factor.
    b[8],
    /// The result.
    c[8],
    /// How often the modulus is subtracted from the product.
    q[8],
    /// What each chunk carries, in two halves: `carry[2i]` and `carry[2i + 1]` are those of carry i.
    carry[6],
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut builder = AirBuilder::new(Builtin::MulMod.name());
    let Columns { enabler, address, joins, goes_on, values_ptr, offsets_ptr, n, offset, p, a, b, c, q, carry } =
        &Columns::new(&mut builder);
    let instance = Instance { enabler, address, joins, goes_on, values_ptr, offsets_ptr, n, offset, p, a, b, c };
    instance.constrain(&mut builder, buses::MUL_MOD);
    require_words(&mut builder, "q", enabler, q);
    require_words(&mut builder, "carry", enabler, carry);
    // a·b − q·p − c = 0 as integers, four digits of 48 bits at a time. See README.md for why no chunk wraps modulo p.
    let (by_b, by_p) = (windows(b), windows(p));
    let shift = Felt::from(2).pow((CHUNK * HALF_BITS) as u64);
    let mut carried = Expr::zero();
    for chunk in 0..=CARRIES {
        let mut rest = product(a, &by_b, chunk) - product(q, &by_p, chunk) + carried;
        if let Some(digits_of_c) = c.get(CHUNK * chunk..CHUNK * (chunk + 1)) {
            rest = rest - digits(digits_of_c);
        }
        carried = match carry.get(2 * chunk..2 * chunk + 2) {
            Some([low, high]) => low + high * (1_u64 << CARRY_SHIFT) - CARRY_OFFSET,
            _ => Expr::zero(),
        };
        builder.constrain(format!("chunk[{chunk}]"), Rows::All, rest - &carried * shift);
    }
    builder.build()
}

/// The digits of a value from every place on that has some within a chunk: entry `i` begins at digit `i − 3`, those before the first
/// being 0.
fn windows(value: &[Expr; HALVES]) -> Vec<Expr> {
    let digit = |place: usize| place.checked_sub(CHUNK - 1).and_then(|place| value.get(place)).cloned();
    let window = |first: usize| {
        let digits = (0..CHUNK).rev().map(|i| digit(first + i));
        digits.fold(None, |number: Option<Expr>, digit| {
            let number = number.map(|number| number * (1_u64 << HALF_BITS));
            match (number, digit) {
                (Some(number), Some(digit)) => Some(number + digit),
                (number, digit) => number.or(digit),
            }
        })
    };
    (0..HALVES + CHUNK - 1).map(|first| window(first).unwrap_or_else(Expr::zero)).collect()
}

/// The digits `4·chunk..4·chunk + 4` of a product, not carried, as a number.
fn product(value: &[Expr; HALVES], windows: &[Expr], chunk: usize) -> Expr {
    let terms = value.iter().enumerate().filter_map(|(i, digit)| {
        let window = windows.get((CHUNK * chunk + CHUNK - 1).checked_sub(i)?)?;
        Some(digit * window)
    });
    Expr::sum(terms)
}
