"""Section 3: hashes of rows and nodes, and batch openings of Merkle trees."""

from blake3 import blake3

from .errors import require
from .field import encode_all

DIGEST_BYTES = 32
LOG_CAP = 3
CAP_NODES = 1 << LOG_CAP

_ROW = b"cairn merkle tree: row of values"
_JOIN = b"cairn merkle tree: joined pieces"
_NODE = b"cairn merkle tree: inner node   "
_INJECT = b"cairn merkle tree: injected row "
_GRINDING = b"cairn grinding                  "

_BLOCK = 64
_PIECE = 1024


def _padded(data):
    return data + bytes(-len(data) % _BLOCK)


def row_digest(row):
    """The digest of a row of elements."""
    data = encode_all(row)
    if len(data) <= _PIECE:
        return blake3(_padded(data), key=_ROW).digest()
    pieces = (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))
    joined = b"".join(blake3(_padded(piece), key=_ROW).digest() for piece in pieces)
    return blake3(_padded(joined), key=_JOIN).digest()


def grinding_digest(state, nonce):
    """The digest that must begin with zero bits (section 5, step 11)."""
    return blake3(state + nonce + bytes(24), key=_GRINDING).digest()


def residues(indices, log_size):
    """`D(log_size)`: the indices modulo `2^log_size`, ascending, each once."""
    return sorted({index % (1 << log_size) for index in indices})


def path_length(log_leaves, leaves):
    """How many digests the batch opening of `leaves` lists."""
    length, nodes = 0, residues(leaves, log_leaves)
    for log in range(log_leaves - 1, LOG_CAP - 1, -1):
        upper = residues(nodes, log)
        length += 2 * len(upper) - len(nodes)
        nodes = upper
    return length


class Opened:
    """The rows of a matrix of `2^log_height` rows that are opened, by index."""

    def __init__(self, log_height, rows):
        self.log_height = log_height
        self.rows = rows


def check_batch_opening(cap, matrices, path, what):
    """The rows of `matrices`, tallest first, lead to `cap` by the digests of `path`."""
    tallest, smaller = matrices[0], {matrix.log_height: matrix for matrix in matrices[1:]}
    digests = iter(path)
    nodes = {index: row_digest(row) for index, row in tallest.rows.items()}
    for log in range(tallest.log_height - 1, LOG_CAP - 1, -1):
        half = 1 << log
        above = {}
        matrix = smaller.pop(log, None)
        for index in residues(nodes, log):
            left, right = nodes.get(index), nodes.get(index + half)
            left = next(digests, None) if left is None else left
            right = next(digests, None) if right is None else right
            require(left is not None and right is not None, f"the path of {what} is too short")
            digest = blake3(left + right, key=_NODE).digest()
            if matrix is not None:
                require(index in matrix.rows, f"{what} lacks a row")
                digest = blake3(digest + row_digest(matrix.rows[index]), key=_INJECT).digest()
            above[index] = digest
        nodes = above
    require(not smaller, f"a matrix of {what} was not injected")
    require(next(digests, None) is None, f"the path of {what} is too long")
    require(all(cap[index] == digest for index, digest in nodes.items()), f"opened rows are not those of {what}")
