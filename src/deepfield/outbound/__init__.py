"""What the archive asks of other hosts."""
