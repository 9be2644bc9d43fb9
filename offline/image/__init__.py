"""The container image: a root file system out of Debian packages, and an OCI image built from a bundle offline."""
