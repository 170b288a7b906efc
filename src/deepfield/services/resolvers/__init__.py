"""Names that the archive's own targets do not answer: a catalogue on disk, bodies that move, a service far away."""
