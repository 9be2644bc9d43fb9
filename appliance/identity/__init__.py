"""Who is asking: virtual keys, and later sign-on."""
