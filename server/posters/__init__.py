"""Posters for the notice board: A4 PDF by typst, Chinese type, a QR to the page itself."""
