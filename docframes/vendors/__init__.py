"""One room per vendor, all with the same furniture: ``api`` (facts), ``tables`` (shapes), ``loaders`` (the calls)."""
