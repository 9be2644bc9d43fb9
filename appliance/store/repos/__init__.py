"""One module per noun: how it is read from a connection, and how it is saved."""
