"""Calendar feeds over HTTP: a row look-up with a strong ETag, and the secrets of personal feeds."""
