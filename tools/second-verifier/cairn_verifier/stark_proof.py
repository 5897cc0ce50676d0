"""Section 5: the messages of a STARK proof, as bytes and in the transcript."""

from .air import groups_of
from .errors import require
from .field import P
from .merkle import CAP_NODES, DIGEST_BYTES, grinding_digest, path_length, residues
from .transcript import length_prefixed

LOG_FINAL = 6
FINAL_COEFFICIENTS = 1 << LOG_FINAL
_QUOTIENT_CHUNKS = 2


class Shape:
    """Whatever follows from tables and parameters: sizes, the fold schedule, which group has which columns."""

    def __init__(self, tables, parameters):
        self.tables = tables
        self.parameters = parameters
        self.groups = groups_of(tables)
        self.log_lde = self.log_lde_of(self.groups[0])
        self.folds = list(self._schedule())

    def log_lde_of(self, group):
        """The logarithm of a group's LDE size."""
        return group.log_height + self.parameters.log_blowup

    def _schedule(self):
        """Section 6, fold schedule: for each fold the logarithms of the codeword's size and of the arity."""
        size, last = self.log_lde, LOG_FINAL + self.parameters.log_blowup
        stops = [self.log_lde_of(group) for group in self.groups[1:]] + [last]
        for stop in stops:
            while size > stop:
                arity = min(self.parameters.log_fold, size - stop)
                yield size, arity
                size -= arity

    def parts(self, group):
        """How many values each of a group's five parts of step 7 has."""
        batches = len(group.batches)
        return [group.width, len(group.next_columns), batches, min(batches, 1), _QUOTIENT_CHUNKS]

    def commitments(self):
        """For main, LogUp and quotient the (log size, width) of each matrix, tallest first."""

        def matrices(width):
            return [(self.log_lde_of(group), width(group)) for group in self.groups if width(group)]

        return [
            matrices(lambda group: group.width),
            matrices(lambda group: len(group.batches)),
            matrices(lambda group: _QUOTIENT_CHUNKS),
        ]


class StarkProof:
    """The messages. `read_head` takes those up to the query indices, `read_openings` the rest."""

    def __init__(self, reader, shape):
        self._reader = reader
        self._shape = shape
        main, lookup, quotient = shape.commitments()
        self.main_cap = self._cap(main)
        self.lookup_cap = self._cap(lookup)
        self.totals = reader.elements(len(shape.groups))
        self.quotient_cap = self._cap(quotient)
        self.openings = [[reader.elements(count) for count in shape.parts(group)] for group in shape.groups]
        self.fri_caps = [self._cap(fold) for fold in shape.folds]
        self.final_polynomial = reader.elements(FINAL_COEFFICIENTS)
        self.nonce = reader.take(8)
        self.indices = [reader.number(8) for _ in range(shape.parameters.queries)]

    def _digests(self, count):
        return [self._reader.take(DIGEST_BYTES) for _ in range(count)]

    def _cap(self, committed):
        """A commitment to nothing has no cap."""
        return self._digests(CAP_NODES if committed else 0)

    def read_openings(self):
        """The rows and paths at the query indices, to the end of the file."""
        self.column_openings = [self._columns(matrices) for matrices in self._shape.commitments()]
        self.fold_openings = [self._fold(log_size, log_arity) for log_size, log_arity in self._shape.folds]
        require(self._reader.left() == 0, f"{self._reader.left()} bytes after the end of the proof")

    def _columns(self, matrices):
        """For one commitment, the rows of each matrix by index, and the path."""
        if not matrices:
            return [], []
        rows = []
        for log_size, width in matrices:
            rows.append({index: self._reader.elements(width) for index in residues(self.indices, log_size)})
        return rows, self._digests(path_length(matrices[0][0], self.indices))

    def _fold(self, log_size, log_arity):
        """For one fold, the values that the verifier cannot compute, by position, and the path."""
        log_leaves = log_size - log_arity
        known = set(residues(self.indices, log_size))
        values = {}
        for leaf in residues(self.indices, log_leaves):
            for position in leaf_positions(leaf, log_leaves, log_arity):
                if position not in known:
                    values[position] = self._reader.element()
        return values, self._digests(path_length(log_leaves, self.indices))


def leaf_positions(leaf, log_leaves, log_arity):
    """The positions in the codeword whose values leaf `leaf` holds."""
    return [leaf + (turn << log_leaves) for turn in range(1 << log_arity)]


class Challenges:
    """All challenges of a proof, as the transcript gives them."""


def replay(transcript, context, proof, shape, public_tuples):
    """The transcript to its end (section 6, step 2): the challenges, if nonce and indices are right."""
    challenges = Challenges()
    transcript.absorb("parameters", shape.parameters.bytes())
    transcript.absorb("context", context)
    transcript.absorb("tables", _tables_bytes(shape.tables))
    transcript.absorb("public tuples", b"".join(item.bytes() for item in public_tuples))
    transcript.absorb("main", b"".join(proof.main_cap))
    challenges.bus_z = transcript.challenge("bus z")
    challenges.bus_alpha = transcript.challenge("bus alpha")
    transcript.absorb("lookup", b"".join(proof.lookup_cap))
    transcript.absorb_elements("totals", proof.totals)
    challenges.constraints = transcript.challenge("lambda")
    transcript.absorb("quotient", b"".join(proof.quotient_cap))
    challenges.zeta = _zeta(transcript)
    for parts in proof.openings:
        for part in parts:
            transcript.absorb_elements("openings", part)
    challenges.deep = transcript.challenge("gamma")
    challenges.folds = []
    for cap in proof.fri_caps:
        transcript.absorb("fri layer", b"".join(cap))
        challenges.folds.append(transcript.challenge("beta"))
    transcript.absorb_elements("final polynomial", proof.final_polynomial)
    _check_nonce(transcript.state, proof.nonce, shape.parameters.grinding_bits)
    transcript.absorb("nonce", proof.nonce)
    require(proof.indices == _indices(transcript, shape), "the query indices are not those of the transcript")
    return challenges


def _tables_bytes(tables):
    def entry(table):
        air = table.air
        numbers = (air.width, len(air.constraints), len(air.interactions), table.log_height)
        return length_prefixed(air.name.encode()) + b"".join(number.to_bytes(8, "little") for number in numbers)

    return b"".join(map(entry, tables))


def _zeta(transcript):
    """Step 6: a point outside all domains."""
    while True:
        zeta = transcript.challenge("zeta")
        if zeta != 0 and pow(zeta, 1 << 40, P) != 1:
            return zeta


def _check_nonce(state, nonce, bits):
    """Step 11: the first `bits` bits of the digest are zero."""
    digest = int.from_bytes(grinding_digest(state, nonce), "big")
    require(digest >> (256 - bits) == 0, "the nonce does not solve the puzzle")


def _indices(transcript, shape):
    """Step 12: the query indices."""
    queries = shape.parameters.queries
    data = transcript.squeeze("queries", 8 * queries)
    numbers = (int.from_bytes(data[start : start + 8], "little") for start in range(0, 8 * queries, 8))
    return [number % (1 << shape.log_lde) for number in numbers]
