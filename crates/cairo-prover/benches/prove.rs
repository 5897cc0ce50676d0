//! Proofs of the benchmark programs and of the sample projects' units, each in a process of its own so that its peak memory is
//! its own: `cargo bench -p cairo-prover`. Arguments after `--` choose programs by parts of their names.
//!
//! Times are also given as multiples of a calibration run on the same machine in the same minute.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A benchmark that cannot run should stop.

mod common;

use cairo_air::components::{Context, TableKind};
use cairo_air::{CairoProof, DisclosedTable, Policy, Statement, verify};
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, plan};
use cairo_prover::prove::estimate_memory;
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use common::calibrate;
use felt::Felt;
use felt::packed::{self, Packed, WithPacked};
use stark::{Control, Parameters, Phase, Preset, Table, Work};
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

/// What others publish is at 96 bits.
const PRESET: Preset = Preset::Bench96;
const PROGRAMS: [&str; 10] = [
    "fib_2p14",
    "fib_2p16",
    "fib_2p18",
    "fib_2p20",
    "fib_2p21",
    "primes_2p14",
    "primes_2p16",
    "primes_2p18",
    "primes_2p20",
    "fib_iter2p17",
];
/// Project, compiled program, arguments of a unit.
const UNITS: [(&str, &str, &str); 4] = [
    ("primes", "primes/primes.json", r#"{"lo": 3600, "hi": 4000}"#),
    ("nqueens", "nqueens/nqueens.json", r#"{"n": 9, "depth": 1, "prefix": 2}"#),
    ("collatz", "collatz/collatz.executable.json", "[101, 151]"),
    ("montecarlo", "montecarlo/montecarlo.executable.json", "[1000, 2000]"),
];

/// What stwo-cairo 1.3.0, Starknet's production prover, takes for a program in its best configuration (small preprocessed trace, 96 bits
/// conjectured, blow-up 2, 70 queries, 26 bits of grinding at average luck) with two threads of a Xeon with AVX-512, where the calibration
/// takes [`PEER_CALIBRATION_MS`]; medians of three.
struct Peer {
    program: &'static str,
    prove_ms: f64,
    peak: f64,
    proof_bytes: f64,
    verify_ms: f64,
    /// What we want to take at most, as a multiple of the calibration.
    aim: f64,
}

const PEER_CALIBRATION_MS: f64 = 420.0;

impl Peer {
    const fn new(
        program: &'static str,
        aim: f64,
        prove_ms: f64,
        peak_mib: f64,
        proof_bytes: f64,
        verify_ms: f64,
    ) -> Self {
        Self { program, prove_ms, peak: peak_mib * (1 << 20) as f64, proof_bytes, verify_ms, aim }
    }
}

const PEERS: [Peer; 8] = [
    Peer::new("fib_2p14", 0.4, 3040.0, 1708.0, 632_755.0, 6.1),
    Peer::new("fib_2p16", 0.8, 2640.0, 1765.0, 638_659.0, 6.0),
    Peer::new("fib_2p18", 2.0, 3110.0, 2025.0, 633_107.0, 5.9),
    Peer::new("fib_2p20", 7.0, 6400.0, 3120.0, 635_555.0, 5.9),
    Peer::new("primes_2p14", 0.4, 2640.0, 1659.0, 701_503.0, 6.3),
    Peer::new("primes_2p16", 0.8, 2450.0, 1692.0, 706_399.0, 6.6),
    Peer::new("primes_2p18", 2.0, 2740.0, 1882.0, 703_071.0, 6.3),
    Peer::new("primes_2p20", 6.0, 4990.0, 2674.0, 703_359.0, 6.5),
];

const RUNS: usize = 5;
const CHILD: &str = "CAIRN_BENCH_CHILD";
/// Stands in the place of a program's name.
const WARM: &str = "warm";

fn main() {
    if let Ok(job) = std::env::var(CHILD) {
        return child(&job);
    }
    let wanted: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let chosen = |name: &&str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    let names = PROGRAMS.into_iter().chain(UNITS.map(|(name, ..)| name)).filter(chosen);
    let names: Vec<_> = names.collect();
    println!("kernel {}, preset {PRESET}, medians of {RUNS}", felt::packed::kernel_name());
    println!(
        "{:<12} {:>7} {:>9} {:>9} {:>6} {:>7} {:>10} {:>8} {:>8} {:>8} {:>9} {:>7}",
        "program",
        "steps",
        "1 thread",
        "2 threads",
        "×cal",
        "scaling",
        "steps/s",
        "peak MB",
        "estimate",
        "proof B",
        "verify ms",
        "run ms"
    );
    let mut all = Vec::new();
    for name in names {
        let (one, two) = (measure(name, 1), measure(name, 2));
        println!(
            "{name:<12} {:>7} {:>6.1} ms {:>6.1} ms {:>6.2} {:>7.2} {:>10.0} {:>8.1} {:>8.1} {:>8} {:>9.2} {:>7.1}",
            two.steps,
            one.prove_ms,
            two.prove_ms,
            two.prove_ms / two.calibration_ms,
            one.prove_ms / two.prove_ms,
            two.steps / two.prove_ms * 1e3,
            two.peak / 1e6,
            two.estimate / 1e6,
            two.proof_bytes,
            two.verify_ms,
            two.run_ms,
        );
        all.push((name, [one, two]));
    }
    println!("\ncalibration {:.0} ms (median)", median(all.iter().map(|(_, [_, two])| two.calibration_ms).collect()));
    marginal(&all);
    compare(&all);
    println!("\nphases with 2 threads in ms");
    print!("{:<12}", "program");
    Phase::ALL.iter().for_each(|phase| print!(" {:>9}", phase.name()));
    println!();
    for (name, [_, two]) in &all {
        print!("{name:<12}");
        two.phases.iter().for_each(|ms| print!(" {ms:>9.1}"));
        println!();
    }
    let rates = Rates::measure();
    println!("\ncells a step, main and LogUp columns together");
    let needs: Vec<_> = all.iter().map(|(name, _)| cells(name)).collect();
    println!(
        "\nwhat butterflies ({:.2} ns), other products ({:.2} ns), their reductions ({:.2} ns), loads ({:.2} ns), stores ({:.2} ns), \
         hashing ({:.3} ns a byte), additions ({:.2} ns), carries ({:.2} ns), drafts ({:.2} ns) and, of the witness, reading the run \
         and writing main columns alone take on both threads, in ms, and how many times as long a phase takes",
        rates.butterfly,
        rates.product,
        rates.reduction,
        rates.load,
        rates.store,
        rates.byte,
        rates.addition,
        rates.carry,
        rates.draft
    );
    let bounds: Vec<_> = needs.iter().map(|need| need.bounds(&rates)).collect();
    for ((name, [_, two]), bounds) in all.iter().zip(&bounds) {
        println!("{}", ratios(name, two, bounds, 2.0));
    }
    println!("\nthe same on one thread");
    for ((name, [one, _]), bounds) in all.iter().zip(&bounds) {
        println!("1 thread: {}", ratios(name, one, bounds, 1.0));
    }
}

/// Our figures with two threads beside the aim and the peer's.
fn compare(all: &[(&str, [Figures; 2])]) {
    println!(
        "\ntwo threads, here beside stwo-cairo 1.3.0 on a machine with a calibration of {PEER_CALIBRATION_MS} ms; of the time also what we aim at"
    );
    println!("{:<12} {:>22} {:>16} {:>16} {:>16}", "program", "time ×cal", "peak MB", "proof kB", "verify ms");
    for peer in &PEERS {
        let Some((name, [_, two])) = all.iter().find(|(name, _)| *name == peer.program) else { continue };
        println!(
            "{name:<12} {:>6.2} {:>7.2} {:>7.2} {:>8.0} {:>7.0} {:>8.0} {:>7.0} {:>8.1} {:>7.1}",
            two.prove_ms / two.calibration_ms,
            peer.aim,
            peer.prove_ms / PEER_CALIBRATION_MS,
            two.peak / 1e6,
            peer.peak / 1e6,
            two.proof_bytes / 1e3,
            peer.proof_bytes / 1e3,
            two.verify_ms,
            peer.verify_ms,
        );
    }
    println!(
        "we also aim at 1500 MB, 600 kB and 10 ms at most at 2^20 steps, 250 MB at 2^16, and 2.4 µs for a further step on that machine"
    );
}

/// Cost of a further step from 2^18 to 2^20.
fn marginal(all: &[(&str, [Figures; 2])]) {
    for program in ["fib", "primes"] {
        let find = |size| all.iter().find(|(name, _)| *name == format!("{program}_{size}"));
        if let (Some((_, [_, small])), Some((_, [_, large]))) = (find("2p18"), find("2p20")) {
            let cost = (large.prove_ms - small.prove_ms) / (large.steps - small.steps) * 1e3;
            println!("{program}: {cost:.2} µs for each further step from 2^18 to 2^20");
        }
    }
}

/// Program and arguments of a benchmark or a project's unit.
fn inputs(name: &str) -> (RunnableProgram, Arguments) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../programs");
    let unit = UNITS.iter().find(|(unit, ..)| *unit == name);
    let file =
        unit.map_or_else(|| format!("{folder}/fixtures/bench/{name}.json"), |(_, file, _)| format!("{folder}/{file}"));
    let arguments = unit.map_or_else(Arguments::none, |(.., json)| Arguments::from_json(json.as_bytes()).unwrap());
    (RunnableProgram::from_json(&std::fs::read(file).unwrap()).unwrap(), arguments)
}

/// Figures of a program: those of one run, or medians of several.
struct Figures {
    steps: f64,
    run_ms: f64,
    prove_ms: f64,
    peak: f64,
    estimate: f64,
    proof_bytes: f64,
    verify_ms: f64,
    phases: Vec<f64>,
    calibration_ms: f64,
}

impl Figures {
    fn read(line: &str, calibration_ms: f64) -> Self {
        let figures: Vec<f64> = line.split_ascii_whitespace().map(|figure| figure.parse().unwrap()).collect();
        let [steps, run_ms, prove_ms, peak, estimate, proof_bytes, verify_ms] = *figures.first_chunk().unwrap();
        let phases = figures[7..].to_vec();
        Self { steps, run_ms, prove_ms, peak, estimate, proof_bytes, verify_ms, phases, calibration_ms }
    }
}

fn measure(name: &str, threads: usize) -> Figures {
    let runs: Vec<_> = (0..RUNS)
        .map(|run| {
            let calibration_ms = calibrate();
            let mut command = Command::new(std::env::current_exe().unwrap());
            let (variable, setting) = cairo_prover::MALLOC_TUNABLES;
            let output = command.env(variable, setting).env(CHILD, format!("{name} {threads} {run}")).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Figures::read(&String::from_utf8(output.stdout).unwrap(), calibration_ms)
        })
        .collect();
    let of = |figure: &dyn Fn(&Figures) -> f64| median(runs.iter().map(figure).collect());
    Figures {
        steps: of(&|run| run.steps),
        run_ms: of(&|run| run.run_ms),
        prove_ms: of(&|run| run.prove_ms),
        peak: of(&|run| run.peak),
        estimate: of(&|run| run.estimate),
        proof_bytes: of(&|run| run.proof_bytes),
        verify_ms: of(&|run| run.verify_ms),
        phases: (0..Phase::ALL.len()).map(|phase| of(&|run| run.phases[phase])).collect(),
        calibration_ms: of(&|run| run.calibration_ms),
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

fn millis(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1e3
}

/// When each phase begins.
#[derive(Default)]
struct Watch(Mutex<BTreeMap<usize, Instant>>);

impl Control for Watch {
    fn progress(&self, phase: Phase, _: f64) {
        let number = Phase::ALL.iter().position(|each| *each == phase).unwrap();
        self.0.lock().unwrap().entry(number).or_insert_with(Instant::now);
    }
}

/// Has another process touch as much memory as a proof will take, so that the host of a virtual machine, which can take seconds for
/// a gigabyte, supplies it before the clock starts.
fn warm(bytes: u64) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    assert!(command.env(CHILD, format!("{WARM} {bytes}")).status().unwrap().success());
}

struct Proven {
    steps: usize,
    /// Bytes of the execution's trace and memory.
    run_bytes: usize,
    run_ms: f64,
    prove_ms: f64,
    estimate: u64,
    phases: Vec<f64>,
    proof: CairoProof,
    statement: Statement,
}

/// `prover` is the identity that the proof is bound to: another one has other luck at grinding.
fn prove_once(name: &str, threads: usize, prover: [u8; 32]) -> Proven {
    let (program, arguments) = inputs(name);
    let begin = Instant::now();
    let execution = run(&program, &arguments, &RunLimits::default(), &mut unwatched).unwrap();
    let run_ms = millis(begin);
    let (steps, arguments) = (execution.n_steps(), execution.arguments.clone());
    let run_bytes = size_of_val(execution.trace.as_slice()) + size_of_val(execution.memory.as_slice());
    let tables = plan(&execution, &Costs::new(&execution, DEFAULT_COLUMNS)).tables;
    let estimate = estimate_memory(&execution, &tables, &PRESET.parameters()).unwrap();
    let options = Options { parameters: PRESET.parameters(), threads: Some(threads), ..Options::default() };
    let watch = Watch::default();
    // More than it takes, since the system may well hand out other pages.
    warm(3 * estimate);
    let begin = Instant::now();
    let proof = prove(execution, prover, &options, &watch).unwrap();
    let end = Instant::now();
    let prove_ms = (end - begin).as_secs_f64() * 1e3;
    let begins: Vec<Instant> = watch.0.into_inner().unwrap().into_values().collect();
    let ends = begins[1..].iter().chain([&end]);
    let phases = begins.iter().zip(ends).map(|(begin, end)| (*end - *begin).as_secs_f64() * 1e3).collect();
    let statement = Statement::single(program.program().clone(), arguments, prover);
    Proven { steps, run_bytes, run_ms, prove_ms, estimate, phases, proof, statement }
}

fn child(job: &str) {
    let parts: Vec<_> = job.split(' ').collect();
    let number = |at: usize| parts[at].parse::<usize>().unwrap();
    let name = parts[0];
    if name == WARM {
        std::hint::black_box(vec![1u8; number(1)]);
        return;
    }
    let Proven { steps, run_ms, prove_ms, estimate, phases, proof, statement, .. } =
        prove_once(name, number(1), [number(2) as u8; 32]);
    let peak = peak_memory();
    let file = proof.encode();
    let policy = Policy { min_conjectured_bits: 96.0, ..Policy::default() };
    let verify_once = || {
        let begin = Instant::now();
        verify(&statement, &file, &policy).unwrap();
        millis(begin)
    };
    let verify_ms = median((0..9).map(|_| verify_once()).collect());
    print!("{steps} {run_ms} {prove_ms} {peak} {estimate} {} {verify_ms}", file.len());
    phases.iter().for_each(|ms| print!(" {ms}"));
    println!();
}

/// Committed cells by table.
fn widths(proof: &CairoProof, statement: &Statement) -> BTreeMap<String, f64> {
    let mut cells = BTreeMap::new();
    for table in &proof.layout.tables {
        let context = Context { program: &statement.program, claim: &proof.claim, memory_start: 1 };
        let air = table.kind.component().air(context).unwrap();
        let width = air.width() as f64 + air.interactions().len() as f64 / 2.0;
        let kind = match &table.kind {
            TableKind::Path(_) => "paths".to_owned(),
            TableKind::Word(_) => "words".to_owned(),
            TableKind::OwningWord(_) => "owning words".to_owned(),
            TableKind::Range(_) | TableKind::RangeRow(_) => "ranges".to_owned(),
            kind => kind.to_string(),
        };
        *cells.entry(kind).or_default() += width * f64::from(1u32 << table.log_height);
    }
    cells
}

fn cells(name: &str) -> Need {
    let Proven { steps, run_bytes, proof, statement, .. } = prove_once(name, 2, [0; 32]);
    let steps = steps as f64;
    let by_table = widths(&proof, &statement);
    let parts = by_table.iter().map(|(kind, cells)| (kind, cells / steps)).filter(|(_, cells)| *cells >= 0.005);
    let parts: Vec<_> = parts.map(|(kind, cells)| format!("{kind} {cells:.2}")).collect();
    let total = by_table.values().sum::<f64>() / steps;
    let disclosed: usize = proof.layout.disclosed.iter().map(DisclosedTable::rows).sum();
    println!("{name:<12} {total:.2}: {}; {disclosed} disclosed rows", parts.join(", "));
    let tables = proof.layout.build(&statement.program, &proof.claim).unwrap().tables;
    Need { tables, parameters: proof.parameters, run_bytes }
}

/// What one thread takes on this machine, in nanoseconds: the least of several runs. All but the last for one element, in a core's
/// first cache, by the best kernel; what kernels do besides is subtracted.
struct Rates {
    butterfly: f64,
    /// One more in a sum of products.
    product: f64,
    /// Of a single product; that of a sum carries values as well and takes a little longer.
    reduction: f64,
    /// One more in a sum of values.
    addition: f64,
    carry: f64,
    /// From memory to the kernel's form.
    load: f64,
    /// To memory, fully reduced.
    store: f64,
    /// To memory and back, in the kernel's form.
    draft: f64,
    /// Hashed.
    byte: f64,
}

/// Sums of `N` products each, or products if `N` is 1, two side by side, without memory.
struct Multiply<'a, const N: usize>(&'a [Felt], usize);

impl<const N: usize> WithPacked for Multiply<'_, N> {
    type Output = Felt;

    #[inline(always)]
    fn run<P: Packed>(self) -> Felt {
        let factor = P::load(self.0);
        let mut values: [P; 8] = std::array::from_fn(|i| P::load(&self.0[i..]));
        for _ in 0..self.1 / 8 / P::WIDTH {
            for pair in 0..4 {
                if N == 1 {
                    let other = values[(2 * pair + 2) % 8];
                    values[2 * pair] = values[2 * pair].mul(other);
                    values[2 * pair + 1] = other.mul(factor);
                    continue;
                }
                let mut sums = [P::empty_sum(); 2];
                for i in 0..N {
                    let other = values[(2 * pair + 2 + i) % 8];
                    sums[0] = P::add_product(sums[0], values[2 * pair], other);
                    sums[1] = P::add_product(sums[1], other, factor);
                }
                values[2 * pair] = P::total(sums[0]);
                values[2 * pair + 1] = P::total(sums[1]);
            }
        }
        let mut out = [Felt::zero(); 8];
        for value in values {
            value.store(&mut out);
        }
        out[0]
    }
}

