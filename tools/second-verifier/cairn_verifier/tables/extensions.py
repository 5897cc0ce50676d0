"""The tables of the opcode extensions: their decoding, QM31 arithmetic, and blake2s in four tables."""

from .. import buses
from ..air import Air
from .range_check import sum_of_limbs

_EXTENSION_QM31 = 3
_ORDER = 2**31 - 1
_LIMBS, _LIMB_BITS, _STRIDE_BITS, _QUOTIENT_BIAS = 3, 12, 36, 2**35
_NIBBLES = 8
_IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_ROUNDS = 10
_SIGMA = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)


def _booleans(air, columns):
    for value in columns:
        air.constrain(value * (1 - value))


def opcode_extension():
    """Decodings of memory words with an opcode extension, each as often as it is executed."""
    air = Air("opcode_extension")
    enabler, pc, qm31, finalize = map(air.column, ("enabler", "pc", "qm31", "finalize"))
    names = ("dst_fp", "op0_fp", "op1_imm", "op1_fp", "res_mul", "ap_add1")
    dst_fp, op0_fp, op1_imm, op1_fp, res_mul, ap_add1 = flags = list(map(air.column, names))
    low, high = air.column_list("offset_low", 3), air.column_list("offset_high", 3)
    multiplicity = air.column("multiplicity")
    biased = [low[place] + 256 * high[place] for place in range(3)]
    offsets = [value - 2**15 for value in biased]
    _booleans(air, (enabler, qm31, finalize, *flags))
    air.constrain(qm31 * finalize)
    air.constrain(op1_imm * op1_fp)
    air.constrain((1 - qm31) * op1_imm)
    air.constrain((1 - qm31) * res_mul)
    air.constrain(op1_imm * (offsets[2] - 1))
    for value in low + high:
        air.require(buses.BYTE, enabler, value)
    number = dst_fp + 2 * op0_fp + 4 * op1_imm + 8 * op1_fp + 16 * (1 - op1_imm - op1_fp)
    number = number + 32 * (qm31 - res_mul) + 64 * res_mul + 2**11 * ap_add1 + 2**14 * qm31
    extension = 1 + finalize + 2 * qm31
    air.require(buses.MEMORY, enabler, pc, sum_of_limbs(biased, 16) + 2**48 * number + 2**63 * extension)
    air.provide(buses.OPCODE_EXTENSION, enabler * multiplicity, pc, extension, number, *offsets)
    return air


def _product(x, y):
    """The coordinates of a product in QM31, not reduced."""
    real, imaginary = x[2] * y[2] - x[3] * y[3], x[2] * y[3] + x[3] * y[2]
    return (
        x[0] * y[0] - x[1] * y[1] + 2 * real - imaginary,
        x[0] * y[1] + x[1] * y[0] + real + 2 * imaginary,
        x[0] * y[2] - x[1] * y[3] + x[2] * y[0] - x[3] * y[1],
        x[0] * y[3] + x[1] * y[2] + x[2] * y[1] + x[3] * y[0],
    )


def _numbers(limbs):
    return [sum_of_limbs(limbs[start : start + _LIMBS], _LIMB_BITS) for start in range(0, len(limbs), _LIMBS)]


