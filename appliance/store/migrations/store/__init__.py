"""Migrations of store.db."""