/// Sums of `N` values each.
struct Add<'a, const N: usize>(&'a [Felt], usize);

impl<const N: usize> WithPacked for Add<'_, N> {
    type Output = Felt;

    #[inline(always)]
    fn run<P: Packed>(self) -> Felt {
        let mut values = [P::load(self.0); 64];
        for k in 0..self.1 / P::WIDTH {
            let mut sum = P::empty_sum();
            for i in 0..N {
                sum = P::add_value(sum, values[(k + i) % 64]);
            }
            values[k % 64] = P::total_of_values(sum);
        }
        let mut out = [Felt::zero(); 8];
        for value in values {
            value.store(&mut out);
        }
        out[0]
    }
}

/// Loads from one slice, and stores to the other if asked, a few times, in a core's first cache.
struct Move<'a> {
    from: &'a [Felt],
    to: &'a mut [Felt],
    store: bool,
}

impl WithPacked for Move<'_> {
    type Output = Felt;

    #[inline(always)]
    fn run<P: Packed>(self) -> Felt {
        let mut total = P::broadcast(&Felt::zero());
        for _ in 0..MOVES {
            // No more values than a sum takes.
            for (from, to) in self.from.chunks(32 * P::WIDTH).zip(self.to.chunks_mut(32 * P::WIDTH)) {
                let mut sum = P::empty_sum();
                for (from, to) in from.chunks_exact(P::WIDTH).zip(to.chunks_exact_mut(P::WIDTH)) {
                    let value = P::load(from);
                    sum = P::add_value(sum, value);
                    if self.store {
                        value.store(to);
                    }
                }
                total = total.add(P::total_of_values(sum));
            }
        }
        let mut out = [Felt::zero(); 8];
        total.store(&mut out);
        out[0]
    }
}

