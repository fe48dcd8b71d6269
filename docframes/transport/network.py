"""What the environment says of the network: proxies and certificates, read when a session is made."""

from __future__ import annotations

import os

import requests

from docframes.transport.auth import origin

#: Hosts of this machine: no proxy stands between, and no TLS is needed.
HERE = frozenset({"127.0.0.1", "localhost", "::1"})


def prepare(session: requests.Session, url: str) -> None:
    """Turn *session* to *url* by the environment's proxies and certificates, and by nothing else of it.

    ``trust_env`` would also take logins from .netrc, and send them to storage hosts.
    """
    session.trust_env = False
    session.proxies = {} if origin(url)[1] in HERE else requests.utils.get_environ_proxies(url)
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
