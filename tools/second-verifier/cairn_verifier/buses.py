"""Section 9: the numbers of the buses."""

STATE = 1
MEMORY = 2
INSTRUCTION = 3
BYTE = 4
WORD16 = 5
NIBBLE_AND = 6
WORD12 = 7
OWNED = 8
RANGE = 9
