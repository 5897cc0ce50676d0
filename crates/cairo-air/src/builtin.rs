//! The builtins that Cairo knows. Each has tables, but for the output, which is public memory.

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

    /// Name and memory cells of an instance.
    const fn entry(self) -> (&'static str, u32) {
        match self {
            Self::Output => ("output", 1),
            Self::Pedersen => ("pedersen", 3),
            Self::RangeCheck => ("range_check", 1),
            Self::Ecdsa => ("ecdsa", 2),
            Self::Bitwise => ("bitwise", 5),
            Self::EcOp => ("ec_op", 7),
            Self::Keccak => ("keccak", 16),
            Self::Poseidon => ("poseidon", 6),
            Self::RangeCheck96 => ("range_check96", 1),
            Self::AddMod => ("add_mod", 7),
            Self::MulMod => ("mul_mod", 7),
        }
    }

    /// The name that compiled programs use.
    pub const fn name(self) -> &'static str {
        self.entry().0
    }

    /// The builtin of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|builtin| builtin.name() == name)
    }

    /// Memory cells of one instance.
    pub const fn cells_per_instance(self) -> u32 {
        self.entry().1
    }
}

impl fmt::Display for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
