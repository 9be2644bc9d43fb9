"""The connected side: what a release is made of is chosen, pinned and gathered here."""
