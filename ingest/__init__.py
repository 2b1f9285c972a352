"""Broker to database: check, write in batches, receipt, acknowledge."""
