"""Sessions, their rooms and seats: who may sit in which room, and until when."""
