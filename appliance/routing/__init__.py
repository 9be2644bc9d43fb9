"""Which deployment is asked, in which order: pure choices over a view of the present."""
