"""Journals and what is made from them: EVIDENCE.md is the contract."""
