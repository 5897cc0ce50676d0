"""Public tuples: interactions that the verifier derives from the statement (sections 2 and 5)."""

from collections import namedtuple

from .field import P, encode_all


class PublicTuple(namedtuple("PublicTuple", "bus entries multiplicity")):
    """A bus, the entries and a signed multiplicity, all reduced modulo `P`."""

    __slots__ = ()

    def bytes(self):
        """As the transcript absorbs it."""
        head = self.bus.to_bytes(4, "little") + len(self.entries).to_bytes(8, "little")
        return head + encode_all(self.entries) + encode_all([self.multiplicity])


def provide(bus, *entries, times=1):
    """A tuple that the verifier provides, `times` times."""
    return PublicTuple(bus, tuple(entry % P for entry in entries), times % P)


def require(bus, *entries):
    """A tuple that the verifier requires once."""
    return provide(bus, *entries, times=-1)
