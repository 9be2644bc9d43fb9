"""The audit: is any part of a release known to be broken, as far as the data at hand can tell?

Green means: every package was looked up, in data that somebody known has signed, and that is younger than the policy
asks. Every way of having looked up nothing is red, and has an exit code of its own (`verdict`).
"""
