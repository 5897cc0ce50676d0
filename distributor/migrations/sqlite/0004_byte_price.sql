-- What a byte of a proof is worth, in nanoseconds of one thread, as the uploader declared it; the prover's own if null.
ALTER TABLE projects ADD COLUMN byte_price INTEGER;
