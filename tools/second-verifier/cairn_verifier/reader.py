"""Reading bytes that somebody else wrote."""

from .errors import Refused, require
from .field import ELEMENT_BYTES, P, decode


class Reader:
    """Takes integers (little-endian), bytes and elements from the front of `data`. What is not there is refused."""

    def __init__(self, data):
        self.data = data
        self.position = 0

    def left(self):
        """How many bytes have not been taken."""
        return len(self.data) - self.position

    def take(self, count):
        """The next `count` bytes."""
        start = self.position
        end = start + count
        if end > len(self.data):
            raise Refused(f"the file ends at byte {len(self.data)}, in the middle of something")
        self.position = end
        return self.data[start:end]

    def number(self, size):
        """An unsigned integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def signed(self, size):
        """A signed integer of `size` bytes, in two's complement."""
        return int.from_bytes(self.take(size), "little", signed=True)

    def count(self, size, limit, what):
        """A number of things, at most `limit`."""
        value = self.number(size)
        require(value <= limit, f"{value} {what}; there may be {limit}")
        return value

    def flag(self, what):
        """A byte that is 0 or 1."""
        value = self.number(1)
        require(value <= 1, f"{what} is marked by {value}, not 0 or 1")
        return value == 1

    def element(self):
        """An element in Montgomery form (section 1)."""
        return decode(self.take(ELEMENT_BYTES))

    def elements(self, count):
        """`count` elements."""
        return [self.element() for _ in range(count)]

    def big_endian(self):
        """An element as a 32-byte big-endian integer (section 11)."""
        value = int.from_bytes(self.take(ELEMENT_BYTES), "big")
        require(value < P, "a value is not reduced")
        return value
