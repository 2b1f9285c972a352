"""Virtual homes: Bluetooth devices with memory and clocks, and a journal of what was measured.

Nothing here uses the product's codecs: what the journal says must not depend on what it tests.
"""
