"""What a release is made of. The room stands ready; the bundle issue fills it."""
