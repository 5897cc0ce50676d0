//! The range_check builtin: values below 2^128. See README.md.

use crate::buses;
use crate::components::columns::columns;
use stark::{Air, AirBuilder, AirError, Bus, Expr};

/// Limbs of a value, each a byte.
pub mod bytes {
    use super::*;

    columns! {
        /// Address of the checked cell.
        address,
        /// Its value's limbs, least significant first.
        limb[16],
    }

    /// The AIR for the cells `base..stop`.
    ///
    /// # Errors
    /// None in practice: the description is fixed.
    pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
        let mut b = AirBuilder::new("range_check8");
        let Columns { address, limb } = Columns::new(&mut b);
        super::constrain(&mut b, &address, &limb, (buses::BYTE, 1 << 8), (base, stop));
        b.build()
    }
}

/// Limbs of a value, each a word of 12 bits.
pub mod words12 {
    use super::*;

    columns! {
        /// Address of the checked cell.
        address,
        /// Its value's limbs, least significant first.
        limb[11],
    }

    /// The AIR for the cells `base..stop`.
    ///
    /// # Errors
    /// None in practice: the description is fixed.
    pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
        let mut b = AirBuilder::new("range_check12");
        let Columns { address, limb } = Columns::new(&mut b);
        super::constrain(&mut b, &address, &limb, (buses::WORD12, 1 << 12), (base, stop));
        // Eleven limbs are 132 bits, four too many. The top limb's own look-up makes it an integer below 2^12, so 16 times it is
        // an integer below 2^16 and no other modulo p; it is below 2^12 exactly if the limb is below 2^8.
        let [.., top] = limb;
        b.require("top", buses::WORD12, Expr::one(), [top * 16]);
        b.build()
    }
}

/// Limbs of a value, each a word of 16 bits.
pub mod words16 {
    use super::*;

    columns! {
        /// Address of the checked cell.
        address,
        /// Its value's limbs, least significant first.
        limb[8],
    }

    /// The AIR for the cells `base..stop`.
    ///
    /// # Errors
    /// None in practice: the description is fixed.
    pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
        let mut b = AirBuilder::new("range_check16");
        let Columns { address, limb } = Columns::new(&mut b);
        super::constrain(&mut b, &address, &limb, (buses::WORD16, 1 << 16), (base, stop));
        b.build()
    }
}

fn constrain(b: &mut AirBuilder, address: &Expr, limbs: &[Expr], (bus, radix): (Bus, u64), (base, stop): (u32, u32)) {
    super::constrain_segment(b, address, 1, None, (base, stop));
    // The limbs' number times their width is at most 132 bits, below the 251 of p: the sum is an integer and does not wrap. It
    // is below 2^128 if the limbs have 128 bits.
    let value = limbs.iter().rev().fold(Expr::zero(), |value, limb| value * radix + limb);
    for (i, limb) in limbs.iter().enumerate() {
        b.require(format!("limb[{i}]"), bus, Expr::one(), [limb.clone()]);
    }
    b.require("cell", buses::MEMORY, Expr::one(), [address.clone(), value]);
}
