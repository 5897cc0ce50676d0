//! The curve's constants, and the point at which products begin.

use crate::{Point, Word};

/// The group's order `n`, a prime between `2^251` and `p`.
pub const ORDER: Word = [0x1e66_a241_adc6_4d2f, 0xb781_126d_cae7_b232, u64::MAX, 0x0800_0000_0000_0010];

/// The generator that signatures use.
pub const GENERATOR: Point = Point::from_hex(
    "1ef15c18599971b7beced415a40f0c7deacfd9b0d1819e03d723d8bc943cfca",
    "5668060aa49730b7be4801df46ec62de53ecd11abe43a32873000c36e8dc1f",
);

/// Where the sum of a product begins, see [`products`](crate::products). Its `x` is the first one with a point on the curve from the
/// integer on that the ASCII characters of "Cairn: products begin here" are in base 256; its `y` is the even one.
///
/// Nobody knows its logarithm to the base of any point that a program or a signature has a reason to use. Nothing that a proof says rests on
/// that: a sum that happens to meet a point's opposite cannot be proven, that is all.
pub const START: Point = Point::from_hex(
    "436169726e3a2070726f647563747320626567696e2068657267",
    "2c650f8616429f7021cfb4d665d280a5e0b2664b02038794e21f102fedd026a",
);
