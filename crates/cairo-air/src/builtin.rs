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

    /// Name, memory cells of an instance, and whether this version can prove instances of it.
    const fn entry(self) -> (&'static str, u32, bool) {
        match self {
            Self::Output => ("output", 1, true),
            Self::Pedersen => ("pedersen", 3, true),
            Self::RangeCheck => ("range_check", 1, true),
            Self::Ecdsa => ("ecdsa", 2, true),
            Self::Bitwise => ("bitwise", 5, true),
            Self::EcOp => ("ec_op", 7, true),
            Self::Keccak => ("keccak", 16, true),
            Self::Poseidon => ("poseidon", 6, true),
            Self::RangeCheck96 => ("range_check96", 1, true),
            Self::AddMod => ("add_mod", 7, true),
            Self::MulMod => ("mul_mod", 7, true),
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

    /// Whether this version can prove its instances: it has a table, or is public memory alone. Any program may declare a builtin; what
    /// is not supported must have an empty segment.
    pub const fn is_supported(self) -> bool {
        self.entry().2
    }

    /// The names of those that are supported, for messages.
    pub fn supported_names() -> String {
        let names: Vec<_> = Self::ALL.into_iter().filter(|builtin| builtin.is_supported()).map(Self::name).collect();
        names.join(", ")
    }
}

impl fmt::Display for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
