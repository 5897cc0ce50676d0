//! Files that cost a verifier much and their maker nothing: no witness stands behind them.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use cairo_air::components::derived::{MAX_COLUMNS, MAX_MOVED, MAX_STEPS};
use cairo_air::components::{Limb, OwningWord, Path, TableKind, Word};
use cairo_air::decode::{Decoded, Flags};
use cairo_air::layout::{MAX_DERIVED_STEPS, MAX_TABLES};
use cairo_air::{
    ArgumentBinding, Builtin, CairoProof, Claim, DisclosedTable, Fetch, Layout, MAX_RUNS, Policy, Program, RunClaim,
    Segment, Statement, TableEntry, public_tuples,
};
use felt::{Felt, domain};
use stark::composition::{BusChallenges, Composition};
use stark::hash::{Digest, hash_inject, hash_node, hash_row};
use stark::merkle::{CAP, path_length};
use stark::proof::{FoldOpening, GroupOpenings, Opening};
use stark::shape::{Group, LOG_FINAL, distinct};
use stark::transcript::Transcript;
use stark::{Parameters, Proof, PublicTuple, Shape, Table};

const ASSERT_ADD_AP: u16 = 1 << 5 | 1 << 11 | 1 << 14;
const ASSERT_MUL: u16 = 1 << 4 | 1 << 6 | 1 << 14;
const ASSERT_MUL_IMM_AP: u16 = 1 << 2 | 1 << 6 | 1 << 11 | 1 << 14;

/// As many paths as there may be.
pub const MOST_PATHS: u32 = MAX_DERIVED_STEPS / MAX_STEPS;

/// 97 bits without any proof of work, by 98 queries at the smallest blow-up.
pub const MANY_QUERIES: Parameters = Parameters { log_blowup: 1, queries: 99, grinding_bits: 0, log_fold: 3 };

/// 97 bits with proof of work.
pub const GROUND: Parameters = Parameters { log_blowup: 1, queries: 81, grinding_bits: 18, log_fold: 3 };

/// Stretches of 256 instructions. 192 of a stretch add a cell at a computed address to the sum so far, so that addresses and
/// values have ever more terms, or multiply it by a large number; the rest demands products of two such sums.
pub fn program(stretches: u32, terms: bool) -> Program {
    let header = [0x0407_8001_7fff_7fff_u64, 1, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
    let mut words = header.map(Felt::from).to_vec();
    let word = |flags, offsets| Felt::from(Decoded { flags: Flags(flags), offsets }.encode());
    for _ in 0..stretches {
        for step in 0..MAX_STEPS as i32 {
            if step >= 192 {
                let k = step - 192;
                words.push(word(ASSERT_MUL, [-1 - k % 17, -1 - k % 40, -42 - k]));
            } else if terms && step % 8 == 7 {
                words.push(word(ASSERT_MUL_IMM_AP, [0, -1, 1]));
                words.push((0..4).fold(Felt::from(step as u64), |value, _| value * Felt::from(u64::MAX)));
            } else {
                words.push(word(ASSERT_ADD_AP, [0, -1, 7]));
            }
        }
    }
    Program::new(words, vec![Builtin::Output], ArgumentBinding::OutputPrefix).unwrap()
}

/// What a file says before its STARK proof.
pub struct Forger {
    pub statement: Statement,
    pub claim: Claim,
    pub layout: Layout,
    pub parameters: Parameters,
}

/// How far the maker of a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Zeros of the right length.
    Zeros,
    /// The query indices are the transcript's, and the nonce is sought.
    Indices,
    /// All columns are 0, and their rows belong to the commitments.
    Openings,
    /// The buses balance, by totals that come from nowhere.
    Totals,
    /// The opened quotients are those that the constraints ask for.
    Quotients,
}

