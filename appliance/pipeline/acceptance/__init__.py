"""Whether a model that finds names is worth using here: sentences of our own, with the names in them marked."""
