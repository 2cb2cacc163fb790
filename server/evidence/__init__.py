"""What makes a recording provable to strangers: our signature, time stamps of others, the report, the checker for everybody."""