impl Forger {
    /// For that program, with a path for each stretch, this many output values and columns of that height.
    pub fn paths(program: Program, paths: u32, outputs: u32, log_height: u32) -> Self {
        let stretch = (program.bytecode().len() as u32 - 6).checked_div(paths).unwrap_or(0);
        let path = |k| Path {
            pc: 7 + k * stretch,
            frame: None,
            steps: MAX_STEPS,
            taken: Vec::new(),
            targets: Vec::new(),
            returns: Vec::new(),
            owned: Vec::new(),
        };
        let base = program.initial_ap() + 4;
        let rows = (base + outputs).div_ceil(8).next_power_of_two();
        let memory = TableEntry { kind: TableKind::Memory, log_height: rows.ilog2().max(log_height).min(28) };
        let paths = (0..paths).map(|k| TableEntry { kind: TableKind::Path(path(k)), log_height });
        let layout = Layout { tables: std::iter::once(memory).chain(paths).collect(), disclosed: Vec::new() };
        let claim = Claim {
            runs: vec![RunClaim {
                offset: 0,
                n_steps: 1,
                final_ap: base,
                segments: vec![Segment { base, stop: base + outputs }],
                arguments_start: None,
                output: vec![Felt::one(); outputs as usize],
            }],
            owned_end: 1,
            fetches: Vec::new(),
        };
        let statement = Statement::single(program, Vec::new(), [0; 32]);
        Self { statement, claim, layout, parameters: MANY_QUERIES }
    }

    /// As many disclosed rows as there may be, each with a bus term: bytes that are looked up.
    pub fn open() -> Self {
        let mut forger = Self::paths(program(0, false), 0, 1, 10);
        let entry = |kind| TableEntry { kind, log_height: 6 };
        forger.layout.tables.extend([entry(TableKind::Instruction), entry(TableKind::Generic)]);
        let cells = vec![Felt::one(); cairo_air::layout::MAX_DISCLOSED_CELLS];
        forger.layout.disclosed.push(DisclosedTable { kind: TableKind::Limb(Limb::Bits8), width: 1, cells });
        forger
    }

    /// As many tables as there may be of words that own what `ap += k` passes, most cells first: the first ones provide as many
    /// of them as a table has columns for and all together may, the others none.
    pub fn words() -> Self {
        let mut forger = Self::paths(program(0, false), 0, 1, 10);
        forger.claim.fetches.push(Fetch { pc: cairo_air::program::PROGRAM_BASE, count: 1 });
        let tables = MAX_TABLES - forger.layout.tables.len();
        let mut left = MAX_DERIVED_STEPS as usize - tables;
        let word = |cells, provided: usize| {
            let owned = [vec![1; provided], vec![0; cells - provided]].concat();
            OwningWord { word: Word { flags: 0x407, taken: None }, at_ap: None, owned }
        };
        let most = (0..=MAX_COLUMNS).rev().find(|provided| word(MAX_MOVED as usize, *provided).size().is_ok()).unwrap();
        for k in 0..tables {
            let provided = left.min(most);
            left -= provided;
            let kind = TableKind::OwningWord(word(MAX_MOVED as usize - k, provided));
            forger.layout.tables.push(TableEntry { kind, log_height: 10 });
        }
        forger.layout.tables.sort_by(|a, b| a.kind.cmp(&b.kind));
        forger
    }

    /// One path of the lowest tables, which are not folded.
    pub fn low() -> Self {
        let mut forger = Self::paths(program(1, true), 1, 1, 6);
        forger.layout.tables.remove(0);
        forger.claim.owned_end = 1 << 16;
        forger
    }

