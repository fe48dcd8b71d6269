"""What a notebook used, in one file that runs again: offline, without a credential, to the same frames.

    from docframes import capsule

    capsule.forget()  # in a long session: what was used before stays out
    ...
    saved = capsule.save("q3.dfz", ledgers=True, files=True)
    with capsule.open("q3.dfz"):
        jobs = validocx.load_jobs()  # from the capsule; no socket is opened
    capsule.verify("q3.dfz", digest=saved.digest)

A capsule holds answers as the cache does, without links and credentials; it is for its owner alone (0600), since what
it holds is as confidential as the vendors' data are.
"""

from __future__ import annotations

from docframes.capsule.open_capsule import Capsule, open
from docframes.capsule.save import Saved, forget, save
from docframes.capsule.verify import Verification, verify

__all__ = ["Capsule", "Saved", "Verification", "forget", "open", "save", "verify"]
