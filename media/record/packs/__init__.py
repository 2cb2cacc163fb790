"""Evidence packs: one archive with everything, and the check of it."""
