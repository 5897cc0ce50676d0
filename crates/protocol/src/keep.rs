//! Which proofs a distributor keeps for a project.

use crate::hex::{IdError, text_serde};
use crate::ids::Digest;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// Fractions are counted in millionths.
const WHOLE: u32 = 1_000_000;

/// Most days for which a proof is kept after its results were collected.
pub const MAX_KEEP_DAYS: u32 = 36_500;

/// Which proofs a distributor keeps for a project. Results stay in any case; a proof that was thinned can be made again, since
/// units are deterministic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeepProofs {
    /// All of them.
    #[default]
    All,
    /// Until all results of a proof are collected, and this many days longer.
    UntilCollected {
        /// Days.
        days: u32,
    },
    /// Of the collected ones a random sample; see [`KeepProofs::draws`].
    Sample {
        /// The part that stays, in millionths.
        millionths: u32,
    },
}

impl KeepProofs {
    /// Whether all are kept.
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// Whether a proof whose results were collected into a manifest with this root is drawn to stay, where a sample does.
    ///
    /// The first eight bytes of `SHA-256("cairn-keep-v1\n" ‖ root ‖ proof)`, big-endian, are compared with the fraction of 2^64:
    /// nobody knows the root, and so the sample, before the results are collected, and everybody can compute it afterwards.
    pub fn draws(&self, root: &Digest, proof: &Digest) -> bool {
        let Self::Sample { millionths } = *self else { return false };
        let digest = Sha256::new()
            .chain_update(b"cairn-keep-v1\n")
            .chain_update(root.as_bytes())
            .chain_update(proof.as_bytes())
            .finalize();
        let drawn = digest.iter().take(8).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        drawn * u128::from(WHOLE) < u128::from(millionths) << 64
    }
}

impl fmt::Display for KeepProofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Self::All => "all".to_owned(),
            Self::UntilCollected { days: 0 } => "until-collected".to_owned(),
            Self::UntilCollected { days } => format!("until-collected+{days}"),
            Self::Sample { millionths } => {
                let digits = format!("{}.{:06}", millionths / WHOLE, millionths % WHOLE);
                format!("sample:{}", digits.trim_end_matches('0').trim_end_matches('.'))
            }
        };
        f.pad(&text)
    }
}

/// Millionths of a decimal fraction from 0 to 1 with at most six digits behind the point.
fn millionths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 1 || part.len() > 6 {
        return None;
    }
    let number = whole.parse::<u32>().ok()? * WHOLE + format!("{part:0<6}").parse::<u32>().ok()?;
    (number <= WHOLE).then_some(number)
}

impl FromStr for KeepProofs {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let read = || match text {
            "all" => Some(Self::All),
            "until-collected" => Some(Self::UntilCollected { days: 0 }),
            _ => match (text.strip_prefix("until-collected+"), text.strip_prefix("sample:")) {
                (Some(days), _) if days.bytes().all(|byte| byte.is_ascii_digit()) => {
                    let days = days.parse().ok().filter(|days| *days <= MAX_KEEP_DAYS)?;
                    Some(Self::UntilCollected { days })
                }
                (_, Some(fraction)) => Some(Self::Sample { millionths: millionths(fraction)? }),
                _ => None,
            },
        };
        read().ok_or_else(|| {
            let form = "`all`, `until-collected`, `until-collected+DAYS` or `sample:FRACTION`, as `sample:0.05`";
            IdError::new("the rule for keeping proofs", form, text)
        })
    }
}

text_serde!(KeepProofs);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_one_form() {
        for text in
            ["all", "until-collected", "until-collected+30", "sample:0.05", "sample:1", "sample:0", "sample:0.000001"]
        {
            let rule: KeepProofs = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
            let json = serde_json::to_string(&rule).unwrap();
            assert_eq!(serde_json::from_str::<KeepProofs>(&json).unwrap(), rule);
        }
        assert_eq!("sample:1.000000".parse::<KeepProofs>().unwrap().to_string(), "sample:1");
        assert_eq!("until-collected+0".parse::<KeepProofs>().unwrap(), KeepProofs::UntilCollected { days: 0 });
        let bad = [
            "",
            "ALL",
            "until-collected+",
            "until-collected+-1",
            "until-collected+99999",
            "sample:",
            "sample:1.1",
            "sample:.5",
            "sample:0.0000001",
            "sample:-0.1",
            "sample:10",
            "sample:1e-3",
        ];
        for text in bad {
            let error = text.parse::<KeepProofs>().unwrap_err().to_string();
            assert!(error.contains("until-collected+DAYS"), "{text}: {error}");
        }
    }

    #[test]
    fn a_sample_is_as_large_as_it_says_and_another_for_each_root() {
        let proofs: Vec<Digest> = (0..4000_u32).map(|number| Digest::of(&number.to_le_bytes())).collect();
        let (first, second) = (Digest::of(b"one"), Digest::of(b"another"));
        let drawn = |rule: KeepProofs, root: &Digest| -> Vec<bool> {
            proofs.iter().map(|proof| rule.draws(root, proof)).collect()
        };
        let count = |drawn: &[bool]| drawn.iter().filter(|kept| **kept).count();
        let tenth: KeepProofs = "sample:0.1".parse().unwrap();
        assert!((300..500).contains(&count(&drawn(tenth, &first))));
        assert_ne!(drawn(tenth, &first), drawn(tenth, &second));
        assert_eq!(drawn(tenth, &first), drawn(tenth, &first));
        // Who keeps more keeps all that who keeps less does.
        let half = drawn("sample:0.5".parse().unwrap(), &first);
        assert!(drawn(tenth, &first).iter().zip(&half).all(|(less, more)| !less || *more));
        assert_eq!(count(&drawn("sample:1".parse().unwrap(), &first)), proofs.len());
        assert_eq!(count(&drawn("sample:0".parse().unwrap(), &first)), 0);
        // Pinned: whoever checks what had to stay computes the same.
        let digest = Sha256::digest([&b"cairn-keep-v1\n"[..], first.as_bytes(), proofs[0].as_bytes()].concat());
        let share = f64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])) / f64::from(u32::MAX);
        let around = |part: f64| KeepProofs::Sample { millionths: (part * 1e6) as u32 }.draws(&first, &proofs[0]);
        assert!(!around(share - 0.001) && around((share + 0.001).min(1.0)));
    }
}
