"""Section 4: the transcript, from which all challenges come."""

from blake3 import blake3

from .field import P, encode_all

_STATE_BYTES = 32


def length_prefixed(data):
    """`len(data) ‖ data`, the length in 8 bytes."""
    return len(data).to_bytes(8, "little") + data


class Transcript:
    """A hash state that absorbs messages and gives challenges."""

    def __init__(self):
        self.state = blake3(b"cairn stark v1").digest()

    def absorb(self, label, data):
        """Makes the state depend on `data` (bytes)."""
        message = b"\x00" + length_prefixed(label.encode()) + length_prefixed(data)
        self.state = blake3(message, key=self.state).digest()

    def absorb_elements(self, label, values):
        """Absorbs elements, one after the other, as one message."""
        self.absorb(label, encode_all(values))

    def squeeze(self, label, count):
        """`count` bytes that nobody could know before."""
        message = b"\x01" + length_prefixed(label.encode())
        output = blake3(message, key=self.state).digest(length=_STATE_BYTES + count)
        self.state = output[:_STATE_BYTES]
        return output[_STATE_BYTES:]

    def challenge(self, label):
        """An element that nobody could know before."""
        data = self.squeeze(label, 64)
        value = 0
        for start in range(0, 64, 2):
            value = value << 16 | int.from_bytes(data[start : start + 2], "little")
        return value % P