const MOVES: usize = 1 << 10;

/// The nanoseconds of the fastest of several runs.
fn least(work: &mut dyn FnMut()) -> f64 {
    let once = |_| {
        let begin = Instant::now();
        work();
        millis(begin) * 1e6
    };
    (0..20).map(once).fold(f64::INFINITY, f64::min)
}

impl Rates {
    fn measure() -> Self {
        const COUNT: usize = 1 << 20;
        let values = felt::vector::powers(&Felt::from(3), &Felt::from(7), 16);
        let rate = |work: &dyn Fn(&[Felt]) -> Felt| {
            least(&mut || {
                std::hint::black_box(work(&values));
            }) / COUNT as f64
        };
        let one = rate(&|values| packed::dispatch(Multiply::<1>(values, COUNT)));
        let two = rate(&|values| packed::dispatch(Multiply::<2>(values, COUNT)));
        let eight = rate(&|values| packed::dispatch(Multiply::<8>(values, COUNT)));
        let product = (eight - two) / 6.0;
        let sum = rate(&|values| packed::dispatch(Add::<2>(values, COUNT)));
        let long_sum = rate(&|values| packed::dispatch(Add::<34>(values, COUNT)));
        let addition = (long_sum - sum) / 32.0;
        let carry = (sum - addition).max(0.0);
        // Transforms of 64 packs fit a core's first cache.
        let mut butterflies = 0;
        let transforms = least(&mut || butterflies = felt::fft::measure_butterflies(&values, 6, 1 << 8));
        let from = felt::vector::powers(&Felt::from(3), &Felt::from(7), 512);
        let moves = |store| {
            least(&mut || {
                let mut to = [Felt::zero(); 512];
                std::hint::black_box(packed::dispatch(Move { from: &from, to: &mut to, store }));
                std::hint::black_box(to);
            }) / (512 * MOVES) as f64
        };
        let (load, both) = (moves(false), moves(true));
        let drafts = least(&mut || {
            let mut to = [Felt::zero(); 512];
            felt::fft::measure_drafts(&from, &mut to, &values[0], MOVES);
            std::hint::black_box(to);
        }) / (512 * MOVES) as f64;
        // The hash is fastest at inputs of one length side by side, nodes or rows of a whole piece.
        let (nodes, mut digests) = (vec![[7; 32]; 1 << 10], vec![[0; 32]; 1 << 10]);
        let nodes_hash = least(&mut || stark::hash::hash_nodes(&nodes, &nodes, &mut digests)) / (1 << 16) as f64;
        let mut hasher = stark::hash::RowHasher::new(32);
        let mut hash_rows = || {
            for rows in digests.chunks_mut(stark::hash::BATCH) {
                hasher.hash(rows, |column, row| &from[(column * stark::hash::BATCH + row) % from.len()]);
            }
        };
        let rows_hash = least(&mut hash_rows) / (1 << 20) as f64;
        Self {
            butterfly: transforms / butterflies as f64,
            product,
            reduction: (one - product).max(0.0),
            addition,
            carry,
            load: load - addition,
            store: both - load,
            draft: (drafts - addition - carry).max(0.0),
            byte: nodes_hash.min(rows_hash),
        }
    }
}

