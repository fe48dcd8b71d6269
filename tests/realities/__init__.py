"""Second realities: servers written from the contracts, whose assumed parts differ."""
