"""What a release is made of: read from the bytes of its wheels, written as SBOM, VEX and a report for a person."""
