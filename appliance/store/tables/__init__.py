"""The shape of the two databases, as SQLAlchemy Core tables. Moments are integer microseconds since 1970, UTC."""
