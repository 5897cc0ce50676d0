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
VERSION = 6
_VERSION_BYTES = VERSION.to_bytes(4, "little")
_CONTEXT = b"cairn cairo proof"

_POLICY = (96.0, 0.0, 1 << 40, 64 << 20)


class Policy(namedtuple("Policy", "conjectured_bits proven_bits steps bytes", defaults=_POLICY)):
    """The least security, the most steps and the largest file that are accepted."""

    __slots__ = ()


VerifiedRun = namedtuple("VerifiedRun", "output steps parameters conjectured_bits proven_bits")
"""What a proof shows: the run's output and steps, and how secure the proof is."""


def verify(statement, data, policy):
    """What the proof file `data` shows of `statement`. Raises `Refused`."""
    # 1 and 2
    require(len(data) <= policy.bytes, f"the proof has {len(data)} bytes; at most {policy.bytes} are accepted")
    reader = Reader(data)
    hashes = _read_head(reader, statement)
    parameters = Parameters.read(reader)
    start = reader.position
    claim = Claim(reader)
    layout = Layout(reader)
    context = _CONTEXT + _VERSION_BYTES + hashes + data[start : reader.position]
    # 3
    claim.check(statement, layout.memory_end(claim.owned_end))
    require(claim.steps <= policy.steps, f"{claim.steps} steps; at most {policy.steps} are accepted")
    # 4
    layout.check(statement.program, claim)
    # 5
    airs, open_airs = layout.airs(statement.program, claim)
    layout.check_look_ups(airs + open_airs, claim)
    rows.check_limits(layout.open, open_airs)
    tables = layout.tables(airs)
    check_tables(tables)
    shape = Shape(tables, parameters)
    proof = StarkProof(reader, shape)
    # 6
    public = public_tuples(statement, claim) + rows.terms(layout.open, open_airs)
    check_arities(tables, public)
    bits = _check_policy(parameters, Size.of(shape, public), policy)
    # 7
    bound = Bound(proof, shape, context, public)
    # 8
    rows.check_constraints(layout.open, open_airs)
    # 9
    bound.check()
    return VerifiedRun(claim.output, claim.steps, parameters, *bits)


def _read_head(reader, statement):
    """Up to the prover's identity; the hashes and the identity, which are those of the statement."""
    require(reader.take(len(MAGIC)) == MAGIC, "this is no proof file")
    version = reader.number(4)
    require(version == VERSION, f"a proof of version {version}; this verifier knows version {VERSION}")
    hashes = statement.hashes()
    for what, start in (("program", 0), ("arguments", 32), ("prover", 64)):
        wanted = hashes[start : start + 32]
        require(reader.take(32) == wanted, f"the proof is about another {what}")
    return hashes


def _check_policy(parameters, size, policy):
    conjectured, proven = security_bits(parameters, size)
    require(conjectured >= policy.conjectured_bits, f"{conjectured:.1f} conjectured bits of security are too few")
    require(proven >= policy.proven_bits, f"{proven:.1f} proven bits of security are too few")
    return conjectured, proven
