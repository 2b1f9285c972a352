"""The shared domain: what a reading is, how it is named and how it travels. No I/O, imports nobody."""
