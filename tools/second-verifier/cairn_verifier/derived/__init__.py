"""Section 10: tables of words and paths, derived from the program by symbolic execution."""
