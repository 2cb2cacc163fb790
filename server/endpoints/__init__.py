"""Video endpoints: kiosks and their kin, enrolled by a one-time code, known by a device credential, revocable."""
