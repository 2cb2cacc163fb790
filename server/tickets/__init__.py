"""What happens to a ticket after it was taken: held, skipped, put back, moved on, written to; personal links; the steward's rounds."""
