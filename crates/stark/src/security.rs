//! Bits of security of a proof, round by round, as proven and as conjectured. `docs/SOUNDNESS.md` derives the formulas.
//!
//! A prover that may retry breaks a Fiat–Shamir argument where its weakest round breaks, so the total is the minimum over
//! the rounds (Ben-Sasson, Chiesa, Spooner, eprint 2016/116; Block et al., eprint 2023/1071). Grinding stands before the
//! queries and helps that round only. "λ bits" means that an attack which hashes `t` times succeeds with probability at
//! most about `t·2^-λ`.
//!
//! Everything is computed from logarithms, with a logarithm of our own that uses nothing but additions, multiplications
//! and divisions. IEEE 754 fixes those to the last bit, so every platform finds the same figures and two verifiers never
//! disagree on a policy. All results are finite and at least 0, for any input.

use crate::air::MAX_DEGREE;
use crate::parameters::Parameters;
use crate::table::{MAX_LOG_HEIGHT, MAX_TERMS};
use std::f64::consts::{LN_2, LOG2_E};

/// `log2 |F|`, from below: `p` is just above `2^251`.
const FIELD_BITS: f64 = 251.0;

/// Cost of a collision of a 256-bit digest, as `log2`.
const COLLISION_BITS: f64 = 128.0;

/// Range of the multiplicity `m` of the Guruswami–Sudan decoder, on which the proven figures depend. The theorems start
/// at 3; above 1000 less than 0.07 bits are left to win with 84 queries.
const MULTIPLICITIES: (u32, u32) = (3, 1000);

/// What the shape of a proof contributes to its soundness error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofSize {
    /// `log2` of the rows of the tallest table.
    pub log_max_height: u32,
    /// Terms of the bus sum: rows times interactions over all tables, and public tuples.
    pub terms: u128,
    /// Entries of the longest bus tuple.
    pub tuple_arity: u64,
    /// Constraints of the height group that has most, with those of its LogUp columns.
    pub constraints: u64,
    /// (column, point) pairs opened out of the domain, over all heights.
    pub openings: u64,
    /// Number of FRI folds.
    pub folds: u32,
}

impl ProofSize {
    /// The limits on heights and bus terms, with far more of the rest than any use needs.
    pub const LARGEST: Self = Self {
        log_max_height: MAX_LOG_HEIGHT,
        terms: MAX_TERMS,
        tuple_arity: 1 << 8,
        constraints: 1 << 20,
        openings: 1 << 20,
        folds: MAX_LOG_HEIGHT,
    };
}

/// One round: what the protocol draws at random, and how well that protects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// Name for messages.
    pub name: &'static str,
    /// Bits by theorems, up to the Johnson bound.
    pub proven_bits: f64,
    /// Bits if codes behave up to the list-decoding capacity.
    pub conjectured_bits: f64,
    /// Where the formulas come from.
    pub source: &'static str,
}

/// Bits of security.
#[derive(Debug, Clone, PartialEq)]
pub struct Security {
    /// The least conjectured bits of a round, or `proven` if that is more. This is what a verifier's policy asks for.
    pub conjectured: f64,
    /// The least proven bits of a round.
    pub proven: f64,
    /// The figure by the formula in use before 2025, `queries·log_blowup + grinding`. Only for comparison with provers that
    /// still publish it: the conjecture behind it is refuted.
    pub legacy: f64,
    /// The multiplicity that maximises `proven`.
    pub multiplicity: u32,
    /// The rounds in the order of the protocol, then the hash function.
    pub terms: Vec<Term>,
}

impl Parameters {
    /// Bits of security of a proof of the given size.
    pub fn security(&self, size: &ProofSize) -> Security {
        security(self, size)
    }
}

/// Bits of security of a proof with these parameters and this size.
pub fn security(parameters: &Parameters, size: &ProofSize) -> Security {
    let multiplicity = best_multiplicity(parameters, size);
    let proven = Regime::johnson(parameters, size, multiplicity);
    let conjectured = Regime::capacity(parameters, size);
    let terms: Vec<Term> = ROUNDS
        .iter()
        .filter(|(_, _, round)| !matches!(round, Round::Fold) || size.folds > 0)
        .map(|&(name, source, round)| {
            let proven_bits = proven.bits(round, parameters, size);
            let conjectured_bits = conjectured.bits(round, parameters, size);
            Term { name, proven_bits, conjectured_bits, source }
        })
        .collect();
    let least = |bits: fn(&Term) -> f64| terms.iter().map(bits).fold(COLLISION_BITS, f64::min);
    let legacy = f64::from(parameters.queries) * f64::from(parameters.log_blowup) + f64::from(parameters.grinding_bits);
    let least_proven = least(|term| term.proven_bits);
    Security {
        // What is proven needs no conjecture: where the conjecture's form is the weaker of the two, the theorem counts.
        conjectured: least(|term| term.conjectured_bits).max(least_proven),
        proven: least_proven,
        legacy: legacy.min(COLLISION_BITS),
        multiplicity,
        terms,
    }
}

