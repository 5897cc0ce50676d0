"""Changes of proof files."""

from cairn_verifier.field import P

from .fields import DIGEST, ELEMENT


def changes_of(field, data):
    """Some other contents of a field: each is the field's new bytes."""
    old = data[field.start : field.end]
    value = int.from_bytes(old, "little")
    if field.kind == ELEMENT:
        yield ((value + 1) % P).to_bytes(32, "little")
        # The same element, not reduced.
        if value + P < 1 << 256:
            yield (value + P).to_bytes(32, "little")
    elif field.kind == DIGEST:
        yield bytes([old[0] ^ 1]) + old[1:]
    else:
        limit = 1 << 8 * len(old)
        yield ((value + 1) % limit).to_bytes(len(old), "little")
        yield ((value - 1) % limit).to_bytes(len(old), "little")


def changed(data, field, new):
    """The file with other contents of a field."""
    return data[: field.start] + new + data[field.end :]


def swapped(data, first, second):
    """The file with two fields of one size exchanged."""
    one, other = data[first.start : first.end], data[second.start : second.end]
    return changed(changed(data, first, other), second, one)


def field_mutations(data, fields, random, limit=None):
    """(what, file) for each change of each field, or of at most `limit` fields of each name, drawn at random."""
    by_name = {}
    for field in fields:
        by_name.setdefault(field.name, []).append(field)
    for name, group in by_name.items():
        chosen = group if limit is None or len(group) <= limit else random.sample(group, limit)
        for field in chosen:
            for new in changes_of(field, data):
                yield f"{name} at byte {field.start}", changed(data, field, new)
        for first, second in zip(chosen, chosen[1:]):
            if data[first.start : first.end] != data[second.start : second.end] and _size(first) == _size(second):
                yield f"{name}: bytes {first.start} and {second.start} exchanged", swapped(data, first, second)


def _size(field):
    return field.end - field.start


def byte_mutations(data, random, count):
    """(what, file) for changes of one to three bytes anywhere."""
    for _ in range(count):
        mutated = bytearray(data)
        places = random.sample(range(len(data)), random.choice((1, 1, 2, 3)))
        for place in places:
            mutated[place] ^= random.randrange(1, 256)
        yield f"bytes {places} changed", bytes(mutated)


def length_mutations(data, random, count):
    """(what, file) for files cut off, lengthened, or with bytes taken out or put in."""
    for length in sorted(random.sample(range(len(data)), count)):
        yield f"cut off at {length}", data[:length]
    yield "the last byte is missing", data[:-1]
    for extra in (b"\x00", b"\x01" * 32, data):
        yield f"{len(extra)} bytes more", data + extra
    for _ in range(count):
        place = random.randrange(len(data))
        yield f"byte {place} is missing", data[:place] + data[place + 1 :]
        yield f"a byte more at {place}", data[:place] + bytes([random.randrange(256)]) + data[place:]
