#!/usr/bin/env python3
"""Prints what Python's gbk codec knows, for gbk.rs to compare with: a row for each first byte,
with the character of each second byte 40 to FE, or U+FFFD where there is none.

    python3 common/tests/gbk.py > common/tests/gbk.txt
"""

import sys

sys.stdout.reconfigure(encoding="utf-8", newline="\n")
for first in range(0x80, 0x100):
    pairs = (bytes([first, second]) for second in range(0x40, 0xFF))
    print(f"{first:02X} " + "".join(pair.decode("gbk", "replace")[0] for pair in pairs))
