"""Looking after what runs: calls for help from the kiosks, running sessions of one's sites with what goes wrong in them, who is away."""
