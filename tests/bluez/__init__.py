"""The gateway against the real BlueZ. Runs inside the machine of `scripts/test --bluez` only."""
