"""The layer between rotation rules and overrides: who serves what, so that the whole period comes out best."""