    /// As many runs as there may be, of a program with all builtins and without an instance of any, each on as many arguments.
    pub fn runs(arguments: usize) -> Self {
        let n = Builtin::ALL.len() as u32;
        let words = [0x0407_8001_7fff_7fff_u64, u64::from(n), 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
        let words = words.into_iter().chain([0x208b_7fff_7fff_7ffe]).map(Felt::from).collect();
        let binding = ArgumentBinding::Pointers { cell: n };
        let program = Program::new(words, Builtin::ALL.to_vec(), binding).unwrap();
        let (cells, runs) = (2 + 2 * n + 4, MAX_RUNS as u32);
        let end = program.execution_base() + cells * runs;
        let run = |run: u32| RunClaim {
            offset: run * cells,
            n_steps: 1 << 28,
            final_ap: program.execution_base() + (run + 1) * cells,
            segments: vec![Segment { base: end, stop: end }; n as usize],
            arguments_start: Some(end),
            output: Vec::new(),
        };
        let claim = Claim { runs: (0..runs).map(run).collect(), owned_end: 1, fetches: Vec::new() };
        let rows = (end + arguments as u32).div_ceil(8).next_power_of_two();
        let memory = TableEntry { kind: TableKind::Memory, log_height: rows.ilog2() };
        let statement = Statement { program, runs: vec![vec![Felt::one(); arguments]; MAX_RUNS], prover: [0; 32] };
        let layout = Layout { tables: vec![memory], disclosed: Vec::new() };
        Self { statement, claim, layout, parameters: MANY_QUERIES }
    }

    /// The file.
    pub fn file(&self, effort: Effort) -> Vec<u8> {
        let Self { statement, claim, layout, parameters } = self;
        let stark = match layout.check(&statement.program, claim) {
            Ok(()) => self.stark(effort).unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        CairoProof::new(statement, *parameters, claim.clone(), layout.clone(), stark).encode()
    }

    fn stark(&self, effort: Effort) -> Option<Vec<u8>> {
        let Self { statement, claim, layout, parameters } = self;
        let mut draft = layout.draft(&statement.program, claim, false).ok()?;
        let shape = Shape::new(draft.outlines(), parameters);
        if effort == Effort::Zeros {
            return Some(vec![0; Proof::encoded_len(&vec![0; shape.queries], &shape)]);
        }
        let mut public = public_tuples(statement, claim, layout);
        public.extend(draft.disclosed_tuples().ok()?);
        let tables = draft.tables().ok()?;
        let context = statement.context(claim, layout);
        Some(forge(&tables, &public, &context, parameters, effort).encode(&shape))
    }
}

/// A tree over rows of zeros: on each layer all nodes are equal. From the leaves to the cap.
fn layers(matrices: &[(u32, usize)]) -> Vec<Digest> {
    let row = |width: usize| hash_row(vec![Felt::zero(); width].iter());
    let Some(((tallest, width), smaller)) = matrices.split_first() else { return Vec::new() };
    let mut layers = vec![row(*width)];
    for log_size in (CAP.ilog2()..*tallest).rev() {
        let below = layers[layers.len() - 1];
        let node = hash_node(&below, &below);
        let injected = smaller.iter().find(|(height, _)| *height == log_size);
        layers.push(injected.map_or(node, |(_, width)| hash_inject(&node, &row(*width))));
    }
    layers
}

/// The digests of a batch opening: the layer of each is that of its length.
fn path(layers: &[Digest], log_leaves: u32, indices: &[u64]) -> Vec<Digest> {
    let mut path = Vec::new();
    for (layer, digest) in layers.iter().enumerate() {
        let log_size = log_leaves - layer as u32;
        // Paths from here up, less those from one layer up, are the digests of this layer.
        let length = |log: u32| if log > CAP.ilog2() { path_length(log, &distinct(indices, log)) } else { 0 };
        let count = length(log_size) - length(log_size.saturating_sub(1).max(CAP.ilog2()));
        path.extend(std::iter::repeat_n(*digest, count));
    }
    path
}

fn forge(tables: &[Table], public: &[PublicTuple], context: &[u8], parameters: &Parameters, effort: Effort) -> Proof {
    let shape = Shape::new(tables, parameters);
    let widths = |group: &Group| [group.main_width, group.aux_width(), 2];
    let matrices = [0, 1, 2].map(|which| -> Vec<_> {
        let all = shape.groups.iter().map(|group| (shape.log_lde(group), widths(group)[which]));
        all.filter(|(_, width)| *width > 0).collect()
    });
    let trees = matrices.each_ref().map(|matrices| layers(matrices));
    let cap = |tree: &Vec<Digest>| tree.last().map_or(Vec::new(), |node| vec![*node; CAP]);
    let mut proof = Proof {
        main_cap: cap(&trees[0]),
        lookup_cap: cap(&trees[1]),
        quotient_cap: cap(&trees[2]),
        totals: vec![Felt::zero(); shape.groups.len()],
        final_polynomial: vec![Felt::zero(); 1 << LOG_FINAL],
        ..Proof::default()
    };
    let mut transcript = Transcript::new(parameters, context, tables, &public.into());
    transcript.main_commitment(&proof.main_cap);
    let bus = transcript.bus_challenges();
    if effort >= Effort::Totals {
        let group = shape.groups.iter().position(|group| !group.batches.is_empty()).unwrap();
        let mut denominators: Vec<_> = public.iter().map(|tuple| bus.denominator(tuple)).collect();
        felt::vector::batch_inverse_portable(&mut denominators);
        let terms = public.iter().zip(&denominators).map(|(tuple, inverse)| tuple.multiplicity * *inverse);
        proof.totals[group] = -terms.fold(Felt::zero(), |sum, term| sum + term);
    }
    transcript.lookup_commitment(&proof.lookup_cap, &proof.totals);
    let lambda = transcript.constraint_challenge();
    transcript.quotient_commitment(&proof.quotient_cap);
    let zeta = transcript.out_of_domain_point();
    for (group, total) in shape.groups.iter().zip(&proof.totals) {
        let [main, main_next, aux, aux_next, quotient] =
            GroupOpenings::lengths(group).map(|length| vec![Felt::zero(); length]);
        let mut openings = GroupOpenings { main, main_next, aux, aux_next, quotient };
        if effort >= Effort::Quotients {
            openings.quotient[0] = quotient_of_zeros(group, tables, total, bus, &lambda, &zeta, shape.log_blowup);
        }
        proof.openings.push(openings);
    }
    transcript.openings(&proof.openings);
    transcript.deep_challenge();
    for fold in &shape.folds {
        proof.fold_caps.push(cap(&layers(&[(fold.log_leaves(), 1 << fold.log_arity)])));
    }
    for cap in &proof.fold_caps {
        transcript.fri_layer(cap);
    }
    transcript.final_polynomial(&proof.final_polynomial);
    let seed = transcript.grinding_seed();
    proof.nonce = stark::hash::grind(&seed, 0, 1 << 40, parameters.grinding_bits).unwrap();
    transcript.grinding(proof.nonce, parameters.grinding_bits);
    proof.indices = transcript.query_indices(shape.queries, shape.log_max_lde());
    open(&mut proof, &shape, &matrices, &trees);
    if effort < Effort::Openings {
        proof.main.rows[0][0][0] = Felt::one();
    }
    proof
}

/// Rows of zeros at the query indices.
fn open(proof: &mut Proof, shape: &Shape, matrices: &[Vec<(u32, usize)>; 3], trees: &[Vec<Digest>; 3]) {
    let indices = proof.indices.clone();
    let opening = |which: usize| {
        let rows = matrices[which].iter();
        let rows =
            rows.map(|(log_height, width)| vec![vec![Felt::zero(); *width]; distinct(&indices, *log_height).len()]);
        let log_leaves = matrices[which].first().map_or(0, |(log_height, _)| *log_height);
        Opening { rows: rows.collect(), path: path(&trees[which], log_leaves, &indices) }
    };
    [proof.main, proof.lookup, proof.quotient] = [0, 1, 2].map(opening);
    for fold in &shape.folds {
        let known = distinct(&indices, fold.log_size);
        let unknown = |leaf| fold.indices(leaf).filter(|index| known.binary_search(index).is_err()).count();
        let leaves = distinct(&indices, fold.log_leaves()).into_iter();
        let siblings = leaves.map(|leaf| vec![Felt::zero(); unknown(leaf)]).collect();
        let tree = layers(&[(fold.log_leaves(), 1 << fold.log_arity)]);
        proof.folds.push(FoldOpening { siblings, path: path(&tree, fold.log_leaves(), &indices) });
    }
}

/// The first quotient chunk at `ζ` with which the constraints seem to hold on columns of zeros, if the second one is 0.
fn quotient_of_zeros(
    group: &Group,
    tables: &[Table],
    total: &Felt,
    bus: BusChallenges,
    lambda: &Felt,
    zeta: &Felt,
    log_blowup: u32,
) -> Felt {
    use stark::graph::Input;
    let mut composition = Composition::new(group, tables, bus);
    let sums = composition.constraints(total, lambda);
    let periodic: Vec<Felt> = group
        .tables
        .iter()
        .flat_map(|table| tables[*table].air.periodic())
        .map(|period| {
            let coefficients = felt::fft::coefficients_natural(period, &Felt::one());
            stark::fold::evaluate(&coefficients, &zeta.pow((group.height() / period.len()) as u64))
        })
        .collect();
    let values = composition.graph.evaluate(|input| match input {
        Input::Periodic(column) => periodic[column as usize],
        _ => Felt::zero(),
    });
    let [all, transition, first, last] = sums.roots().map(|root| values[root.index()]);
    let inverse = |value: Felt| value.inv().unwrap();
    let (zeta_n, last_point) = (zeta.pow(group.height() as u64), inverse(domain::root_of_unity(group.log_height)));
    let quotient = (all + transition * (*zeta - last_point)) * inverse(zeta_n - Felt::one())
        + first * inverse(*zeta - Felt::one())
        + last * inverse(*zeta - last_point);
    let [u0, u1] = [0, 1].map(|coset| domain::lde_point(log_blowup, coset));
    quotient * (u0 - u1) * inverse(zeta_n - u1)
}

/// The policy that everybody has who says nothing.
pub fn policy() -> Policy {
    Policy::default()
}
