"""Section 1: the field, its domains and the encoding of elements. Elements are ints in `0 … P - 1`."""

from functools import lru_cache

from .errors import require

P = 2**251 + 17 * 2**192 + 1

_ROOT_192 = 0x5282DB87529CFA3F0464519C8B0FA5AD187148E11A61616070024F42F8EF94
_MONTGOMERY = 2**256 % P
_MONTGOMERY_INVERSE = pow(_MONTGOMERY, -1, P)

ELEMENT_BYTES = 32


@lru_cache(maxsize=None)
def root(log_order):
    """`g_(2^log_order)`."""
    return pow(_ROOT_192, 1 << (192 - log_order), P)


@lru_cache(maxsize=1 << 16)
def lde_point(log_size, index):
    """The point `x_index` of the LDE domain of `2^log_size` points."""
    return pow(root(log_size + 1), 2 * index + 1, P)


def inverse(value):
    """`1/value`; `value` must not be 0 modulo `P`."""
    return pow(value, -1, P)


def inverses(values):
    """`1/value` of each, at the price of one inverse. None may be 0 modulo `P`."""
    products = [1]
    for value in values:
        products.append(products[-1] * value % P)
    result, rest = [], inverse(products[-1])
    for value, before in zip(reversed(values), reversed(products[:-1])):
        result.append(rest * before % P)
        rest = rest * value % P
    return result[::-1]


def powers(base, count):
    """`1, base, base², …`, `count` of them."""
    result, power = [], 1
    for _ in range(count):
        result.append(power)
        power = power * base % P
    return result


def encode(value):
    """The 32 bytes of an element: its Montgomery form, little-endian."""
    return (value * _MONTGOMERY % P).to_bytes(ELEMENT_BYTES, "little")


def encode_all(values):
    """The elements of a sequence, one after the other."""
    return b"".join(map(encode, values))


def decode(data):
    """The element that 32 bytes stand for."""
    value = int.from_bytes(data, "little")
    require(value < P, "an element is not reduced")
    return value * _MONTGOMERY_INVERSE % P


def big_endian(value):
    """An element as a 32-byte big-endian integer, as hashes of programs and claims have it (sections 8 and 11)."""
    return value.to_bytes(ELEMENT_BYTES, "big")
