"""Recordings: the policy, the keys, the films made afterwards, and who watches them."""
