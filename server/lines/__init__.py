"""What a line is told: hours, closures, overnight, overflow, alerts; and whether it is open now."""
