"""Where each field of a proof file stands; in the STARK proof by the lengths, not by how the verifier reads it."""

from collections import namedtuple

from cairn_verifier.claim import Claim
from cairn_verifier.layout import Layout
from cairn_verifier.parameters import Parameters
from cairn_verifier.reader import Reader
from cairn_verifier.stark_proof import Shape
from cairn_verifier.verify import SEVERAL_RUNS
from cairn_verifier.merkle import path_length, residues

NUMBER, DIGEST, ELEMENT = "number", "digest", "element"

Field = namedtuple("Field", "name kind start end")
"""`kind` is NUMBER (any bytes), DIGEST or ELEMENT (in Montgomery form)."""


class _Recorder(Reader):
    """Notes each thing that is taken."""

    def __init__(self, data):
        super().__init__(data)
        self.taken = []

    def take(self, count):
        start = self.position
        data = super().take(count)
        if count:
            self.taken.append((start, self.position))
        return data


def fields_of(kept):
    """All fields of a kept proof, in order. They cover the file."""
    reader = _Recorder(kept.proof)
    fields = []

    def part(name, read):
        reader.taken = []
        result = read()
        fields.extend(Field(name, NUMBER, start, end) for start, end in reader.taken)
        return result

    part("magic", lambda: reader.take(8))
    version = part("version", lambda: reader.number(4))
    for name in ("program hash", "arguments hash", "prover"):
        part(name, lambda: reader.take(32))
    parameters = part("parameters", lambda: Parameters.read(reader))
    claim = part("claim", lambda: Claim(reader, version == SEVERAL_RUNS))
    layout = part("layout", lambda: Layout(reader))
    airs, _ = layout.airs(kept.statement.program, claim)
    shape = Shape(layout.tables(airs), parameters)
    position = reader.position
    for name, kind, size in _stark(shape, kept.proof, position):
        fields.append(Field(name, kind, position, position + size))
        position += size
    assert position == len(kept.proof)
    return fields


def _stark(shape, data, start):
    """Name, kind and size of each field of the STARK proof."""
    before = list(_head(shape))
    at = start + sum(size for _, _, size in before)
    yield from before
    indices = []
    for _ in range(shape.parameters.queries):
        indices.append(int.from_bytes(data[at : at + 8], "little"))
        at += 8
        yield "query index", NUMBER, 8
    for name, matrices in zip(("main", "LogUp", "quotient"), shape.commitments()):
        for log_size, width in matrices:
            yield from [(f"{name} row", ELEMENT, 32)] * (width * len(residues(indices, log_size)))
        yield from [(f"{name} path", DIGEST, 32)] * path_length(matrices[0][0], indices)
    for log_size, log_arity in shape.folds:
        known, leaves = residues(indices, log_size), residues(indices, log_size - log_arity)
        yield from [("fold value", ELEMENT, 32)] * ((len(leaves) << log_arity) - len(known))
        yield from [("fold path", DIGEST, 32)] * path_length(log_size - log_arity, indices)


def _head(shape):
    yield from [("main commitment", DIGEST, 32)] * 8
    yield from [("LogUp commitment", DIGEST, 32)] * 8
    yield from [("bus total", ELEMENT, 32)] * len(shape.groups)
    yield from [("quotient commitment", DIGEST, 32)] * 8
    for group in shape.groups:
        names = ("main opening", "next-row opening", "LogUp opening", "running sum opening", "quotient opening")
        for name, count in zip(names, shape.parts(group)):
            yield from [(name, ELEMENT, 32)] * count
    yield from [("fold commitment", DIGEST, 32)] * (8 * len(shape.folds))
    yield from [("final polynomial", ELEMENT, 32)] * 64
    yield "nonce", NUMBER, 8
