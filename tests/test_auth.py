"""Credentials: where they come from, whom they are shown to, and what is seen of them."""

from __future__ import annotations

import pytest
from conftest import INVENTED_KEY, Says

from docframes import validocx
from docframes.errors import AuthError, ConfigError, MissingKey, VendorError
from docframes.transport.auth import ApiKey, origin

EMPTY = {"data": [], "pagination": {"page": 1, "limit": 100, "total": 0, "total_pages": 0}}


def test_a_missing_key_says_where_it_goes_and_where_it_is_made():
    """The environment variable, the argument, and the vendor's own settings page."""
    with pytest.raises(MissingKey) as missing:
        validocx.load_jobs()

    text = str(missing.value)
    assert "DOCFRAMES_VALIDOCX_API_KEY" in text
    assert "api_key=" in text
    assert "Dashboard, Organization, Settings, API Access" in text


@pytest.mark.parametrize("blank", ["", "   ", "\n"])
def test_a_blank_key_is_a_missing_key(monkeypatch, blank):
    """Whether given or in the environment."""
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", blank)

    with pytest.raises(MissingKey):
        validocx.Client(api_key=blank)


def test_the_key_of_the_environment_is_used(monkeypatch, box):
    """Loaders without a client take the account of the environment."""
    for name, value in box.environment().items():
        if name != "DOCFRAMES_CACHE_DIR":
            monkeypatch.setenv(name, value)

    assert len(validocx.load_jobs()) == 30


def test_another_environment_is_another_account(monkeypatch, scripted):
    """The default client follows the variables; the same ones give the same client."""
    server = scripted(lambda asked: Says(EMPTY))
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_BASE_URL", server.url)
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", "vdx_org_11111111_first")
    validocx.load_jobs()
    validocx.load_projects()
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", "vdx_org_22222222_second")
    validocx.load_jobs()

    assert [asked.headers["x-api-key"][8:9] for asked in server.asked] == ["1", "1", "2"]


def test_white_space_around_a_key_is_no_part_of_it(scripted, settings):
    """A line break that came along with a copied key does no harm."""
    server = scripted(lambda asked: Says(EMPTY))
    validocx.load_jobs(client=validocx.Client(api_key=f"  {INVENTED_KEY}\n", base_url=server.url, settings=settings))

    assert server.asked[0].headers["x-api-key"] == INVENTED_KEY


@pytest.mark.parametrize("broken", ["\n", " ", "\t", "…", "–"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(broken):
    """A line break or a typographic sign inside a key is told at once, and no part of the key with it."""
    with pytest.raises(ConfigError) as refused:
        validocx.Client(api_key=f"vdx_org_Abcd1234_{'e' * 30}{broken}{'F' * 30}")

    assert "eeee" not in str(refused.value)
    assert "FFFF" not in str(refused.value)


def test_a_wrong_key_is_an_auth_error_with_the_request_id(box, account):
    """401: the vendor's handle, the variable to look at, and no part of the key that was sent."""
    wrong = "vdx_org_Abcd1234_" + "w" * 64
    with pytest.raises(AuthError) as refused:
        validocx.load_jobs(client=account(box, api_key=wrong))

    error = refused.value
    assert (error.status, error.vendor) == (401, "validocx")
    assert error.request_id is not None
    assert error.request_id in str(error)
    assert "DOCFRAMES_VALIDOCX_API_KEY" in str(error)
    assert "wwww" not in str(error)


def test_a_revoked_key_is_not_hidden_by_the_cache(start, account):
    """What is not in the cache is refused from then on."""
    box = start(jobs=5)
    client = account(box)
    validocx.load_jobs(client=client)
    box.revoke_key("validocx")

    with pytest.raises(AuthError):
        validocx.load_projects(client=client)


def test_the_key_goes_to_its_own_host_only(scripted, settings):
    """A redirect to another host is not followed, and that host sees nothing."""
    other = scripted(lambda asked: Says(EMPTY))
    home = scripted(lambda asked: Says(b"", 302, {"Location": f"{other.url}/jobs"}))
    client = validocx.Client(api_key=INVENTED_KEY, base_url=home.url, settings=settings)
    with pytest.raises(VendorError, match="302"):
        validocx.load_jobs(client=client)

    assert other.asked == []
    assert home.asked[0].headers["x-api-key"] == INVENTED_KEY


def test_a_redirect_within_the_host_is_followed_with_the_key(scripted, settings):
    """The same scheme, host and port: the call goes on there."""

    def answer(asked):
        return Says(EMPTY) if asked.path == "/v2/jobs" else Says(b"", 307, {"Location": "/v2/jobs"})

    home = scripted(answer)
    client = validocx.Client(api_key=INVENTED_KEY, base_url=home.url, settings=settings)

    assert len(validocx.load_jobs(client=client)) == 0
    assert [asked.headers.get("x-api-key") for asked in home.asked] == [INVENTED_KEY] * 2


def test_redirects_without_end_are_an_error(scripted_client):
    """Five are followed, then the answer is refused."""
    client = scripted_client(lambda asked: Says(b"", 302, {"Location": "/round"}))

    with pytest.raises(VendorError, match="302"):
        validocx.load_jobs(client=client)
    assert len(client.server.asked) <= 7


def test_no_cookie_is_kept(scripted_client):
    """A session cookie of one call is not sent with the next."""
    client = scripted_client(lambda asked: Says(EMPTY, headers={"Set-Cookie": "session=abc; Path=/"}))
    validocx.load_jobs(client=client)
    validocx.load_projects(client=client)

    assert [asked.headers.get("cookie") for asked in client.server.asked] == [None, None]


def test_our_own_marks_stay_here(scripted_client):
    """No header that only means something to the layers of the session reaches the vendor."""
    client = scripted_client(lambda asked: Says(EMPTY))
    validocx.load_jobs(client=client, refresh=True)

    sent = client.server.asked[0].headers
    assert not [name for name in sent if "docframes" in name and name != "user-agent"]
    assert "x-actual-no-cache" not in sent


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://api.example.org", "https"),
        ("ftp://api.example.org", "https"),
        ("api.example.org", "https"),
        ("", None),
    ],
)
def test_a_key_goes_over_https(url, why):
    """Another scheme is refused, unless the server is on this machine; no address is the vendor's own."""
    if why is None:
        assert validocx.Client(api_key=INVENTED_KEY, base_url=url).base_url.startswith("https://api.validocx.com/")
        return

    with pytest.raises(ConfigError, match=why):
        validocx.Client(api_key=INVENTED_KEY, base_url=url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:port/", "https://api.example.org:99999"])
def test_an_address_with_a_port_that_is_none_is_refused(url):
    """A ConfigError, as for any other address that cannot be."""
    with pytest.raises(ConfigError):
        validocx.Client(api_key=INVENTED_KEY, base_url=url)


def test_a_port_belongs_to_the_origin():
    """Scheme, host in lower case, and port, the usual one filled in."""
    assert origin("https://API.test/x") == ("https", "api.test", 443)
    assert origin("http://api.test:8080/x") == ("http", "api.test", 8080)
    assert origin("https://api.test") != origin("http://api.test")


def test_a_repr_shows_no_more_than_tells_keys_apart(settings):
    """The client shows the documented prefix and eight characters; the key object shows nothing."""
    client = validocx.Client(api_key=INVENTED_KEY, settings=settings)

    assert "vdx_org_Abcd1234…" in repr(client)
    assert "eeee" not in repr(client)
    assert "secret" not in repr(ApiKey("x-api-key", value="secret"))