def qm31():
    """Assertions of sums and products, a step a row."""
    air = Air("qm31")
    enabler, pc, ap, fp, clock = (air.column(name) for name in ("enabler", "pc", "ap", "fp", "clock"))
    names = ("dst_fp", "op0_fp", "op1_imm", "op1_fp", "res_mul", "ap_add1")
    dst_fp, op0_fp, op1_imm, op1_fp, res_mul, ap_add1 = flags = list(map(air.column, names))
    off0, off1, off2 = air.column_list("offset", 3)
    operands = [air.column_list(name, 12) for name in ("dst", "op0", "op1")]
    apart, quotient = air.column_list("apart", 6), air.column_list("quotient", 12)
    dst, op0, op1 = values = list(map(_numbers, operands))
    _booleans(air, (enabler, *flags))
    coordinates = [coordinate for value in values for coordinate in value]
    for first, second, inverse in zip(coordinates[::2], coordinates[1::2], apart):
        air.constrain((first - _ORDER) * (second - _ORDER) * inverse - 1)
    for place, (product, reduced) in enumerate(zip(_product(op0, op1), _numbers(quotient))):
        total = op0[place] + op1[place]
        result = total + res_mul * (product - total)
        air.constrain(dst[place] + _ORDER * (reduced - _QUOTIENT_BIAS) - result)
    air.require(buses.STATE, enabler, pc, ap, fp, clock)
    air.provide(buses.STATE, enabler, pc + 1 + op1_imm, ap + ap_add1, fp, clock + 1)
    op1_ap = 1 - op1_imm - op1_fp
    number = dst_fp + 2 * op0_fp + 4 * op1_imm + 8 * op1_fp + 16 * op1_ap + 32 * (1 - res_mul) + 64 * res_mul
    number = number + 2**11 * ap_add1 + 2**14
    air.require(buses.OPCODE_EXTENSION, enabler, pc, _EXTENSION_QM31, number, off0, off1, off2)
    bases = (ap + dst_fp * (fp - ap), ap + op0_fp * (fp - ap), op1_imm * pc + op1_fp * fp + op1_ap * ap)
    for base, offset, value in zip(bases, (off0, off1, off2), values):
        air.require(buses.MEMORY, enabler, base + offset, sum_of_limbs(value, _STRIDE_BITS))
    for limbs in operands:
        for place, limb in enumerate(limbs):
            air.require(buses.WORD12, enabler, limb)
            if place % _LIMBS == _LIMBS - 1:
                air.require(buses.WORD12, enabler, 32 * limb)
    for limb in quotient:
        air.require(buses.WORD12, enabler, limb)
    return air


def _xor(air, enabler, left, right, conjunctions):
    """The nibbles of an exclusive or, the conjunctions looked up."""
    for triple in zip(left, right, conjunctions):
        air.require(buses.NIBBLE_AND, enabler, *triple)
    return [x + y - 2 * both for x, y, both in zip(left, right, conjunctions)]


def _word(nibbles):
    return sum_of_limbs(nibbles, 4)


def blake():
    """Blocks of blake2s, a step a row."""
    air = Air("blake")
    enabler, pc, ap, fp, clock = (air.column(name) for name in ("enabler", "pc", "ap", "fp", "clock"))
    names = ("dst_fp", "op0_fp", "op1_fp", "ap_add1", "finalize")
    dst_fp, op0_fp, op1_fp, ap_add1, finalize = flags = list(map(air.column, names))
    off0, off1, off2 = air.column_list("offset", 3)
    state, message, output = map(air.column, ("state", "message", "output"))
    counter, conjunctions = air.column_list("counter", _NIBBLES), air.column_list("and", _NIBBLES)
    _booleans(air, (enabler, *flags))
    air.require(buses.STATE, enabler, pc, ap, fp, clock)
    air.provide(buses.STATE, enabler, pc + 1, ap + ap_add1, fp, clock + 1)
    number = dst_fp + 2 * op0_fp + 8 * op1_fp + 16 * (1 - op1_fp) + 2**11 * ap_add1
    air.require(buses.OPCODE_EXTENSION, enabler, pc, 1 + finalize, number, off0, off1, off2)
    for flag, offset, value in ((dst_fp, off0, _word(counter)), (op0_fp, off1, state), (op1_fp, off2, message)):
        air.require(buses.MEMORY, enabler, ap + flag * (fp - ap) + offset, value)
    air.require(buses.MEMORY, enabler, ap, output)
    words = list(_IV)
    words[4] = _word(_xor(air, enabler, counter, [_IV[4] >> 4 * place & 15 for place in range(_NIBBLES)], conjunctions))
    words[6] = _IV[6] + finalize * ((_IV[6] ^ (2**32 - 1)) - _IV[6])
    for place, word in enumerate(words):
        air.provide(buses.BLAKE_WORD, enabler, clock, 8 + place, 0, word)
    for place in range(8):
        air.require(buses.BLAKE_CELLS, enabler, clock, place, state + place, message + 2 * place, output + place)
    return air


