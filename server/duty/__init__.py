"""Duty rosters: the coordinator's board, publishing, the public pages, and who is on duty now."""
