"""The shared domain: what a reading is, its name and how it travels. No I/O, imports nobody."""
