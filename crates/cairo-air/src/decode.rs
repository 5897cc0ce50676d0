//! Instruction words: 15 flags and three biased offsets (Cairo whitepaper, eprint 2021/1063, section 4.4), and which
//! combinations of flags the machine has. What stands from bit 63 on is the number of an opcode extension, as cairo-vm 3.2
//! numbers them (`vm/decoding/decoder.rs`); 0 is the whitepaper's machine.

pub use felt::integers::signed;
use felt::{Felt, encoding};

/// Names of the 15 flags, bit 0 first; the flag columns of the tables carry the same names.
pub const FLAG_NAMES: [&str; 15] = [
    "dst_fp",
    "op0_fp",
    "op1_imm",
    "op1_fp",
    "op1_ap",
    "res_add",
    "res_mul",
    "pc_abs",
    "pc_rel",
    "pc_jnz",
    "ap_add_res",
    "ap_add1",
    "call",
    "ret",
    "assert_eq",
];

/// What is added to an offset in the encoding.
pub const OFFSET_BIAS: i32 = 1 << 15;

/// The flag word of an instruction; bit `i` is flag [`FLAG_NAMES`]`[i]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(pub u16);

macro_rules! flag {
    ($($name:ident = $bit:literal: $doc:literal;)*) => {
        impl Flags {
            $(
                #[doc = $doc]
                pub const fn $name(self) -> bool {
                    self.0 >> $bit & 1 == 1
                }
            )*
        }
    };
}
flag! {
    dst_fp = 0: "dst is `[fp + off0]`, else `[ap + off0]`.";
    op0_fp = 1: "op0 is `[fp + off1]`, else `[ap + off1]`.";
    op1_imm = 2: "op1 is the next word; the instruction has two words.";
    op1_fp = 3: "op1 is `[fp + off2]`.";
    op1_ap = 4: "op1 is `[ap + off2]`.";
    res_add = 5: "res is `op0 + op1`.";
    res_mul = 6: "res is `op0 · op1`.";
    pc_abs = 7: "The next pc is res.";
    pc_rel = 8: "The next pc is `pc + res`.";
    pc_jnz = 9: "The next pc is `pc + op1` if dst is not 0.";
    ap_add_res = 10: "ap grows by res.";
    ap_add1 = 11: "ap grows by 1.";
    call = 12: "`[ap] = fp`, `[ap + 1]` = return pc, `ap` and `fp` become `ap + 2`.";
    ret = 13: "fp becomes dst.";
    assert_eq = 14: "dst = res.";
}

impl Flags {
    /// op1 is `[op0 + off2]`.
    pub const fn op1_op0(self) -> bool {
        !(self.op1_imm() || self.op1_fp() || self.op1_ap())
    }

    /// Words of the instruction.
    pub const fn size(self) -> u32 {
        1 + self.op1_imm() as u32
    }

    /// Whether the instruction reads `dst`. A `dst` that nothing reads need not exist in memory.
    pub const fn uses_dst(self) -> bool {
        self.pc_jnz() || self.call() || self.ret() || self.assert_eq()
    }

    /// Whether the instruction depends on `dst`, on `op0`, on `op1`.
    pub const fn used_operands(self) -> [bool; 3] {
        let res = self.assert_eq() || self.ap_add_res() || self.pc_abs() || self.pc_rel();
        let op1 = res || self.pc_jnz();
        let op0 = self.call() || res && (self.res_add() || self.res_mul()) || op1 && self.op1_op0();
        [self.uses_dst(), op0, op1]
    }

    /// How often the generic table looks `dst` up: 0 if nothing reads it, up to 2 otherwise.
    pub const fn dst_uses(self) -> u32 {
        self.pc_jnz() as u32 + self.call() as u32 + self.ret() as u32 + self.assert_eq() as u32
    }

    /// How often the generic table looks `op0` up: 0 if nothing reads it, up to 3 otherwise.
    pub const fn op0_uses(self) -> u32 {
        self.call() as u32 + self.op1_op0() as u32 + self.res_add() as u32 + self.res_mul() as u32
    }

