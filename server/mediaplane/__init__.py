"""The media plane seen from the web process: links to the workers, which worker owns a room, and how a room comes back."""
