//! The Fiat–Shamir transcript. Each step of the protocol is one method, used by prover and verifier alike.
//!
//! The state is 32 bytes. Absorbing replaces it by a BLAKE3 hash keyed with the state over a length-prefixed label and
//! length-prefixed data; squeezing reads the hash's extended output, of which the first 32 bytes become the next state.
//! So every challenge depends on all that came before, and no output is ever given twice.

use crate::composition::BusChallenges;
use crate::hash::{Digest, Parts, grinding_zeros};
use crate::outline::Outlined;
use crate::parameters::Parameters;
use crate::proof::GroupOpenings;
use crate::public::{PublicTerms, Terms};
use felt::{Felt, domain, encoding};

const PROTOCOL: &str = "cairn stark v1";

/// State of the transcript.
#[derive(Debug, Clone)]
pub struct Transcript {
    state: Digest,
}

impl Transcript {
    /// Step 0: protocol name and version, parameters, the caller's context, tables with their heights, public tuples.
    pub fn new<T: Outlined>(parameters: &Parameters, context: &[u8], tables: &[T], public: &PublicTerms) -> Self {
        let mut transcript = Self { state: *blake3::hash(PROTOCOL.as_bytes()).as_bytes() };
        transcript.absorb("parameters", &parameters.encode());
        transcript.absorb("context", context);
        let mut shape = Vec::new();
        for table in tables {
            let table = table.outline();
            shape.extend_from_slice(&(table.name.len() as u64).to_le_bytes());
            shape.extend_from_slice(table.name.as_bytes());
            let counts = [table.width, table.constraints, table.interactions.len()];
            for number in counts.into_iter().chain([table.log_height as usize]) {
                shape.extend_from_slice(&(number as u64).to_le_bytes());
            }
        }
        transcript.absorb("tables", &shape);
        transcript.public_terms(public);
        transcript
    }

    /// Part by part: a program has a hundred bytes a word.
    fn public_terms(&mut self, public: &PublicTerms) {
        let len = |terms: Terms<'_>| terms.count * (12 + encoding::BYTES * (terms.width + 1));
        let mut parts = Parts::new(self.hasher("public tuples", public.runs().map(len).sum()));
        for terms in public.runs() {
            // What tuples of a run have in common stays in its place.
            let mut tuple = terms.bus.id.to_le_bytes().to_vec();
            tuple.extend_from_slice(&(terms.width as u64).to_le_bytes());
            tuple.resize(12 + encoding::BYTES * terms.width, 0);
            tuple.extend_from_slice(&encoding::to_bytes(&terms.multiplicity));
            for entries in terms.tuples() {
                for (place, entry) in tuple[12..].chunks_exact_mut(encoding::BYTES).zip(entries) {
                    place.copy_from_slice(&encoding::to_bytes(entry));
                }
                parts.push(&tuple);
            }
        }
        self.state = *parts.finish().finalize().as_bytes();
    }

    fn absorb(&mut self, label: &str, data: &[u8]) {
        self.state = *self.hasher(label, data.len()).update(data).finalize().as_bytes();
    }

