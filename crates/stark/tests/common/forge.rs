//! A second prover, written from the description of the protocol with the simplest means, whose every message can be
//! tampered with before it is committed to. It shares only the transcript, the hashes and the circuits with the crate's
//! prover; honest, it makes the same proof.

use super::tree::{Tree, modulo};
use super::{CONTEXT, System};
use felt::domain::{lde_point, root_of_unity};
use felt::{Felt, fft};
use stark::composition::{BusChallenges, Composition};
use stark::fold::{evaluate, fold};
use stark::graph::Input;
use stark::hash::{grinding_zeros, hash_row};
use stark::proof::{FoldOpening, GroupOpenings, Opening};
use stark::shape::{Group, Shape};
use stark::transcript::Transcript;
use stark::{Parameters, Proof};

/// Columns of each group: `[group][column][row]`.
pub type Columns = Vec<Vec<Vec<Felt>>>;

/// What a cheating prover does to its messages. Extensions and codewords are in the order of the LDE points.
pub trait Tamper {
    fn main_extensions(&self, _: &mut Columns) {}
    fn lookup_columns(&self, _: &mut Columns, _totals: &mut [Felt]) {}
    fn lookup_extensions(&self, _: &mut Columns) {}
    fn quotients(&self, _: &mut Columns) {}
    fn openings(&self, _: &mut [GroupOpenings], _: &Statement<'_>) {}
    fn deep_quotients(&self, _: &mut [Vec<Felt>]) {}
    fn layer(&self, _number: usize, _codeword: &mut Vec<Felt>) {}
    fn final_polynomial(&self, _: &mut [Felt]) {}
    fn query_indices(&self, _: &mut [u64]) {}
}

/// No cheating.
pub struct Honest;

impl Tamper for Honest {}

/// What a prover knows when it lies about openings.
pub struct Statement<'a> {
    pub system: &'a System,
    pub shape: &'a Shape,
    pub bus: BusChallenges,
    pub totals: &'a [Felt],
    pub lambda: Felt,
    pub zeta: Felt,
}

impl Statement<'_> {
    /// The quotient that the group's opened columns ask for at `ζ`.
    pub fn expected_quotient(&self, number: usize, openings: &GroupOpenings) -> Felt {
        let group = &self.shape.groups[number];
        let mut composition = Composition::new(group, &self.system.tables, self.bus);
        let sums = composition.constraints(&self.totals[number], &self.lambda);
        let periodic = periodic_at(&periodic(self.system, group), group, &self.zeta);
        let values = composition.graph.evaluate(|input| match input {
            Input::Main(column) => openings.main[column as usize],
            Input::MainNext(column) => {
                openings.main_next[group.next_columns.iter().position(|next| *next == column as usize).unwrap()]
            }
            Input::Aux(column) => openings.aux[column as usize],
            Input::AuxNext(_) => openings.aux_next[0],
            Input::Periodic(column) => periodic[column as usize],
        });
        quotient_at(group, &self.zeta, sums.roots().map(|root| values[root.index()]))
    }

    /// Sets the first quotient chunk's opening so that the constraints seem to hold.
    pub fn fit_quotient(&self, number: usize, openings: &mut GroupOpenings) {
        let expected = self.expected_quotient(number, openings);
        let zeta_n = self.zeta.pow(self.shape.groups[number].height() as u64);
        let [u0, u1] = [0, 1].map(|coset| lde_point(self.shape.log_blowup, coset));
        // expected·(u0 − u1) = R0·(ζ^N − u1) − R1·(ζ^N − u0)
        let rest = expected * (u0 - u1) + openings.quotient[1] * (zeta_n - u0);
        openings.quotient[0] = rest * (zeta_n - u1).inv().unwrap();
    }
}

fn quotient_at(group: &Group, x: &Felt, [all, transition, first, last]: [Felt; 4]) -> Felt {
    let last_point = root_of_unity(group.log_height).pow(group.height() as u64 - 1);
    let vanishing = x.pow(group.height() as u64) - Felt::one();
    let [from_first, from_last] = [*x - Felt::one(), *x - last_point];
    // One inversion for three fractions.
    let numerator = (all + transition * from_last) * from_first * from_last
        + first * vanishing * from_last
        + last * vanishing * from_first;
    numerator * (vanishing * from_first * from_last).inv().unwrap()
}