#[derive(Debug, Clone, Copy)]
enum Round {
    Bus,
    Constraints,
    Point,
    Deep,
    Fold,
    Queries,
    Hash,
}

const ROUNDS: [(&str, &str, Round); 7] = [
    ("bus challenges", "LogUp, eprint 2022/1530, lemma 5; Schwartz-Zippel", Round::Bus),
    ("constraint challenge", "eprint 2022/1216, theorem 8 (ALI)", Round::Constraints),
    (
        "out-of-domain point",
        "DEEP-ALI, eprint 2019/336; eprint 2022/1216, theorem 8 (DEEP); eprint 2024/1553, theorem 2",
        Round::Point,
    ),
    ("DEEP challenge", "eprint 2025/2055, theorem 4.6; conjecture: eprint 2020/654, 8.4", Round::Deep),
    ("FRI folds", "eprint 2025/2055, theorem 4.6; eprint 2025/1993; conjecture: eprint 2020/654, 8.4", Round::Fold),
    ("queries and grinding", "eprint 2020/654, theorem 8.3; conjecture: eprint 2025/2010, section 1.5", Round::Queries),
    ("hash function", "birthday bound on 256-bit digests", Round::Hash),
];

/// What is assumed of Reed–Solomon codes at one proximity parameter.
struct Regime {
    /// `-log2` of the agreement that one query catches with.
    bits_per_query: f64,
    /// `log2` of the number of codewords that close to one word.
    log_list: f64,
    /// `log2` of the exceptional challenges when `degree + 1` words are combined by powers of one challenge, for degree 1.
    log_exceptions: f64,
    /// Power of the degree with which the exceptional challenges grow.
    degree_power: f64,
}

impl Regime {
    /// Agreement `√ρ·(1 + 1/2m)`, just inside the Johnson bound.
    fn johnson(parameters: &Parameters, size: &ProofSize, multiplicity: u32) -> Self {
        let log_blowup = f64::from(parameters.log_blowup);
        let log_domain = f64::from(size.log_max_height) + log_blowup;
        let m = f64::from(multiplicity);
        // Theorem 4.6 is printed for a multiplicity of √ρ/η, where η = √ρ/2m is the distance to the Johnson bound. Theorem 1.5
        // of the same paper needs only half of it; the larger costs 5 bits where there are more than enough. With M = m + 1/2
        // there are at most ((2M⁵ + 3M·γρ)/3·ρ^-1.5)·n + M/√ρ exceptions; here γρ < 1 and M/√ρ is below M·n·ρ^-1.5.
        let shifted = 2.0 * m + 0.5;
        let square = shifted * shifted;
        let factor = 2.0 * square * square * shifted / 3.0 + 2.0 * shifted;
        Self {
            bits_per_query: log_blowup / 2.0 - log2(1.0 + 0.5 / m),
            // The Johnson bound 1/(2η√ρ), which holds for interleaved words too.
            log_list: log2(m) + log_blowup,
            log_exceptions: log2(factor) + log_domain + 1.5 * log_blowup,
            degree_power: 1.0,
        }
    }

    /// Agreement `ρ + η` with `η = ρ·log2(e/ρ)/log2|F|`: at greater agreement a random word meets no codeword.
    fn capacity(parameters: &Parameters, size: &ProofSize) -> Self {
        let log_blowup = f64::from(parameters.log_blowup);
        let log_domain = f64::from(size.log_max_height) + log_blowup;
        // η/ρ
        let margin = (LOG2_E + log_blowup) / FIELD_BITS;
        let log_inverse_margin = log_blowup - log2(margin);
        Self {
            bits_per_query: log_blowup - log2(1.0 + margin),
            // n/η codewords and (n·degree/ηρ)² exceptions: the forms of the conjectures at radius 1 − ρ − η.
            log_list: log_domain + log_inverse_margin,
            log_exceptions: 2.0 * (log_domain + log_inverse_margin + log_blowup),
            degree_power: 2.0,
        }
    }

