"""A fictional city for somebody who looks at the product for the first time: only on loopback, only on an empty database."""
