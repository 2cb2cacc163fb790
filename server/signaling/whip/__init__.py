"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): a seat over plain HTTP, for encoders and screens that are no page (PROTOCOL.md)."""
