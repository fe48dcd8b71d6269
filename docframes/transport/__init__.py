"""The only folder that touches a network or the cache of answers."""
