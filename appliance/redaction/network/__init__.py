"""The network that finds names: spaCy loads it by the names it is registered under, in workers and in training alike.

Words are read as their features and their letters, both ways through a sentence, and labelled as a chain.
"""
