"""Spend, as pure decisions: what to hold before a request, what to pay after it, what to write down."""