    /// For so many bytes of data.
    fn hasher(&self, label: &str, len: usize) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.state);
        hasher.update(&[0]).update(&(label.len() as u64).to_le_bytes()).update(label.as_bytes());
        hasher.update(&(len as u64).to_le_bytes());
        hasher
    }

    fn squeeze(&mut self, label: &str, out: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_keyed(&self.state);
        hasher.update(&[1]).update(&(label.len() as u64).to_le_bytes()).update(label.as_bytes());
        let mut reader = hasher.finalize_xof();
        reader.fill(&mut self.state);
        reader.fill(out);
    }

    fn absorb_felts<'a>(&mut self, label: &str, elements: impl IntoIterator<Item = &'a Felt>) {
        let bytes: Vec<u8> = elements.into_iter().flat_map(encoding::to_bytes).collect();
        self.absorb(label, &bytes);
    }

    fn absorb_cap(&mut self, label: &str, cap: &[Digest]) {
        self.absorb(label, cap.as_flattened());
    }

    /// A challenge: 512 bits of output reduced modulo `p`, at distance below 2^-259 from uniform.
    fn challenge(&mut self, label: &str) -> Felt {
        let mut bytes = [0u8; 64];
        self.squeeze(label, &mut bytes);
        // Horner's rule over 16-bit digits, each of which is a canonical element.
        let digits = bytes.chunks_exact(2).map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 8);
        digits.fold(Felt::zero(), |sum, digit| sum * Felt::from(1u64 << 16) + Felt::from(digit))
    }

    /// Step 1: the commitment to all main columns.
    pub fn main_commitment(&mut self, cap: &[Digest]) {
        self.absorb_cap("main", cap);
    }

    /// Step 2: the challenges of the bus argument.
    pub fn bus_challenges(&mut self) -> BusChallenges {
        let z = self.challenge("bus z");
        let alpha = self.challenge("bus alpha");
        BusChallenges { z, alpha }
    }

    /// Step 3: the commitment to all LogUp columns and each group's total.
    pub fn lookup_commitment(&mut self, cap: &[Digest], totals: &[Felt]) {
        self.absorb_cap("lookup", cap);
        self.absorb_felts("totals", totals);
    }

    /// Step 4: the challenge that combines the constraints of a group.
    pub fn constraint_challenge(&mut self) -> Felt {
        self.challenge("lambda")
    }

    /// Step 5: the commitment to all quotient chunks.
    pub fn quotient_commitment(&mut self, cap: &[Digest]) {
        self.absorb_cap("quotient", cap);
    }

    /// Step 6: the out-of-domain point. A point of any trace or LDE domain would make openings undefined, so those are
    /// skipped: all of them are roots of unity of order at most 2^[`domain::MAX_LOG_SIZE`].
    pub fn out_of_domain_point(&mut self) -> Felt {
        loop {
            let zeta = self.challenge("zeta");
            let mut power = zeta;
            for _ in 0..domain::MAX_LOG_SIZE {
                power = power.square();
            }
            if power != Felt::one() && zeta != Felt::zero() {
                return zeta;
            }
        }
    }

    /// Step 7: the values of all columns at the out-of-domain points.
    pub fn openings(&mut self, groups: &[GroupOpenings]) {
        for group in groups {
            for part in group.parts() {
                self.absorb_felts("openings", part);
            }
        }
    }

    /// Step 8: the challenge that combines the DEEP quotients.
    pub fn deep_challenge(&mut self) -> Felt {
        self.challenge("gamma")
    }

    /// Step 9, once a layer: the commitment to a FRI codeword, answered by the folding challenge.
    pub fn fri_layer(&mut self, cap: &[Digest]) -> Felt {
        self.absorb_cap("fri layer", cap);
        self.challenge("beta")
    }

    /// Step 10: the coefficients of the final polynomial.
    pub fn final_polynomial(&mut self, coefficients: &[Felt]) {
        self.absorb_felts("final polynomial", coefficients);
    }

    /// The seed of the grinding puzzle: the state after all commitments.
    pub fn grinding_seed(&self) -> Digest {
        self.state
    }

    /// Step 11: whether the nonce solves the puzzle; it is absorbed either way.
    pub fn grinding(&mut self, nonce: u64, bits: u32) -> bool {
        let solved = grinding_zeros(&self.state, nonce) >= bits;
        self.absorb("nonce", &nonce.to_le_bytes());
        solved
    }

    /// Step 12: query indices, uniform and independent, into the largest LDE domain. That may exceed `usize` where it has 32 bits.
    pub fn query_indices(&mut self, count: usize, log_size: u32) -> Vec<u64> {
        let mut bytes = vec![0u8; count * 8];
        self.squeeze("queries", &mut bytes);
        let mask = (1u64 << log_size) - 1;
        let words =
            bytes.chunks_exact(8).map(|chunk| chunk.iter().rev().fold(0u64, |word, &byte| word << 8 | u64::from(byte)));
        words.map(|word| word & mask).collect()
    }
}
