"""The one exception by which a proof is refused."""


class Refused(Exception):
    """The proof does not show the statement. The message says which rule of the protocol it breaks."""


def require(holds, reason):
    """Refuses with `reason` unless `holds`."""
    if not holds:
        raise Refused(reason)