    /// Whether the machine has this combination. The verifier relies on it for path tables and fetches; the instruction
    /// table enforces the same.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub const fn check(self) -> Result<(), DecodeError> {
        if self.0 >> 15 != 0 {
            return Err(DecodeError::NotAnInstruction);
        }
        if self.op1_imm() as u8 + self.op1_fp() as u8 + self.op1_ap() as u8 > 1 {
            return Err(DecodeError::Op1Source);
        }
        if self.res_add() && self.res_mul() {
            return Err(DecodeError::Res);
        }
        if self.pc_abs() as u8 + self.pc_rel() as u8 + self.pc_jnz() as u8 > 1 {
            return Err(DecodeError::PcUpdate);
        }
        if self.ap_add_res() && self.ap_add1() {
            return Err(DecodeError::ApUpdate);
        }
        if self.call() as u8 + self.ret() as u8 + self.assert_eq() as u8 > 1 {
            return Err(DecodeError::Opcode);
        }
        let jnz_clash = self.res_add() || self.res_mul() || self.ap_add_res() || self.assert_eq();
        if self.pc_jnz() && jnz_clash {
            return Err(DecodeError::Jnz);
        }
        let call_clash = self.dst_fp() || self.op0_fp() || self.ap_add_res() || self.ap_add1();
        if self.call() && call_clash {
            return Err(DecodeError::Call);
        }
        let ret_shape = self.dst_fp() && self.op1_fp() && self.pc_abs() && !self.res_add() && !self.res_mul();
        if self.ret() && !ret_shape {
            return Err(DecodeError::Ret);
        }
        Ok(())
    }
}

/// A decoded instruction word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decoded {
    /// The flags.
    pub flags: Flags,
    /// off0, off1, off2, each in `−2^15..2^15`.
    pub offsets: [i32; 3],
}

/// Why a word is no instruction of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not below 2^63: not one of the whitepaper's machine.
    #[error("it is not below 2^63")]
    NotAnInstruction,
    /// More than one source of op1.
    #[error("it names more than one source of op1")]
    Op1Source,
    /// Addition and multiplication at once.
    #[error("its result is a sum and a product at once")]
    Res,
    /// More than one jump.
    #[error("it asks for more than one kind of jump")]
    PcUpdate,
    /// More than one change of ap.
    #[error("it asks for more than one change of ap")]
    ApUpdate,
    /// More than one opcode.
    #[error("it has more than one opcode")]
    Opcode,
    /// jnz with a result, or with something that needs one.
    #[error("it is a jnz with a sum, a product, an addition to ap or an assertion")]
    Jnz,
    /// A call of another shape than `[ap] = fp, [ap + 1] = return pc`.
    #[error("it is a call that changes ap by more than the frame or does not push to [ap] and [ap + 1]")]
    Call,
    /// A ret of another shape than `jmp [fp − 1]; fp = [fp − 2]`.
    #[error("it is a ret that does not jump to [fp - 1] and restore fp from [fp - 2]")]
    Ret,
    /// An immediate at another place than the next word.
    #[error("it has an immediate operand that is not the next word")]
    Immediate,
    /// An opcode extension that there is not.
    #[error("its bits from 63 on name an opcode extension that does not exist; there are 1 and 2 (blake) and 3 (QM31)")]
    UnknownExtension,
    /// Flags that the extension for QM31 does not take.
    #[error(
        "its opcode extension is that of QM31, which asserts a sum or a product of op0 and an immediate or a cell at fp or ap, \
         jumps nowhere and moves ap by 0 or 1; its flags say otherwise"
    )]
    Qm31Flags,
    /// Flags that the extensions for blake do not take.
    #[error(
        "its opcode extension is one of blake, which has no opcode, takes op1 from a cell at fp or ap, jumps nowhere and moves ap \
         by 0 or 1; its flags say otherwise"
    )]
    BlakeFlags,
}

/// What an instruction does besides the whitepaper's machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extension {
    /// One block of blake2s that is not the last.
    Blake = 1,
    /// The last block of blake2s.
    BlakeFinalize = 2,
    /// An assertion whose sum or product is one in the field QM31.
    Qm31 = 3,
}

