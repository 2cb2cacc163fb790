"""The packet path: from a decrypted up stream into every down stream that shows it."""
