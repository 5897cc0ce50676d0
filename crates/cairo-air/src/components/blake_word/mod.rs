//! A word of blake's state and result, and two of its message: eight rows a block. See README.md.

use crate::buses;
use crate::components::blake::STATE_WORDS;
use crate::components::blake_mix::{NIBBLES, number, xor};
use crate::components::blake_schedule::{ROUNDS, VERSIONS};
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use stark::{Air, AirBuilder, AirError, Expr};

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "blake_word".to_owned()
    }

    fn code(&self) -> u8 {
        83
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::BLAKE_CELLS)
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
    /// The word's number, from 0 to 7.
    index,
    /// The address of the state's word.
    state,
    /// The address of the first of the two words of the message.
    message,
    /// The address of the result's word.
    output,
    /// The nibbles of the state's word, the lowest first.
    h[8],
    /// Those of the lower half's word after all rounds.
    low[8],
    /// Those of the upper half's.
    high[8],
    /// The conjunctions of the nibbles of the first two.
    and_low[8],
    /// The conjunctions of the nibbles of their exclusive or and of the third.
    and_high[8],
    /// The bytes of the two words of the message, the lowest first.
    bytes[8],
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new("blake_word");
    let c = Columns::new(&mut b);
    b.constrain_boolean("boolean_enabler", &c.enabler);
    let enabler = &c.enabler;
    let tuple = [&c.clock, &c.index, &c.state, &c.message, &c.output].map(Expr::clone);
    b.provide("cells", buses::BLAKE_CELLS, enabler, tuple);
    let half = xor(&mut b, "low", enabler, [&c.h, &c.low], &c.and_low);
    let result = xor(&mut b, "high", enabler, [&half, &c.high], &c.and_high);
    b.require("state", buses::MEMORY, enabler, [c.state.clone(), number(&c.h)]);
    b.require("output", buses::MEMORY, enabler, [c.output.clone(), number(&result)]);
    let word = |position: Expr, version: u64, value: Expr| [c.clock.clone(), position, Expr::from(version), value];
    b.provide("first", buses::BLAKE_WORD, enabler, word(c.index.clone(), 0, number(&c.h)));
    b.require("last_low", buses::BLAKE_WORD, enabler, word(c.index.clone(), VERSIONS, number(&c.low)));
    let upper = &c.index + STATE_WORDS as u64;
    b.require("last_high", buses::BLAKE_WORD, enabler, word(upper, VERSIONS, number(&c.high)));
    for (i, byte) in c.bytes.iter().enumerate() {
        b.require(format!("byte[{i}]"), buses::BYTE, enabler, [byte.clone()]);
    }
    for (i, bytes) in (0..).zip(c.bytes.chunks_exact(NIBBLES / 2)) {
        let value = bytes.iter().rev().fold(Expr::zero(), |value, byte| value * 256 + byte);
        b.require(format!("message[{i}]"), buses::MEMORY, enabler, [&c.message + i, value.clone()]);
        let tuple = [c.clock.clone(), &c.index * 2 + i, value];
        b.provide(format!("scheduled[{i}]"), buses::BLAKE_MESSAGE, enabler * ROUNDS as u64, tuple);
    }
    b.build()
}