    fn bits(&self, round: Round, parameters: &Parameters, size: &ProofSize) -> f64 {
        let combined = |degree: f64| FIELD_BITS - self.log_exceptions - self.degree_power * log2(degree.max(1.0));
        let bits = match round {
            // Numerator: degree below T in z and below T·a in α. Denominators: one bad z each.
            Round::Bus => {
                FIELD_BITS - self.log_list - log2(size.terms.max(1) as f64) - log2(size.tuple_arity as f64 + 2.0)
            }
            Round::Constraints => FIELD_BITS - self.log_list - log2(size.constraints.max(1) as f64),
            // Degree 3N, and N to spare for the factors of first, last and transition rows and for the excluded points. One
            // list would do, since all columns agree with theirs on one set; two are charged, as in eprint 2024/1553.
            Round::Point => {
                FIELD_BITS - 2.0 * self.log_list - f64::from(size.log_max_height) - log2(f64::from(MAX_DEGREE + 1))
            }
            Round::Deep => combined(size.openings as f64),
            // One more word than the arity: the polynomial of a smaller height enters with β^arity.
            Round::Fold => combined(power_of_two(parameters.log_fold)),
            Round::Queries => {
                f64::from(parameters.queries) * self.bits_per_query.max(0.0) + f64::from(parameters.grinding_bits)
            }
            Round::Hash => COLLISION_BITS,
        };
        bits.max(0.0)
    }
}