/// Coefficients of the group's periodic columns, in `x^(N/period)`.
fn periodic(system: &System, group: &Group) -> Vec<Vec<Felt>> {
    let columns = group.tables.iter().flat_map(|&table| system.tables[table].air.periodic());
    columns.map(|period| fft::coefficients_natural(period, &Felt::one())).collect()
}

fn periodic_at(periodic: &[Vec<Felt>], group: &Group, x: &Felt) -> Vec<Felt> {
    let at = |coefficients: &Vec<Felt>| evaluate(coefficients, &x.pow((group.height() / coefficients.len()) as u64));
    periodic.iter().map(at).collect()
}

/// Coset-major order to the order of the LDE points.
fn natural(values: &[Felt], blowup: usize) -> Vec<Felt> {
    let height = values.len() / blowup;
    (0..values.len()).map(|j| values[(j % blowup) * height + j / blowup]).collect()
}

/// Coefficients of the polynomial of degree below the height that an extension takes on coset `coset`.
fn coefficients(extension: &[Felt], blowup: usize, coset: usize) -> Vec<Felt> {
    let values: Vec<_> = extension[coset..].iter().step_by(blowup).copied().collect();
    fft::coefficients_natural(&values, &lde_point(extension.len().trailing_zeros(), coset as u64))
}

fn extend_all(columns: &Columns, log_blowup: u32) -> Columns {
    let extend = |column: &Vec<Felt>| natural(&fft::extend(column, log_blowup), 1 << log_blowup);
    columns.iter().map(|group| group.iter().map(extend).collect()).collect()
}

struct Committed {
    columns: Columns,
    tree: Tree,
}

impl Committed {
    fn new(columns: Columns) -> Self {
        let digests = columns
            .iter()
            .filter(|group| !group.is_empty())
            .map(|group| (0..group[0].len()).map(|row| hash_row(group.iter().map(|column| &column[row]))).collect());
        let tree = Tree::new(digests.collect());
        Self { columns, tree }
    }

    fn open(&self, indices: &[u64]) -> Opening {
        let rows = |group: &Vec<Vec<Felt>>| {
            let row = |index: usize| group.iter().map(|column| column[index]).collect();
            modulo(indices, group[0].len()).into_iter().map(row).collect()
        };
        let present = self.columns.iter().filter(|group| !group.is_empty());
        Opening { rows: present.map(rows).collect(), path: self.tree.open(indices) }
    }
}

fn lookup_columns(system: &System, group: &Group, main: &[Vec<Felt>], bus: BusChallenges) -> (Vec<Vec<Felt>>, Felt) {
    let mut composition = Composition::new(group, &system.tables, bus);
    let batches: Vec<_> = group.batches.iter().map(|batch| composition.batch(batch)).collect();
    let mut columns = vec![Vec::new(); batches.len()];
    let mut sums = Vec::new();
    let coefficients = periodic(system, group);
    for row in 0..group.height() {
        let periodic = periodic_at(&coefficients, group, &root_of_unity(group.log_height).pow(row as u64));
        let values = composition.graph.evaluate(|input| match input {
            Input::Main(column) => main[column as usize][row],
            Input::Periodic(column) => periodic[column as usize],
            _ => panic!("not read by interactions"),
        });
        let terms: Vec<_> = batches.iter().map(|(m, d)| values[m.index()] * values[d.index()].inv().unwrap()).collect();
        columns.iter_mut().zip(&terms).for_each(|(column, term)| column.push(*term));
        sums.push(terms.into_iter().fold(Felt::zero(), |sum, term| sum + term));
    }
    let total = sums.iter().fold(Felt::zero(), |sum, term| sum + *term);
    if let Some(running) = columns.last_mut() {
        *running = running_sum(&sums, &total);
    }
    (columns, total)
}

/// `S` with `S(gx) − S(x) + T/N` equal to the row's terms, from 0.
pub fn running_sum(terms: &[Felt], total: &Felt) -> Vec<Felt> {
    let share = *total * felt_of(terms.len()).inv().unwrap();
    let step = |sum: &mut Felt, term: &Felt| {
        let here = *sum;
        *sum += *term - share;
        Some(here)
    };
    terms.iter().scan(Felt::zero(), step).collect()
}

fn felt_of(value: usize) -> Felt {
    Felt::from(value as u64)
}