impl Extension {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Blake, Self::BlakeFinalize, Self::Qm31];

    /// What an instruction word has from bit 63 on.
    pub const fn number(self) -> u64 {
        self as u64
    }

    /// Whether cairo-vm has this combination of flags with the extension.
    ///
    /// # Errors
    /// [`DecodeError::Qm31Flags`] or [`DecodeError::BlakeFlags`].
    pub const fn check(self, flags: Flags) -> Result<(), DecodeError> {
        const DST_OP0: u16 = 0b11;
        const AP_ADD1: u16 = 1 << 11;
        let free = flags.0 & !(DST_OP0 | AP_ADD1);
        let (imm, fp, ap): (u16, u16, u16) = (1 << 2, 1 << 3, 1 << 4);
        let (add, mul, assert_eq): (u16, u16, u16) = (1 << 5, 1 << 6, 1 << 14);
        match self {
            Self::Qm31 => {
                let source = free & (imm | fp | ap);
                let res = free & (add | mul);
                let one = (source == imm || source == fp || source == ap) && (res == add || res == mul);
                if one && free == source | res | assert_eq { Ok(()) } else { Err(DecodeError::Qm31Flags) }
            }
            Self::Blake | Self::BlakeFinalize => {
                if free == fp || free == ap {
                    Ok(())
                } else {
                    Err(DecodeError::BlakeFlags)
                }
            }
        }
    }
}

/// A decoded instruction word with an opcode extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extended {
    /// The extension.
    pub extension: Extension,
    /// The flags.
    pub flags: Flags,
    /// off0, off1, off2, each in `−2^15..2^15`.
    pub offsets: [i32; 3],
}

impl Extended {
    /// Decodes a memory word that has an extension.
    ///
    /// # Errors
    /// Why the word is no instruction.
    pub fn new(word: &Felt) -> Result<Self, DecodeError> {
        let [low, high, rest @ ..] = encoding::canonical_limbs(word);
        let number = if rest == [0; 2] { u128::from(high) << 1 | u128::from(low >> 63) } else { u128::MAX };
        let known = Extension::ALL.into_iter().find(|extension| u128::from(extension.number()) == number);
        let extension = known.ok_or(DecodeError::UnknownExtension)?;
        let Decoded { flags, offsets } = Decoded::split(low & !(1 << 63));
        extension.check(flags)?;
        if flags.op1_imm() && offsets[2] != 1 {
            return Err(DecodeError::Immediate);
        }
        Ok(Self { extension, flags, offsets })
    }

    /// The word that decodes to this.
    pub fn encode(&self) -> Felt {
        let plain = Decoded { flags: self.flags, offsets: self.offsets };
        Felt::from(plain.encode()) + Felt::from(self.extension.number()) * Felt::from(1_u64 << 63)
    }
}

/// Any instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Instruction {
    /// One of the whitepaper's machine.
    Plain(Decoded),
    /// One with an opcode extension.
    Extended(Extended),
}

impl Instruction {
    /// Decodes a memory word.
    ///
    /// # Errors
    /// Why the word is no instruction.
    pub fn new(word: &Felt) -> Result<Self, DecodeError> {
        match Decoded::new(word) {
            Err(DecodeError::NotAnInstruction) => Extended::new(word).map(Self::Extended),
            plain => plain.map(Self::Plain),
        }
    }
}

impl Decoded {
    /// Decodes a memory word.
    ///
    /// # Errors
    /// Why the word is no instruction.
    pub fn new(word: &Felt) -> Result<Self, DecodeError> {
        let word = encoding::to_u64(word).ok_or(DecodeError::NotAnInstruction)?;
        let Self { flags, offsets } = Self::split(word);
        flags.check()?;
        if flags.call() && (offsets[0], offsets[1]) != (0, 1) {
            return Err(DecodeError::Call);
        }
        if flags.ret() && (offsets[0], offsets[2]) != (-2, -1) {
            return Err(DecodeError::Ret);
        }
        if flags.op1_imm() && offsets[2] != 1 {
            return Err(DecodeError::Immediate);
        }
        Ok(Self { flags, offsets })
    }

    /// The fields of a word, whatever they are.
    fn split(word: u64) -> Self {
        let offset = |shift: u32| i32::from((word >> shift) as u16) - OFFSET_BIAS;
        Self { flags: Flags((word >> 48) as u16), offsets: [offset(0), offset(16), offset(32)] }
    }

    /// The word that decodes to this.
    pub fn encode(&self) -> u64 {
        let biased = |i: usize, shift: u32| u64::from((self.offsets[i] + OFFSET_BIAS) as u16) << shift;
        biased(0, 0) | biased(1, 16) | biased(2, 32) | u64::from(self.flags.0) << 48
    }
}

#[cfg(test)]
mod tests;