def blake_word():
    """Words of the state, the message and the result, eight rows a block."""
    air = Air("blake_word")
    enabler, clock, index = map(air.column, ("enabler", "clock", "index"))
    state, message, output = map(air.column, ("state", "message", "output"))
    h, low, high = (air.column_list(name, _NIBBLES) for name in ("h", "low", "high"))
    and_low, and_high = air.column_list("and_low", _NIBBLES), air.column_list("and_high", _NIBBLES)
    octets = air.column_list("bytes", 8)
    _booleans(air, (enabler,))
    air.provide(buses.BLAKE_CELLS, enabler, clock, index, state, message, output)
    result = _xor(air, enabler, _xor(air, enabler, h, low, and_low), high, and_high)
    air.require(buses.MEMORY, enabler, state, _word(h))
    air.require(buses.MEMORY, enabler, output, _word(result))
    air.provide(buses.BLAKE_WORD, enabler, clock, index, 0, _word(h))
    air.require(buses.BLAKE_WORD, enabler, clock, index, 2 * _ROUNDS, _word(low))
    air.require(buses.BLAKE_WORD, enabler, clock, index + 8, 2 * _ROUNDS, _word(high))
    for octet in octets:
        air.require(buses.BYTE, enabler, octet)
    for place in range(2):
        value = sum_of_limbs(octets[4 * place : 4 * place + 4], 8)
        air.require(buses.MEMORY, enabler, message + place, value)
        air.provide(buses.BLAKE_MESSAGE, _ROUNDS * enabler, clock, 2 * index + place, value)
    return air


def _rotated(nibbles, places):
    return nibbles[places:] + nibbles[:places]


def blake_mix():
    """Calls of the mixing function, 80 rows a block."""
    air = Air("blake_mix")
    enabler, clock, version = map(air.column, ("enabler", "clock", "version"))
    counts = (("position", 4), ("index", 2), ("message", 2))
    position, index, message = (air.column_list(name, count) for name, count in counts)
    a, c = air.column("a"), air.column("c")
    names = ("b", "d", "a1", "c1", "a2", "c2", "and_a1", "and_c1", "and_a2", "and_c2")
    b, d, a1, c1, a2, c2, and_a1, and_c1, and_a2, and_c2 = (air.column_list(name, _NIBBLES) for name in names)
    carry, top = air.column_list("carry", 4), air.column("top")
    _booleans(air, (enabler,))
    for value in (carry[0], carry[2]):
        air.constrain(value * (value - 1) * (value - 2))
    _booleans(air, (carry[1], carry[3], top))
    air.require(buses.BLAKE_SCHEDULE, enabler, version, *position, *index)
    for number, word in zip(index, message):
        air.require(buses.BLAKE_MESSAGE, enabler, clock, number, word)
    d1 = _rotated(_xor(air, enabler, d, a1, and_a1), 4)
    b1 = _rotated(_xor(air, enabler, b, c1, and_c1), 3)
    d2 = _rotated(_xor(air, enabler, d1, a2, and_a2), 2)
    last = _rotated(_xor(air, enabler, b1, c2, and_c2), 2)
    sums = (a + _word(b) + message[0], c + _word(d1), _word(a1) + _word(b1) + message[1], _word(c1) + _word(d2))
    for total, nibbles, over in zip(sums, (a1, c1, a2, c2), carry):
        air.constrain(total - _word(nibbles) - 2**32 * over)
    before = (a, _word(b), c, _word(d))
    after = (_word(a2), 2 * _word(last) - (2**32 - 1) * top, _word(c2), _word(d2))
    for place, old, new in zip(position, before, after):
        air.require(buses.BLAKE_WORD, enabler, clock, place, version, old)
        air.provide(buses.BLAKE_WORD, enabler, clock, place, version + 1, new)
    return air


def blake_schedule():
    """The calls of a block, by periodic columns."""
    air = Air("blake_schedule")
    multiplicity = air.column("multiplicity")
    calls = []
    for number in range(128):
        turn, call = divmod(number % 80, 8)
        diagonal, column = divmod(call, 4)
        positions = [4 * row + (column + row * diagonal) % 4 for row in range(4)]
        calls.append((2 * turn + diagonal, *positions, *_SIGMA[turn][2 * call : 2 * call + 2]))
    air.provide(buses.BLAKE_SCHEDULE, multiplicity, *map(air.periodic, zip(*calls)))
    return air
