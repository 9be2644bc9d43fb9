"""The admin listener: answers only there, to keys with the role `admin`."""