/// What the bound of a proof follows from.
struct Need {
    tables: Vec<Table>,
    parameters: Parameters,
    /// Bytes of the run.
    run_bytes: usize,
}

impl Need {
    /// The nanoseconds that the work of each phase takes on one thread if nothing else takes any. Of the witness that is reading the run
    /// once and writing the main columns once; planning, counting lookups and computing what the columns hold are not in it.
    fn bounds(&self, rates: &Rates) -> Vec<(Phase, f64)> {
        let of = |(phase, work): (Phase, Work)| {
            let arithmetic = work.butterflies as f64 * rates.butterfly
                + work.products as f64 * rates.product
                + work.reductions as f64 * rates.reduction
                + work.additions as f64 * rates.addition
                + work.carries as f64 * rates.carry;
            let moves =
                work.loads as f64 * rates.load + work.stores as f64 * rates.store + work.drafts as f64 * rates.draft;
            (phase, arithmetic + moves + work.bytes as f64 * rates.byte)
        };
        let columns = self.tables.iter().map(|table| table.air.width() << table.log_height).sum::<usize>();
        let mut bounds: Vec<_> = stark::work(&self.tables, &self.parameters).into_iter().map(of).collect();
        bounds[0].1 += traffic(self.run_bytes, columns * size_of::<Felt>());
        bounds
    }
}

