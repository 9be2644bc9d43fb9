"""Numbered migrations, forward only: one folder per database. Old releases must be able to read what a new one adds."""
