"""Claims as bytes, and changes of them: section 11's step 3 has a check against each."""

from copy import deepcopy

from cairn_verifier.claim import MOST_OUTPUT, MOST_STEPS, Claim
from cairn_verifier.field import P
from cairn_verifier.layout import Layout
from cairn_verifier.parameters import Parameters
from cairn_verifier.program import BUILTINS
from cairn_verifier.reader import Reader
from cairn_verifier.verify import SEVERAL_RUNS

_VERSION, _HEAD = 8, 8 + 4 + 3 * 32
_ARGUMENTS = 8 + 4 + 32

BEYOND = 1 << 31
"""An address that no kept proof's memory has."""


def cell_bytes(value):
    """An element as disclosed cells and outputs are written."""
    if value < 192:
        return bytes([value])
    first, magnitude = (192, value) if value <= (P - 1) // 2 else (224, P - value)
    length = (magnitude.bit_length() + 7) // 8
    return bytes([first + length - 1]) + magnitude.to_bytes(length, "little")


def _integers(*pairs):
    return b"".join(value.to_bytes(size, "little") for value, size in pairs)


def _run_bytes(run):
    data = _integers((len(run.segments), 8))
    data += b"".join(_integers((base, 4), (stop, 4)) for base, stop in run.segments)
    start = run.arguments_start
    return data + _integers((start is not None, 1), (start or 0, 4), (len(run.output), 8))


def claim_bytes(claim, version):
    """The claim as a proof file of that version has it."""
    if version == SEVERAL_RUNS:
        data = _integers((claim.owned_end, 4), (len(claim.runs), 8))
        for run in claim.runs:
            data += _integers((run.offset, 4), (run.steps, 8), (run.final_ap, 4)) + _run_bytes(run)
            data += b"".join(map(cell_bytes, run.output))
    else:
        (run,) = claim.runs
        data = _integers((run.steps, 8), (run.final_ap, 4), (claim.owned_end, 4)) + _run_bytes(run)
        data += b"".join(value.to_bytes(32, "big") for value in run.output)
    return data + _integers((len(claim.fetches), 8), *((value, 4) for fetch in claim.fetches for value in fetch))


class Parts:
    """A proof file cut before and behind its claim."""

    def __init__(self, proof):
        reader = Reader(proof)
        head = reader.take(_HEAD)
        self.version = int.from_bytes(head[_VERSION : _VERSION + 4], "little")
        Parameters.read(reader)
        self.head = proof[: reader.position]
        self.claim = Claim(reader, self.version == SEVERAL_RUNS)
        self.rest = proof[reader.position :]
        self.layout = Layout(reader)

    def can_hold(self, claim):
        """Whether the claim can be written in the file's form."""
        return self.version == SEVERAL_RUNS or [run.offset for run in claim.runs] == [0]

    def file(self, claim=None, version=None, arguments_hash=None):
        """The file with another claim, version or arguments hash."""
        version = self.version if version is None else version
        head = self.head[:_VERSION] + version.to_bytes(4, "little") + self.head[_VERSION + 4 :]
        if arguments_hash is not None:
            head = head[:_ARGUMENTS] + arguments_hash + head[_ARGUMENTS + 32 :]
        return head + claim_bytes(self.claim if claim is None else claim, version) + self.rest


class _Change:
    """Collects changed claims: what was changed, how we name it, how the other verifier does."""

    def __init__(self, claim):
        self._claim = claim
        self.listed = []

    def __call__(self, what, ours, theirs, change):
        other = deepcopy(self._claim)
        change(other)
        self.listed.append((what, ours, theirs, other))


def wrong_claims(claim, program):
    """(what, our reason, the other verifier's reason, claim) for changes that some check of step 3 names."""
    change = _Change(claim)
    change("owned end", "owned cells is 0", "up to address 0", lambda other: setattr(other, "owned_end", 0))
    change("no run", "proof of 0 runs", "proof of 0 runs", lambda other: other.runs.clear())
    words = f"proof of {len(claim.runs) + 1} runs"
    change("a run more", words, words, lambda other: other.runs.append(deepcopy(other.runs[-1])))
    if len(claim.runs) > 1:
        words = f"proof of {len(claim.runs) - 1} runs"
        change("a run less", words, words, lambda other: other.runs.pop())
        change("a run first less", words, words, lambda other: other.runs.pop(0))
    _wrong_fetches(change, claim, program)
    for place in range(len(claim.runs)):
        _wrong_run(change, claim, program, place)
    for place in range(1, len(claim.runs)):
        _wrong_order(change, claim, program, place)
    return change.listed


def _wrong_fetches(change, claim, program):
    """The first fetch is of address 1, which all programs execute."""

    def fetches(*listed):
        return lambda other: setattr(other, "fetches", list(listed))

    change("the end fetched", "no instruction at 5", "list of fetches", fetches((5, 1)))
    change("a fetch of address 0", "not ascending", "list of fetches", fetches((0, 1)))
    outside = program.end
    change("a word behind", f"no instruction at {outside}", "list of fetches", fetches((outside, 1)))
    change("a fetch that never happens", "never happens", "list of fetches", fetches((1, 0)))
    change("a fetch twice", "not ascending", "list of fetches", fetches((1, 1), (1, 1)))
    change("fetches descending", "not ascending", "list of fetches", fetches((3, 1), (1, 1)))


