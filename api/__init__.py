"""The console: people see, act, and the month moves."""
