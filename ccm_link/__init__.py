"""Programmes, consent, care work, the time ledger, and what it bills."""
