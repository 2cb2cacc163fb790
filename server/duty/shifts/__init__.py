"""Published shifts in daily life: swaps, substitutes in an emergency, who came and who did not."""
