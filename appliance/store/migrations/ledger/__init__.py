"""Migrations of ledger.db."""
