//! The builtins that Cairo knows, and which of them this proof system has a component for.

use std::fmt;

/// A builtin of the Cairo machine, in the order in which a program's builtins must be declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Builtin {
    /// The program's output, public memory.
    Output,
    /// Pedersen hash.
    Pedersen,
    /// Values below 2^128.
    RangeCheck,
    /// ECDSA over the Stark curve.
    Ecdsa,
    /// And, xor, or of 251-bit words.
    Bitwise,
    /// `P + m·Q` on the Stark curve.
    EcOp,
    /// The Keccak-f permutation of 1600 bits.
    Keccak,
    /// Poseidon (Hades) permutation.
    Poseidon,
    /// Values below 2^96.
    RangeCheck96,
    /// Modular addition of 384-bit integers.
    AddMod,
    /// Modular multiplication of 384-bit integers.
    MulMod,
}

impl Builtin {
    /// All of them, in canonical order.
    pub const ALL: [Self; 11] = [
        Self::Output,
        Self::Pedersen,
        Self::RangeCheck,
        Self::Ecdsa,
        Self::Bitwise,
        Self::EcOp,
        Self::Keccak,
        Self::Poseidon,
        Self::RangeCheck96,
        Self::AddMod,
        Self::MulMod,
    ];

    /// The name that compiled programs use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Pedersen => "pedersen",
            Self::RangeCheck => "range_check",
            Self::Ecdsa => "ecdsa",
            Self::Bitwise => "bitwise",
            Self::EcOp => "ec_op",
            Self::Keccak => "keccak",
            Self::Poseidon => "poseidon",
            Self::RangeCheck96 => "range_check96",
            Self::AddMod => "add_mod",
            Self::MulMod => "mul_mod",
        }
    }

    /// The builtin of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|builtin| builtin.name() == name)
    }

    /// Memory cells of one instance.
    pub const fn cells_per_instance(self) -> u32 {
        match self {
            Self::Output | Self::RangeCheck | Self::RangeCheck96 => 1,
            Self::Ecdsa => 2,
            Self::Pedersen => 3,
            Self::Bitwise => 5,
            Self::Poseidon => 6,
            Self::EcOp | Self::AddMod | Self::MulMod => 7,
            Self::Keccak => 16,
        }
    }

    /// Whether this version can prove a program that declares it.
    pub const fn is_supported(self) -> bool {
        matches!(self, Self::Output | Self::RangeCheck | Self::Bitwise)
    }
}

impl fmt::Display for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
