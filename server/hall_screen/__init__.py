"""What the screen of a hall shows: numbers called, what waits, today's duty, figures, risk notices."""
