"""Where recordings lie: whether there is space for another session, copies in a second place, and whether all is still as it was written."""
