"""Staff: who they are, how they sign in and out."""
