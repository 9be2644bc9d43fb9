"""One thing each, done and taken back. The stories in `installer/verbs` put them in order."""
