"""The line: tickets taken at a kiosk, called by a professional, each exactly once."""