/// The multiplicity with the highest proven minimum. The query round gains with it, the other rounds lose, so the best is
/// where they cross.
fn best_multiplicity(parameters: &Parameters, size: &ProofSize) -> u32 {
    let queries_and_rest = |multiplicity| {
        let regime = Regime::johnson(parameters, size, multiplicity);
        let bits = |round| regime.bits(round, parameters, size);
        let rest = [Round::Bus, Round::Constraints, Round::Point, Round::Deep, Round::Fold].map(bits);
        (bits(Round::Queries), rest.into_iter().fold(COLLISION_BITS, f64::min))
    };
    let least = |multiplicity| {
        let (queries, rest) = queries_and_rest(multiplicity);
        queries.min(rest)
    };
    let (mut low, mut high) = MULTIPLICITIES;
    while low < high {
        let middle = (low + high).div_ceil(2);
        let (queries, rest) = queries_and_rest(middle);
        if queries <= rest {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let next = (low + 1).min(MULTIPLICITIES.1);
    if least(next) > least(low) { next } else { low }
}

/// `2^exponent`, exact below 128 and constant above.
fn power_of_two(exponent: u32) -> f64 {
    (1u128 << exponent.min(127)) as f64
}

/// `log2` of a normal number of at least 1/1024, to about 15 digits, by operations that IEEE 754 fixes to the last bit.
/// (The standard library leaves its own `log2` to the platform.)
fn log2(x: f64) -> f64 {
    const MANTISSA_BITS: u32 = 52;
    const MANTISSA: u64 = (1 << MANTISSA_BITS) - 1;
    const BIAS: u64 = 1023;
    let bits = x.to_bits();
    let exponent = (bits >> MANTISSA_BITS) as f64 - BIAS as f64;
    let mantissa = f64::from_bits(bits & MANTISSA | BIAS << MANTISSA_BITS);
    // ln(m) = 2·artanh(s), with s at most 1/3 since m < 2.
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let series = (0..20).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    exponent + 2.0 * s * series / LN_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::{GRINDING_BITS_RANGE, LOG_BLOWUP_RANGE, LOG_FOLD_RANGE, Preset, QUERIES_RANGE};

    const MIDDLE: ProofSize = ProofSize {
        log_max_height: 20,
        terms: 1 << 27,
        tuple_arity: 8,
        constraints: 1 << 10,
        openings: 1 << 10,
        folds: 5,
    };

    fn tenths(bits: f64) -> i64 {
        (bits * 10.0).floor() as i64
    }

    #[test]
    fn presets_have_their_bits_at_every_size() {
        for (size, proven_100_conjectured) in [(MIDDLE, 1280), (ProofSize::LARGEST, 1266)] {
            let found = Preset::ALL.map(|preset| {
                let Security { conjectured, proven, legacy, .. } = preset.parameters().security(&size);
                (preset.name(), tenths(conjectured), tenths(proven), tenths(legacy))
            });
            let expected = [
                ("bench-96", 968, 579, 980),
                ("default-100", 1008, 599, 1020),
                ("compact", 1011, 599, 1020),
                ("proven-100", proven_100_conjectured, 1009, 1280),
            ];
            assert_eq!(found, expected, "{size:?}");
        }
    }

    #[test]
    fn presets_keep_their_promises() {
        for size in [MIDDLE, ProofSize::LARGEST] {
            let bits = |preset: Preset| preset.parameters().security(&size);
            assert!(bits(Preset::Bench96).conjectured >= 96.0);
            assert!(bits(Preset::Default100).conjectured >= 100.0);
            assert!(bits(Preset::Compact).conjectured >= 100.0);
            assert!(bits(Preset::Proven100).proven >= 100.0);
        }
    }

    /// (proven, conjectured) tenths of bits of each round, as tabulated in the documentation.
    #[test]
    fn every_round() {
        let rounds = |preset: Preset, size: &ProofSize| {
            let terms = preset.parameters().security(size).terms;
            terms.iter().map(|term| (tenths(term.proven_bits), tenths(term.conjectured_bits))).collect::<Vec<_>>()
        };
        let expected = [
            (Preset::Default100, MIDDLE, DEFAULT_MIDDLE),
            (Preset::Default100, ProofSize::LARGEST, DEFAULT_LARGEST),
            (Preset::Proven100, MIDDLE, PROVEN_MIDDLE),
            (Preset::Proven100, ProofSize::LARGEST, PROVEN_LARGEST),
        ];
        for (preset, size, expected) in expected {
            assert_eq!(rounds(preset, &size), expected, "{preset} {size:?}");
        }
    }

    const DEFAULT_MIDDLE: [(i64, i64); 7] =
        [(2097, 1919), (2300, 2123), (2070, 1716), (1642, 1716), (1712, 1856), (599, 1008), (1280, 1280)];
    const DEFAULT_LARGEST: [(i64, i64); 7] =
        [(1880, 1603), (2200, 1923), (1970, 1416), (1442, 1316), (1612, 1656), (599, 1008), (1280, 1280)];
    const PROVEN_MIDDLE: [(i64, i64); 7] =
        [(2087, 1904), (2290, 2108), (2050, 1686), (1617, 1666), (1687, 1806), (1009, 1823), (1280, 1280)];
    const PROVEN_LARGEST: [(i64, i64); 7] =
        [(1870, 1588), (2190, 1908), (1950, 1386), (1417, 1266), (1587, 1606), (1009, 1823), (1280, 1280)];

    #[test]
    fn conjectured_bits_per_query() {
        for (log_blowup, expected) in [(1, 986), (2, 1980), (3, 2975), (4, 3969)] {
            let parameters = Parameters { log_blowup, ..Preset::Default100.parameters() };
            let bits = Regime::capacity(&parameters, &MIDDLE).bits_per_query;
            assert_eq!((bits * 1000.0).round() as i64, expected);
        }
    }

    /// 70 queries and 26 bits of work at blow-up 2, as another prover uses them, and a figure that another calculator gives
    /// for 100 queries and 16 bits over a field of this size.
    #[test]
    fn figures_of_others() {
        let bits = |queries, grinding_bits| {
            Parameters { log_blowup: 1, queries, grinding_bits, log_fold: 3 }.security(&MIDDLE)
        };
        assert_eq!(bits(70, 26).legacy, 96.0);
        assert_eq!(tenths(bits(70, 26).conjectured), 950);
        assert_eq!(bits(100, 16).proven.floor(), 65.0);
    }

    fn all_parameters() -> impl Iterator<Item = Parameters> {
        let range = |(min, max): (u32, u32)| min..=max;
        range(LOG_BLOWUP_RANGE).flat_map(move |log_blowup| {
            [QUERIES_RANGE.0, 30, 81, 200, QUERIES_RANGE.1].into_iter().flat_map(move |queries| {
                [GRINDING_BITS_RANGE.0, 20, GRINDING_BITS_RANGE.1].into_iter().flat_map(move |grinding_bits| {
                    range(LOG_FOLD_RANGE).map(move |log_fold| Parameters {
                        log_blowup,
                        queries,
                        grinding_bits,
                        log_fold,
                    })
                })
            })
        })
    }

    #[test]
    fn more_work_never_lowers_and_more_size_never_raises_security() {
        let larger: [fn(&mut ProofSize); 6] = [
            |size| size.log_max_height += 1,
            |size| size.terms *= 2,
            |size| size.tuple_arity += 1,
            |size| size.constraints += 1,
            |size| size.openings += 1,
            |size| size.folds += 1,
        ];
        for parameters in all_parameters() {
            for size in [MIDDLE, ProofSize::LARGEST] {
                let base = parameters.security(&size);
                let more_queries = Parameters { queries: parameters.queries + 1, ..parameters }.security(&size);
                let more_work =
                    Parameters { grinding_bits: parameters.grinding_bits + 1, ..parameters }.security(&size);
                for more in [more_queries, more_work] {
                    assert!(
                        more.conjectured >= base.conjectured
                            && more.proven >= base.proven
                            && more.legacy >= base.legacy
                    );
                }
                for enlarge in larger {
                    let mut size = size;
                    enlarge(&mut size);
                    let less = parameters.security(&size);
                    assert!(less.conjectured <= base.conjectured && less.proven <= base.proven);
                }
                assert!(base.proven <= base.conjectured && base.conjectured <= base.legacy, "{parameters:?}");
            }
        }
    }

    #[test]
    fn a_higher_blow_up_raises_security_at_equal_queries() {
        for preset in Preset::ALL {
            let parameters = preset.parameters();
            let at = |log_blowup| Parameters { log_blowup, ..parameters }.security(&MIDDLE);
            for log_blowup in LOG_BLOWUP_RANGE.0..LOG_BLOWUP_RANGE.1 {
                let (low, high) = (at(log_blowup), at(log_blowup + 1));
                assert!(high.conjectured >= low.conjectured && high.proven >= low.proven);
            }
        }
    }

    /// A field that is too small for the shape lowers the multiplicity; the search then finds what trying all finds.
    #[test]
    fn the_best_multiplicity_is_found() {
        let huge = |openings| ProofSize { log_max_height: 60, openings, ..ProofSize::LARGEST };
        let mut below_limit = 0;
        for parameters in all_parameters() {
            for size in [MIDDLE, ProofSize::LARGEST, huge(1 << 40), huge(1 << 50), huge(1 << 63)] {
                let least = |multiplicity| {
                    let regime = Regime::johnson(&parameters, &size, multiplicity);
                    ROUNDS
                        .iter()
                        .map(|(_, _, round)| regime.bits(*round, &parameters, &size))
                        .fold(COLLISION_BITS, f64::min)
                };
                let found = best_multiplicity(&parameters, &size);
                let best = (MULTIPLICITIES.0..=MULTIPLICITIES.1).map(least).fold(0.0, f64::max);
                assert_eq!(least(found), best, "{parameters:?} {size:?} {found}");
                below_limit += usize::from(found < MULTIPLICITIES.1);
            }
        }
        assert!(below_limit > 0);
    }

    #[test]
    fn any_input_gives_finite_bits() {
        let numbers = [0, 1, 2, 20, 1 << 20, u32::MAX];
        for log_blowup in numbers {
            for number in numbers {
                let parameters = Parameters { log_blowup, queries: number, grinding_bits: number, log_fold: number };
                for wide in [0, u128::from(number), u128::MAX] {
                    let narrow = wide.min(u128::from(u64::MAX)) as u64;
                    let size = ProofSize {
                        log_max_height: number,
                        terms: wide,
                        tuple_arity: narrow,
                        constraints: narrow,
                        openings: narrow,
                        folds: number,
                    };
                    let security = parameters.security(&size);
                    let terms = security.terms.iter().flat_map(|term| [term.proven_bits, term.conjectured_bits]);
                    for bits in terms.chain([security.proven, security.conjectured, security.legacy]) {
                        assert!(bits.is_finite() && bits >= 0.0, "{parameters:?} {size:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_fold_no_round() {
        let security = Parameters::default().security(&ProofSize { log_max_height: 6, folds: 0, ..MIDDLE });
        assert!(security.terms.iter().all(|term| term.name != "FRI folds"));
        assert_eq!(security.terms.len(), ROUNDS.len() - 1);
    }

    #[test]
    fn logarithm() {
        assert_eq!(log2(1.0), 0.0);
        assert_eq!(log2(8.0), 3.0);
        for step in 1..20_000 {
            let x = f64::from(step) / 997.0;
            for x in [x, x * x * x, x * 1e20, 1.0 + x * 1e-6] {
                assert!((log2(x) - x.log2()).abs() < 1e-13, "{x}");
            }
        }
        // Pinned to the last bit: the same on every platform.
        assert_eq!(log2(3.0).to_bits(), 4609816855700290920);
        assert_eq!(Parameters::default().security(&MIDDLE).conjectured.to_bits(), 4636795439420521548);
    }
}
