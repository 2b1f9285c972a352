"""Readings to findings to alerts and care tasks. Never a diagnosis: a person is asked to look."""