/// Reads all of a memory.
struct Read<'a>(&'a [u64]);

impl WithPacked for Read<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<P: Packed>(self) -> u64 {
        let mut sum = 0u64;
        for word in self.0 {
            sum = sum.wrapping_add(*word);
        }
        sum
    }
}

/// Nanoseconds for reading and writing as many bytes once on one thread, each the least of several runs: at the rate of the memory or
/// cache that holds so much. The rates of loads and stores are others: they change the form of elements, within a core's first cache.
fn traffic(read: usize, written: usize) -> f64 {
    /// Bytes that no cache holds.
    const MOST: usize = 1 << 27;
    let scale = |bytes: usize| bytes as f64 / bytes.clamp(1, MOST) as f64;
    let from = vec![1u64; read.min(MOST) / 8];
    let mut to = vec![1u8; written.min(MOST)];
    let reading = least(&mut || {
        std::hint::black_box(packed::dispatch(Read(std::hint::black_box(&from))));
    });
    let writing = least(&mut || std::hint::black_box(&mut to).fill(2));
    reading * scale(read) + writing * scale(written)
}

/// The bounds in milliseconds on so many threads, and how far the whole proof and each phase are from them.
fn ratios(name: &str, figures: &Figures, bounds: &[(Phase, f64)], threads: f64) -> String {
    let bounds: Vec<_> = bounds.iter().map(|(phase, nanos)| (phase, nanos / threads / 1e6)).collect();
    let parts = bounds.iter().zip(&figures.phases).filter(|((_, bound), _)| *bound > 0.0);
    let parts = parts.map(|((phase, bound), ms)| format!("{} {bound:.1} ({:.2})", phase.name(), ms / bound));
    let sum: f64 = bounds.iter().map(|(_, bound)| bound).sum();
    format!("{name:<12} {sum:.1} ({:.2}): {}", figures.prove_ms / sum, parts.collect::<Vec<_>>().join(", "))
}

/// The process's largest resident size in bytes; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