/// Proves, cheating as `tamper` says.
pub fn forge(system: &System, parameters: &Parameters, tamper: &impl Tamper) -> Proof {
    let shape = Shape::new(&system.tables, parameters);
    let blowup = 1usize << shape.log_blowup;
    let mut transcript = Transcript::new(parameters, CONTEXT, &system.tables, &system.public[..].into());
    let mut proof = Proof::default();

    let traces = |group: &Group| group.tables.iter().flat_map(|&table| system.traces[table].clone()).collect();
    let main: Columns = shape.groups.iter().map(traces).collect();
    let mut extensions = extend_all(&main, shape.log_blowup);
    tamper.main_extensions(&mut extensions);
    let main_commitment = Committed::new(extensions);
    proof.main_cap = main_commitment.tree.cap();
    transcript.main_commitment(&proof.main_cap);
    let bus = transcript.bus_challenges();

    let lookups = shape.groups.iter().zip(&main).map(|(group, main)| lookup_columns(system, group, main, bus));
    let (mut lookup, mut totals): (Columns, Vec<Felt>) = lookups.unzip();
    tamper.lookup_columns(&mut lookup, &mut totals);
    let mut extensions = extend_all(&lookup, shape.log_blowup);
    tamper.lookup_extensions(&mut extensions);
    let lookup_commitment = Committed::new(extensions);
    proof.lookup_cap = lookup_commitment.tree.cap();
    proof.totals = totals;
    transcript.lookup_commitment(&proof.lookup_cap, &proof.totals);
    let lambda = transcript.constraint_challenge();

    let mut chunks: Columns = Vec::new();
    for (number, group) in shape.groups.iter().enumerate() {
        let (main, aux) = (&main_commitment.columns[number], &lookup_commitment.columns[number]);
        let mut composition = Composition::new(group, &system.tables, bus);
        let roots = composition.constraints(&proof.totals[number], &lambda).roots();
        let size = group.height() << shape.log_blowup;
        let coefficients = periodic(system, group);
        let at = |j: usize| {
            let x = lde_point(shape.log_lde(group), j as u64);
            let periodic = periodic_at(&coefficients, group, &x);
            let next = (j + blowup) % size;
            let values = composition.graph.evaluate(|input| match input {
                Input::Main(column) => main[column as usize][j],
                Input::MainNext(column) => main[column as usize][next],
                Input::Aux(column) => aux[column as usize][j],
                Input::AuxNext(column) => aux[column as usize][next],
                Input::Periodic(column) => periodic[column as usize],
            });
            quotient_at(group, &x, roots.map(|root| values[root.index()]))
        };
        let chunk = |coset: usize| -> Vec<Felt> {
            let values: Vec<_> = (0..group.height()).map(|i| at(coset + blowup * i)).collect();
            let shift = lde_point(shape.log_lde(group), coset as u64);
            let mut coefficients = values;
            fft::interpolate_coset(&mut coefficients, &shift);
            let coset = |coset: u64| {
                let mut values = coefficients.clone();
                fft::evaluate_coset(&mut values, &lde_point(shape.log_lde(group), coset));
                values
            };
            let cosets: Vec<_> = (0..blowup as u64).flat_map(coset).collect();
            natural(&cosets, blowup)
        };
        chunks.push(vec![chunk(0), chunk(1)]);
    }
    tamper.quotients(&mut chunks);
    let quotient_commitment = Committed::new(chunks);
    proof.quotient_cap = quotient_commitment.tree.cap();
    transcript.quotient_commitment(&proof.quotient_cap);
    let zeta = transcript.out_of_domain_point();

    let columns = [&main_commitment, &lookup_commitment, &quotient_commitment].map(|commitment| &commitment.columns);
    for (number, group) in shape.groups.iter().enumerate() {
        let next = zeta * root_of_unity(group.log_height);
        let open = |column: &Vec<Felt>, x: &Felt| evaluate(&coefficients(column, blowup, 0), x);
        let [main, aux, quotient] = columns.map(|columns| &columns[number]);
        proof.openings.push(GroupOpenings {
            main: main.iter().map(|column| open(column, &zeta)).collect(),
            main_next: group.next_columns.iter().map(|&column| open(&main[column], &next)).collect(),
            aux: aux.iter().map(|column| open(column, &zeta)).collect(),
            aux_next: aux.last().into_iter().map(|column| open(column, &next)).collect(),
            quotient: quotient.iter().map(|column| open(column, &zeta)).collect(),
        });
    }
    let statement = Statement { system, shape: &shape, bus, totals: &proof.totals, lambda, zeta };
    tamper.openings(&mut proof.openings, &statement);
    transcript.openings(&proof.openings);
    let gamma = transcript.deep_challenge();

    let mut power = Felt::one();
    let mut deep = Vec::new();
    for (number, (group, openings)) in shape.groups.iter().zip(&proof.openings).enumerate() {
        let [main, aux, quotient] = columns.map(|columns| &columns[number]);
        let points = [zeta, zeta * root_of_unity(group.log_height)];
        let mut terms: Vec<(&Vec<Felt>, Felt, usize)> = Vec::new();
        terms.extend(main.iter().zip(&openings.main).map(|(column, value)| (column, *value, 0)));
        let next = group.next_columns.iter().map(|&column| &main[column]);
        terms.extend(next.zip(&openings.main_next).map(|(column, value)| (column, *value, 1)));
        terms.extend(aux.iter().zip(&openings.aux).map(|(column, value)| (column, *value, 0)));
        terms.extend(aux.last().into_iter().zip(&openings.aux_next).map(|(column, value)| (column, *value, 1)));
        terms.extend(quotient.iter().zip(&openings.quotient).map(|(column, value)| (column, *value, 0)));
        let at = |j: usize| {
            let x = lde_point(shape.log_lde(group), j as u64);
            let [here, there] = points.map(|point| x - point);
            let both = (here * there).inv().unwrap();
            let inverses = [both * there, both * here];
            let mut power = power;
            let mut sum = Felt::zero();
            for (column, value, point) in &terms {
                sum += power * (column[j] - *value) * inverses[*point];
                power *= gamma;
            }
            sum
        };
        let codeword = (0..group.height() << shape.log_blowup).map(at).collect();
        power *= gamma.pow(terms.len() as u64);
        deep.push(codeword);
    }
    tamper.deep_quotients(&mut deep);

    let mut deep = deep.into_iter().peekable();
    let mut codeword = deep.next().unwrap();
    let mut layers = Vec::new();
    for (number, step) in shape.folds.iter().enumerate() {
        tamper.layer(number, &mut codeword);
        let leaves = codeword.len() >> step.log_arity;
        let values = |leaf: usize| codeword[leaf..].iter().step_by(leaves);
        let tree = Tree::new(vec![(0..leaves).map(|leaf| hash_row(values(leaf))).collect()]);
        let beta = transcript.fri_layer(&tree.cap());
        proof.fold_caps.push(tree.cap());
        let inverse_root = root_of_unity(step.log_arity).inv().unwrap();
        let fold_leaf = |leaf: usize| {
            // A point is a root of unity of twice the domain's order.
            let inverse_x = lde_point(step.log_size, leaf as u64).pow((2u64 << step.log_size) - 1);
            fold(values(leaf).copied().collect(), inverse_x, inverse_root, beta)
        };
        let mut folded: Vec<_> = (0..leaves).map(fold_leaf).collect();
        if let Some(quotient) = deep.next_if(|quotient| quotient.len() == leaves) {
            let factor = beta.pow(1u64 << step.log_arity);
            folded.iter_mut().zip(&quotient).for_each(|(value, quotient)| *value += factor * *quotient);
        }
        layers.push((std::mem::replace(&mut codeword, folded), tree));
    }
    let domain = codeword.len().trailing_zeros();
    proof.final_polynomial = fft::coefficients_natural(&codeword, &lde_point(domain, 0));
    proof.final_polynomial.truncate(codeword.len() / blowup);
    tamper.final_polynomial(&mut proof.final_polynomial);
    transcript.final_polynomial(&proof.final_polynomial);
    let seed = transcript.grinding_seed();
    proof.nonce = (0..).find(|&nonce| grinding_zeros(&seed, nonce) >= parameters.grinding_bits).unwrap();
    transcript.grinding(proof.nonce, parameters.grinding_bits);
    let mut indices = transcript.query_indices(shape.queries, shape.log_max_lde());
    tamper.query_indices(&mut indices);
    let open = |(codeword, tree): &(Vec<Felt>, Tree)| {
        let known = modulo(&indices, codeword.len());
        let siblings = |leaf: usize| {
            let values = (leaf..codeword.len()).step_by(tree.leaves());
            values.filter(|index| !known.contains(index)).map(|index| codeword[index]).collect()
        };
        let siblings = modulo(&indices, tree.leaves()).into_iter().map(siblings).collect();
        FoldOpening { siblings, path: tree.open(&indices) }
    };
    proof.folds = layers.iter().map(open).collect();
    proof.main = main_commitment.open(&indices);
    proof.lookup = lookup_commitment.open(&indices);
    proof.quotient = quotient_commitment.open(&indices);
    proof.indices = indices;
    proof
}
