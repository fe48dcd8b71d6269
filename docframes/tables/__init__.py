"""Records into typed frames.  Knows no vendor and no network."""
