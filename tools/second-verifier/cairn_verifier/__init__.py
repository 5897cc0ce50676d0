"""A verifier of Cairn's proofs, written from `docs/PROTOCOL.md`."""
