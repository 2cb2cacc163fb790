"""Our worker beside aiortc's MediaRelay, with people in real Chromium: a relay decodes and encodes, so made-up packets would not pass it."""
