"""From a journal to pictures and sound that people can watch."""
