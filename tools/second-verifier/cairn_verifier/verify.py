"""Section 11: a proof file against a statement. Numbers in comments are the steps of the section's last paragraph."""

from collections import namedtuple

from . import rows
from .air import check_arities, check_tables
from .claim import Claim
from .errors import require
from .layout import Layout
from .parameters import Parameters
from .public import public_tuples
from .reader import Reader
from .security import Size, security_bits
from .stark_proof import Shape, StarkProof
from .stark_verify import Bound

MAGIC = b"CAIRNPRF"
ONE_RUN, SEVERAL_RUNS = 6, 7
"""The versions that are read: the older one has a claim of another form, about one run."""

_CONTEXT = b"cairn cairo proof"

_POLICY = (96.0, 0.0, 1 << 40, 64 << 20)


class Policy(namedtuple("Policy", "conjectured_bits proven_bits steps bytes", defaults=_POLICY)):
    """The least security, the most steps of a run and the largest file that are accepted."""

    __slots__ = ()


Run = namedtuple("Run", "output steps")

Verified = namedtuple("Verified", "runs parameters conjectured_bits proven_bits")
"""What a proof shows: output and steps of each run, in the order of the statement, and how secure the proof is."""


def verify(statement, data, policy):
    """What the proof file `data` shows of `statement`. Raises `Refused`."""
    draft = Draft(statement, data, policy)
    # 7
    bound = Bound(draft.proof, draft.shape, draft.context, draft.public_tuples)
    # 8
    rows.check_constraints(draft.layout.open, draft.open_airs)
    # 9
    bound.check()
    runs = [Run(run.output, run.steps) for run in draft.claim.runs]
    return Verified(runs, draft.shape.parameters, *draft.bits)


class Draft:
    """A proof file as far as it can be read and checked without its transcript: steps 1 to 6."""

    def __init__(self, statement, data, policy):
        # 1 and 2
        require(len(data) <= policy.bytes, f"the proof has {len(data)} bytes; at most {policy.bytes} are accepted")
        reader = Reader(data)
        version, hashes = _read_head(reader, statement)
        parameters = Parameters.read(reader)
        start = reader.position
        self.claim = Claim(reader, version == SEVERAL_RUNS)
        self.layout = Layout(reader)
        self.context = _CONTEXT + version.to_bytes(4, "little") + hashes + data[start : reader.position]
        # 3
        self.claim.check(statement, self.layout.memory_end(self.claim.owned_end))
        for run in self.claim.runs:
            require(run.steps <= policy.steps, f"{run.steps} steps of a run; at most {policy.steps} are accepted")
        # 4
        self.layout.check(statement.program, self.claim)
        # 5
        airs, self.open_airs = self.layout.airs(statement.program, self.claim)
        self.layout.check_look_ups(airs + self.open_airs, self.claim)
        rows.check_limits(self.layout.open, self.open_airs)
        tables = self.layout.tables(airs)
        check_tables(tables)
        self.shape = Shape(tables, parameters)
        self.proof = StarkProof(reader, self.shape)
        # 6
        terms = rows.terms(self.layout.open, self.open_airs)
        self.public_tuples = public_tuples(statement, self.claim, self.layout) + terms
        check_arities(tables, self.public_tuples)
        self.bits = _check_policy(parameters, Size.of(self.shape, self.public_tuples), policy)


def _read_head(reader, statement):
    """Up to the prover's identity; the version, and the hashes and the identity, which are those of the statement."""
    require(reader.take(len(MAGIC)) == MAGIC, "this is no proof file")
    version = reader.number(4)
    known = version in (ONE_RUN, SEVERAL_RUNS)
    require(known, f"a proof of version {version}; this verifier knows the versions {ONE_RUN} and {SEVERAL_RUNS}")
    hashes = statement.hashes(version == SEVERAL_RUNS)
    for what, start in (("program", 0), ("arguments", 32), ("prover", 64)):
        wanted = hashes[start : start + 32]
        require(reader.take(32) == wanted, f"the proof is about another {what}")
    return version, hashes


def _check_policy(parameters, size, policy):
    conjectured, proven = security_bits(parameters, size)
    require(conjectured >= policy.conjectured_bits, f"{conjectured:.1f} conjectured bits of security are too few")
    require(proven >= policy.proven_bits, f"{proven:.1f} proven bits of security are too few")
    return conjectured, proven
