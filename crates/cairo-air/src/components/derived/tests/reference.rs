//! The Cairo machine as the whitepaper states it (eprint 2021/1063, section 4.5), over a total memory whose cells get values when
//! they are first looked at. Written without regard to the AIR.

use crate::decode::{Decoded, signed};
use felt::{Felt, encoding};
use std::collections::HashMap;

/// Pseudo-random numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn felt(&mut self) -> Felt {
        let high = Felt::from(self.next()) * Felt::from(self.next());
        high * Felt::from(self.next()) * Felt::from(self.next()) + Felt::from(self.next())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    pub pc: Felt,
    pub ap: Felt,
    pub fp: Felt,
}

#[derive(Clone)]
pub struct Memory {
    pub cells: HashMap<[u64; 4], Felt>,
    /// Seed for cells that have no value yet.
    pub seed: u64,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub next: State,
    /// Outcome of a conditional jump.
    pub taken: Option<bool>,
}

impl Memory {
    fn known(&self, address: &Felt) -> Option<Felt> {
        self.cells.get(&encoding::canonical_limbs(address)).copied()
    }

    pub fn set(&mut self, address: &Felt, value: Felt) {
        self.cells.insert(encoding::canonical_limbs(address), value);
    }

    /// The cell's value; a new cell's depends on its address and the seed only.
    pub fn get(&mut self, address: &Felt) -> Felt {
        if let Some(value) = self.known(address) {
            return value;
        }
        let mut random =
            Random(encoding::canonical_limbs(address).iter().fold(self.seed, |hash, limb| Random(hash ^ limb).next()));
        let value = match random.below(8) {
            0 => Felt::zero(),
            1 => random.felt(),
            2 | 3 => Felt::from(100 + random.below(80)),
            4 => -Felt::from(random.below(8)),
            _ => Felt::from(7 + random.below(60)),
        };
        self.set(address, value);
        value
    }

    /// If the next step returns by a frame that nobody wrote yet, writes one that may well be a caller's: to some word, a little below.
    pub fn make_return_likely(&mut self, state: &State, random: &mut Random) {
        let is_return = Decoded::new(&self.get(&state.pc)).is_ok_and(|decoded| decoded.flags.ret());
        let values = [state.fp - Felt::from(1 + random.below(6)), Felt::from(7 + random.below(60))];
        for (below, value) in [2_u64, 1].into_iter().zip(values) {
            let address = state.fp - Felt::from(below);
            if is_return && random.chance(70) && self.known(&address).is_none() {
                self.set(&address, value);
            }
        }
    }

    /// One step. With `write` an assertion gives a value to one cell that has none, as the VM does.
    pub fn step(&mut self, state: &State, write: bool) -> Option<Step> {
        let word = self.get(&state.pc);
        let Decoded { flags, offsets } = Decoded::new(&word).ok()?;
        let base = |fp: bool| if fp { state.fp } else { state.ap };
        let dst_at = base(flags.dst_fp()) + signed(i64::from(offsets[0]));
        let op0_at = base(flags.op0_fp()) + signed(i64::from(offsets[1]));
        let size = Felt::from(u64::from(flags.size()));
        if write && flags.call() {
            self.write(&dst_at, state.fp);
            self.write(&op0_at, state.pc + size);
        }
        let op1_base = if flags.op1_imm() {
            state.pc
        } else if flags.op1_fp() {
            state.fp
        } else if flags.op1_ap() {
            state.ap
        } else {
            self.get(&op0_at)
        };
        let op1_at = op1_base + signed(i64::from(offsets[2]));
        if write && flags.assert_eq() {
            self.solve(flags, &dst_at, &op0_at, &op1_at);
        }
        let (op0, op1) = (self.get(&op0_at), self.get(&op1_at));
        let res = match (flags.res_add(), flags.res_mul()) {
            (true, _) => op0 + op1,
            (_, true) => op0 * op1,
            _ => op1,
        };
        if write && flags.assert_eq() {
            self.write(&dst_at, res);
        }
        let dst = self.get(&dst_at);
        if flags.assert_eq() && dst != res || flags.call() && (op0 != state.pc + size || dst != state.fp) {
            return None;
        }
        let taken = flags.pc_jnz().then_some(dst != Felt::zero());
        let pc = if flags.pc_abs() {
            res
        } else if flags.pc_rel() {
            state.pc + res
        } else if taken == Some(true) {
            state.pc + op1
        } else {
            state.pc + size
        };
        let ap = if flags.call() {
            state.ap + Felt::from(2_u64)
        } else if flags.ap_add_res() {
            state.ap + res
        } else if flags.ap_add1() {
            state.ap + Felt::one()
        } else {
            state.ap
        };
        let fp = if flags.call() {
            state.ap + Felt::from(2_u64)
        } else if flags.ret() {
            dst
        } else {
            state.fp
        };
        Some(Step { next: State { pc, ap, fp }, taken })
    }

    fn write(&mut self, address: &Felt, value: Felt) {
        if self.known(address).is_none() {
            self.set(address, value);
        }
    }

    /// Gives an operand the value that `dst` demands.
    fn solve(&mut self, flags: crate::decode::Flags, dst_at: &Felt, op0_at: &Felt, op1_at: &Felt) {
        let Some(dst) = self.known(dst_at) else { return };
        match (flags.res_add(), flags.res_mul(), self.known(op0_at), self.known(op1_at)) {
            (true, _, Some(op0), None) => self.write(op1_at, dst - op0),
            (true, _, None, Some(op1)) => self.write(op0_at, dst - op1),
            (_, true, Some(op0), None) => {
                if let Ok(inverse) = op0.inv() {
                    self.write(op1_at, dst * inverse);
                }
            }
            (_, true, None, Some(op1)) => {
                if let Ok(inverse) = op1.inv() {
                    self.write(op0_at, dst * inverse);
                }
            }
            (false, false, _, None) => self.write(op1_at, dst),
            _ => {}
        }
    }
}