def _wrong_run(change, claim, program, place):
    honest = claim.runs[place]

    def of_run(name, value):
        return lambda other: setattr(other.runs[place], name, value)

    def segments(index, base, stop):
        def alter(other):
            other.runs[place].segments[index] = (base, stop)

        return alter

    if place == 0:
        change("an offset of the first run", "just behind the program", "must be 0", _shift(place, 1))
    change(f"no step of run {place}", "steps out of bounds", "claims 0 steps", of_run("steps", 0))
    most = MOST_STEPS + 1
    change(f"steps of run {place}", "steps out of bounds", f"claims {most} steps", of_run("steps", most))
    least = honest.initial_ap(program) + 2 * len(program.builtins)
    for value in (0, least - 1):
        change(f"final ap {value} of run {place}", "final ap out of", "final ap of", of_run("final_ap", value))
    change(f"final ap of run {place} outside", "final ap out of", "final ap reaches", of_run("final_ap", BEYOND))
    less = honest.segments[:-1]
    change(f"a segment less in run {place}", "one segment", "builtin segments", of_run("segments", less))
    more = honest.segments + [(1, 1)]
    if len(more) <= len(BUILTINS):
        change(f"a segment more in run {place}", "one segment", "builtin segments", of_run("segments", more))
    for index, (name, (base, stop)) in enumerate(zip(program.builtins, honest.segments)):
        what = f"segment of {name} in run {place}"
        bounds = f"segment of {name} is out of bounds"
        change(f"{what} from 0", bounds, "no range of addresses", segments(index, 0, stop))
        change(f"{what} backwards", bounds, "no range of addresses", segments(index, stop + 1, stop))
        if BUILTINS[name] > 1:
            cut = f"segment of {name} ends within"
            change(f"{what} cut", cut, "no multiple of", segments(index, base - 1, stop))
        if name == "output":
            # A kept run has an output.
            short = f"output segment of {stop - 1 - base} cells"
            change(f"{what} short", "as long as its segment", short, segments(index, base, stop - 1))
        else:
            end = base + (BEYOND - base) // BUILTINS[name] * BUILTINS[name]
            change(f"{what} outside", bounds, "builtin segment reaches", segments(index, base, end))
    longer = honest.output + [0]
    change(f"an output more in run {place}", "as long as its", "output values, but", of_run("output", longer))
    _wrong_arguments(change, claim, program, place, of_run)


def _shift(place, by):
    """Moves a run's execution segment."""

    def alter(other):
        other.runs[place].offset += by
        other.runs[place].final_ap += by

    return alter


def _wrong_arguments(change, claim, program, place, of_run):
    honest = claim.runs[place]
    if program.pointer_offset is None:
        given = "for Cairo 0"
        change(f"a start of arguments of run {place}", given, "names an argument segment", of_run("arguments_start", 9))
    else:
        change(f"no start in run {place}", "none for Cairo 2", "does not say where", of_run("arguments_start", None))
        outside = of_run("arguments_start", BEYOND)
        change(f"arguments of run {place} outside", "arguments reach", "argument segment reaches", outside)
    if program.pointer_offset is None and len(honest.output) > 1:
        altered = [(honest.output[0] + 1) % P] + honest.output[1:]
        ours, theirs = "begin with the arguments", "begins with other arguments"
        change(f"the first argument in the output of run {place}", ours, theirs, of_run("output", altered))


def _wrong_order(change, claim, program, place):
    """A run that does not lie behind the one before."""
    before, honest = claim.runs[place - 1], claim.runs[place]
    gap = honest.initial_ap(program) - 2 - before.final_ap
    ours, theirs = "begins below the final ap", "must be at least"
    change(f"run {place} too low", ours, theirs, _shift(place, -gap - 1))
    if place > 1:
        change(f"run {place} in the place of the one before", ours, theirs, lambda other: _exchange(other, place))
    for index, (name, (base, stop)) in enumerate(zip(program.builtins, honest.segments)):
        cells = BUILTINS[name]
        for by in (cells, -cells):
            # An instance that belongs to neither, or one that belongs to both. Output has a value for each cell.
            if base + by > stop or (name == "output" and by > 0):
                continue

            def alter(other, index=index, by=by, name=name):
                run = other.runs[place]
                base, stop = run.segments[index]
                run.segments[index] = (base + by, stop + by if name == "output" else stop)

            ours, theirs = f"the part of {name} does not begin", f"the segment of `{name}` begins at {base + by}, but"
            change(f"part of {name} of run {place} moved by {by}", ours, theirs, alter)


def _exchange(other, place):
    """A run and the one before exchange their execution segments."""
    one, two = other.runs[place - 1], other.runs[place]
    one.offset, two.offset = two.offset, one.offset
    one.final_ap, two.final_ap = two.final_ap, one.final_ap


def too_many_outputs(claim):
    """More output values than there may be in all runs, though not in any one."""
    other = deepcopy(claim)
    for run in other.runs:
        run.output = [0] * (MOST_OUTPUT // len(other.runs) + 1)
    return other
