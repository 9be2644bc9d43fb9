"""The one configuration file: what it may say, how it is read, and where its secrets come from.

`load(path)` gives a frozen `Site`; `desired(site)` gives the entities that `redoubt apply` brings into the store.
"""
