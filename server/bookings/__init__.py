"""Appointments of two or three sides: from the roster's slots, each side never in two places, and into the line when it is time."""
