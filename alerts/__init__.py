"""Readings to findings, findings to alerts, alerts to care tasks."""
