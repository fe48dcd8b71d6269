"""updated_after="last": all rows, at the cost of those that changed; and what changed, told."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from conftest import Says
from pandas.testing import assert_frame_equal

from docframes import cache, capsule, explain, load_record, offline, validocx
from docframes.errors import (
    CacheWarning,
    ConfigError,
    IncompleteLoad,
    OfflineMiss,
    SchemaDriftWarning,
    ServerError,
    TooManyCalls,
)
from docframes.sandbox.chaos import Chaos
from docframes.settings import Settings
from docframes.transport import journal

#: Each list's loader, what the sandbox calls its rows, and the column with their id.
LISTS = {
    "projects": (validocx.load_projects, "projects", "project_id"),
    "jobs": (validocx.load_jobs, "jobs", "job_id"),
    "answers": (validocx.load_answers, "question-responses", "answer_id"),
    "documents": (validocx.load_documents, "documents", "document_id"),
    "images": (validocx.load_images, "images", "image_id"),
}


def last(client, **options):
    """All jobs, and the record of how they came."""
    frame = validocx.load_jobs(updated_after="last", client=client, **options)
    return frame, load_record(frame)


def files(client, ending):
    return sorted(client.frames_folder.glob(f"*{ending}"))


def sinces(box):
    """What changed since when was asked for, by each call that reached the sandbox."""
    return [call.query.get("updated_after") for call in box.calls]


def latest(box):
    return max(job["updated_at"] for job in box.jobs)


def a_second_before(moment):
    return (datetime.fromisoformat(moment) - timedelta(seconds=1)).isoformat(timespec="milliseconds")


# --- what comes ---------------------------------------------------------------------------------------------------


def test_the_first_load_is_full(start, account):
    """Nothing to go on from, and nothing to compare with."""
    box = start()
    frame, record = last(account(box))

    assert set(frame["job_id"]) == {job["id"] for job in box.jobs}
    assert sinces(box) == [None]
    assert (record.calls, record.changes, record.certificate.verdict) == (1, None, "PASS")
    assert record.arguments["updated_after"] == "last"


def test_nothing_changed(start, account):
    """Two calls: what changed, which is the last row once more, and how many rows there are now."""
    box = start()
    client = account(box)
    before, _ = last(client)
    box.clear_calls()
    frame, record = last(client)

    assert_frame_equal(frame, before)
    assert sinces(box) == [a_second_before(latest(box)), None]
    assert [call.query["limit"] for call in box.calls] == ["100", "1"]
    assert (record.calls, record.from_cache, len(record.answers)) == (2, 0, 2)
    moment = f"{pd.Timestamp(latest(box)):%Y-%m-%d %H:%M} UTC"
    assert str(record.changes) == f"nothing changed since {moment}"
    assert (record.changes.added, record.changes.changed, record.changes.unchanged) == ((), (), 30)
    assert record.certificate.verdict == "PASS"
    assert "30 rows, as declared now: 1 came anew" in record.certificate.reason
    assert (record.certificate.declared_last, record.certificate.unique, record.certificate.received) == (30, 30, 1)


def test_a_changed_row_takes_the_place_of_its_older_copy(start, account):
    """One of thirty was touched: its row is new, where it stood, and every other is as it was."""
    box = start()
    client = account(box)
    before, _ = last(client)
    touched = box.jobs[11]["id"]
    moment = box.touch_job(touched)
    frame, record = last(client)

    assert frame["job_id"].tolist() == before["job_id"].tolist()
    others = frame["job_id"] != touched
    assert_frame_equal(frame[others], before[others])
    assert frame.loc[~others, "updated_at"].tolist() == [pd.Timestamp(moment)]
    assert (record.changes.changed, record.changes.added, record.changes.unchanged) == ((touched,), (), 29)
    box.clear_calls()
    last(client)
    assert sinces(box)[0] == a_second_before(moment)
    assert "1 changed since" in repr(record)
    assert "1 changed since" in record._repr_html_()


def test_a_new_row_comes_after_all_others(start, account):
    """The frame grows by it, and the certificate has asked how many rows there are now."""
    box = start()
    client = account(box)
    before, _ = last(client)
    new = [box.add_job(), box.add_job()]
    frame, record = last(client)

    assert frame["job_id"].tolist() == before["job_id"].tolist() + new
    assert frame.dtypes.equals(before.dtypes)
    assert (record.changes.added, record.changes.changed) == (tuple(new), ())
    assert record.certificate.verdict == "PASS"
    assert record.certificate.declared_last == 32


@pytest.mark.parametrize("name", LISTS)
def test_every_list_gives_what_a_full_load_gives(start, account, name):
    """After changes of every kind, and again after more of them; by the truth, and by a load without "last"."""
    loader, resource, key = LISTS[name]
    box = start()
    client = account(box)
    loader(updated_after="last", client=client)
    done = [job["id"] for job in box.jobs if job["status"] == "completed"]
    for turn in range(2):
        box.touch_job(done[turn])
        box.add_job()
        frame = loader(updated_after="last", client=client)
        assert load_record(frame).certificate.verdict == "PASS"
    full = loader(client=client, refresh=True)

    assert sorted(frame[key]) == sorted(row["id"] for row in box.company.rows(resource))
    assert_frame_equal(*(each.sort_values(key, ignore_index=True) for each in (frame, full)))


def test_what_is_added_up_over_many_loads_is_what_is_there(start, account):
    """Ten loads in a row, one change before each: each tells its own change and no other."""
    box = start(jobs=12)
    client = account(box)
    last(client)
    for turn in range(10):
        changed = box.jobs[turn]["id"]
        moment = box.touch_job(changed)
        frame, record = last(client)
        assert record.changes.changed == (changed,)
        assert frame.set_index("job_id").loc[changed, "updated_at"] == pd.Timestamp(moment)


# --- whether that is all ------------------------------------------------------------------------------------------


def test_a_row_that_is_gone_cannot_be_seen_and_is_told(start, account):
    """CANNOT_PROVE, in words; the row stays until everything is loaded again, which tells which one it was."""
    box = start()
    client = account(box)
    before, _ = last(client)
    gone = box.jobs[4]["id"]
    box.remove_job(gone)
    frame, record = last(client)

    assert_frame_equal(frame, before)
    assert record.certificate.verdict == "CANNOT_PROVE"
    assert record.certificate.reason.startswith("1 row of 30 is no longer declared; refresh=True loads all")

    frame, record = last(client, refresh=True)

    assert gone not in set(frame["job_id"])
    assert (record.changes.removed, record.changes.added, record.changes.unchanged) == ((gone,), (), 29)
    assert record.certificate.verdict == "PASS"
    assert last(client)[1].certificate.verdict == "PASS"


def test_a_doubt_lasts_until_everything_is_loaded_again(start, account):
    """One row gone, then another that no filter shows: the numbers agree, and still nothing is proven."""
    box = start()
    client = account(box)
    last(client)
    box.remove_job(box.jobs[4]["id"])
    last(client)
    box.add_job("2025-01-01T00:00:00+00:00")
    _, record = last(client)

    assert record.certificate.declared_last == record.certificate.unique == 30
    assert record.certificate.verdict == "CANNOT_PROVE"
    assert "an earlier load was not proven: 1 row of 30 is no longer declared" in record.certificate.reason
    assert last(client, refresh=True)[1].certificate.verdict == "PASS"


def test_more_rows_than_came_are_an_incomplete_load(start, account):
    """A row that was imported with its old moment: asked for twice, then an error that goes on to a full load."""
    box = start()
    client = account(box)
    before, _ = last(client)
    kept = [path.read_bytes() for path in files(client, ".last")]
    missed = box.add_job("2025-01-01T00:00:00+00:00")
    box.clear_calls()
    with pytest.raises(IncompleteLoad, match="30 rows are here of 31 declared now; 1 is missing") as short:
        last(client)

    error = short.value
    assert_frame_equal(error.frame, before)
    assert load_record(error.frame).certificate is error.certificate
    assert load_record(error.frame).calls == box.count() == 4
    assert [path.read_bytes() for path in files(client, ".last")] == kept
    whole = error.resume()
    assert missed in set(whole["job_id"])
    assert (load_record(whole).changes.added, load_record(whole).certificate.verdict) == ((missed,), "PASS")
    assert last(client)[1].certificate.verdict == "PASS"


def test_missing_rows_may_be_accepted_and_are_not_gone_on_from(start, account):
    """allow_partial gives what is here, FAIL in its certificate; the next load asks for the same again."""
    box = start()
    client = account(box)
    last(client)
    box.add_job("2025-01-01T00:00:00+00:00")
    mark = a_second_before(latest(box))
    box.touch_job(box.jobs[0]["id"])
    frame, record = last(client, allow_partial=True)

    assert (len(frame), record.certificate.verdict) == (30, "FAIL")
    assert len(record.changes.changed) == 1
    box.clear_calls()
    assert last(client, allow_partial=True)[1].changes == record.changes
    assert sinces(box)[0] == mark


def test_without_a_total_nothing_is_proven(start, account):
    """The rows are right, and the certificate says that there is no total to compare with."""
    box = start("null_objects")
    client = account(box)
    last(client)
    new = box.add_job()
    frame, record = last(client)

    assert new in set(frame["job_id"])
    assert record.changes.added == (new,)
    assert record.certificate.verdict == "CANNOT_PROVE"
    assert "declares no total" in record.certificate.reason


# --- a vendor with a clock of its own -----------------------------------------------------------------------------


class Vendor:
    """Jobs over HTTP as the contract has them; ``before`` is called with each request before it is answered."""

    def __init__(self, rows=(), *, behind=0.0):
        self.rows = {row["id"]: row for row in rows}
        self.behind = timedelta(seconds=behind)
        self.before = lambda asked: None

    def now(self):
        return (datetime.now(UTC) - self.behind).isoformat()

    def put(self, job_id, **values):
        """Add or change a job, now by the vendor's clock."""
        row = self.rows.get(job_id) or {"created_at": self.now()}
        self.rows[job_id] = {**row, "id": job_id, "updated_at": self.now(), **values}

    def __call__(self, asked):
        fault = self.before(asked)
        if fault is not None:
            return fault
        rows = [row for row in self.rows.values() if self._wanted(row, asked.query.get("updated_after"))]
        by = asked.query["sort_by"]
        rows.sort(key=lambda row: (datetime.fromisoformat(row.get(by) or "2000-01-01T00:00Z"), row["id"] or ""))
        page, limit = int(asked.query["page"]), int(asked.query["limit"])
        told = {"page": page, "limit": limit, "total": len(rows), "total_pages": -(-len(rows) // limit)}
        return Says({"data": rows[(page - 1) * limit : page * limit], "pagination": told})

    def _wanted(self, row, after):
        return after is None or datetime.fromisoformat(row["updated_at"]) > datetime.fromisoformat(after)


def job(number, moment, **values):
    names = ("project_id", "job_template_id", "job_template_name", "reference", "status", "progress", "assigned_to")
    rest = dict.fromkeys((*names, "assigned_to_name", "scheduled_at", "completed_at"))
    return {"id": f"j{number}", **rest, "created_at": moment, "updated_at": moment, **values}


def five(**options):
    return Vendor([job(number, f"2026-03-0{number}T08:00:00+00:00") for number in range(1, 6)], **options)


@pytest.mark.parametrize("behind", [3600.0, 0.0, -3600.0], ids=["behind", "alike", "ahead"])
def test_no_change_is_missed_whatever_the_clocks_say(scripted_client, behind):
    """Not one that came after its page was read, on a vendor whose clock is an hour off; the bound is strict."""
    vendor = five(behind=behind)
    client = scripted_client(vendor, assumptions={"updated_after_overlap": 0.0})

    def meanwhile(asked):
        # j1 is on the first page, which has been read; j5 is on the third and tells the latest moment.
        if asked.query["page"] == "3":
            vendor.put("j1", status="rejected")
            time.sleep(0.01)
            vendor.put("j5", status="submitted")

    vendor.before = meanwhile
    last(client, page_size=2)
    vendor.before = lambda asked: None
    vendor.put("j2", status="completed")
    frame, record = last(client, page_size=2)
    statuses = frame.set_index("job_id")["status"]

    assert statuses[["j1", "j2", "j5"]].tolist() == ["rejected", "completed", "submitted"]
    assert set(record.changes.changed) == {"j1", "j2"}
    assert record.certificate.verdict == "PASS"


def test_a_moment_that_is_a_slip_hides_nothing(scripted_client):
    """A job of the year 2099 is no reason to pass over what changes until then."""
    vendor = five()
    vendor.rows["j9"] = job(9, "2099-01-01T00:00:00+00:00")
    client = scripted_client(vendor)
    last(client)
    vendor.put("j3", status="completed")
    frame, record = last(client)

    assert record.changes.changed == ("j3",)
    assert len(frame) == 6


@pytest.mark.parametrize("rows", [[], [job(1, None)]], ids=["no rows", "no moments"])
def test_without_a_moment_to_go_on_from_the_next_load_is_full(scripted_client, rows):
    """No row says when it changed: then everything is asked for, and compared."""
    vendor = Vendor(rows)
    client = scripted_client(vendor)
    last(client)
    vendor.put("j2", **{name: None for name in job(2, None) if name not in ("id", "created_at", "updated_at")})
    client.server.asked.clear()
    frame, record = last(client)

    assert "updated_after" not in client.server.asked[0].query
    assert (record.changes.added, record.changes.since) == (("j2",), None)
    assert "since the load before" in str(record.changes)
    assert len(frame) == len(rows) + 1


def test_a_row_that_comes_between_the_two_questions_is_asked_for_once_more(scripted_client):
    """It is counted and was not sent: that is no gap, and no reason for an error."""
    vendor = five()
    client = scripted_client(vendor)
    last(client)
    client.server.asked.clear()

    def meanwhile(asked):
        if asked.query["limit"] == "1" and len(client.server.asked) == 2:
            vendor.rows["j6"] = job(6, "2026-03-06T08:00:00+00:00")

    vendor.before = meanwhile
    frame, record = last(client)

    assert frame["job_id"].tolist() == ["j1", "j2", "j3", "j4", "j5", "j6"]
    assert (record.changes.added, record.certificate.verdict) == (("j6",), "PASS")
    assert record.calls == len(client.server.asked) == 4


def test_a_row_without_a_key_is_not_merged(scripted_client):
    """Nothing tells whether it is there already, so everything is loaded."""
    vendor = five()
    client = scripted_client(vendor)
    last(client)
    vendor.rows["x"] = {**job(6, "2026-03-06T08:00:00+00:00"), "id": None}
    client.server.asked.clear()
    for _ in range(2):
        frame, record = last(client)
        assert len(frame) == 6
        assert frame["job_id"].isna().sum() == 1
    assert record.changes is None


# --- failures -----------------------------------------------------------------------------------------------------


def broken_off(scripted_client):
    """Four of five jobs changed, two on a page, and the second page does not come."""
    vendor = five()
    client = scripted_client(vendor)
    last(client)
    for number in range(1, 5):
        vendor.rows[f"j{number}"] |= {"updated_at": f"2026-04-0{number}T08:00:00+00:00", "status": "completed"}
    vendor.before = lambda asked: Says({"error": "Internal"}, 500) if asked.query["page"] == "3" else None
    with pytest.raises(IncompleteLoad, match="page 3 did not come") as short:
        last(client, page_size=2)
    return vendor, client, short.value


def test_a_load_that_breaks_off_leaves_the_last_one_as_it_is(scripted_client):
    """The error has all rows, changed as far as changes came; the next load asks from the same moment."""
    vendor, client, error = broken_off(scripted_client)
    statuses = error.frame.set_index("job_id")["status"]

    # j5 comes again within the overlap, then j1 to j3; j4 is on the page that did not come.
    assert statuses.index.tolist() == ["j1", "j2", "j3", "j4", "j5"]
    assert statuses.notna().tolist() == [True, True, True, False, False]
    assert error.certificate.verdict == "FAIL"
    assert load_record(error.frame).certificate is error.certificate
    assert error.certificate.reason.startswith("of what changed since 2026-03-05 08:00:00 UTC: page 3 did not come")

    vendor.before = lambda asked: None
    client.server.asked.clear()
    _, record = last(client)

    assert client.server.asked[0].query["updated_after"] == "2026-03-05T07:59:59.000+00:00"
    assert set(record.changes.changed) == {"j1", "j2", "j3", "j4"}


def test_a_load_that_breaks_off_goes_on_where_it_stopped(scripted_client):
    """resume() asks for the page that did not come and for the number of rows, and gives all rows."""
    vendor, client, error = broken_off(scripted_client)
    vendor.before = lambda asked: None
    client.server.asked.clear()
    frame = error.resume()
    record = load_record(frame)

    assert [asked.query["page"] for asked in client.server.asked] == ["3", "1"]
    assert frame["status"].notna().tolist() == [True, True, True, True, False]
    assert set(record.changes.changed) == {"j1", "j2", "j3", "j4"}
    assert record.certificate.verdict == "PASS"
    assert str(last(client)[1].changes).startswith("nothing changed")


@pytest.mark.parametrize("fails", ["what changed", "how many"])
def test_an_outage_leaves_the_last_load_as_it_is(scripted_client, fails):
    """The vendor's own error, whichever of the two questions it refuses; later all goes on from the same moment."""
    vendor = five()
    client = scripted_client(vendor)
    last(client)
    vendor.rows["j1"] |= {"updated_at": "2026-04-01T08:00:00+00:00"}
    refused = (lambda asked: asked.query["limit"] == "1") if fails == "how many" else (lambda asked: True)
    vendor.before = lambda asked: Says({"error": "Internal"}, 500) if refused(asked) else None
    with pytest.raises(ServerError):
        last(client)
    vendor.before = lambda asked: None

    assert last(client)[1].changes.changed == ("j1",)


def test_a_first_load_with_a_gap_is_resumed_and_gone_on_from(start, account):
    """What resume() gives is kept like any other."""
    box = start("total_too_high")
    client = account(box)
    with pytest.raises(IncompleteLoad) as short:
        last(client)
    assert files(client, ".last") == []
    box.chaos = Chaos((), 1.0)
    short.value.resume()
    touched = box.jobs[0]["id"]
    box.touch_job(touched)

    assert last(client)[1].changes.changed == (touched,)


def test_a_changed_row_that_was_passed_over_comes_the_next_time(scripted_client):
    """Pages shifted, for a row went away: the next load asks from the same moment as this one."""
    vendor = five()
    client = scripted_client(vendor)
    last(client)
    for number in range(1, 5):
        vendor.rows[f"j{number}"] |= {"updated_at": f"2026-04-0{number}T08:00:00+00:00", "status": "completed"}

    def meanwhile(asked):
        # j5 and j1 are on the first page, j2 and j3 on the second; without j5, j2 moves up to the first one unseen.
        if asked.query["page"] != "1":
            vendor.rows.pop("j5", None)

    vendor.before = meanwhile
    frame, record = last(client, page_size=2)

    assert frame.set_index("job_id")["status"].isna().tolist() == [False, True, False, False, True]
    assert record.certificate.verdict == "CANNOT_PROVE"

    frame, record = last(client)

    assert record.changes.changed == ("j2",)
    assert frame.set_index("job_id")["status"].isna().tolist() == [False, False, False, False, True]


# --- what is kept -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="modes are Unix")
def test_what_is_kept_is_private_and_holds_no_secret(start, account):
    """Files 0600, none of them half-written, no key and no signed link in any."""
    box = start()
    client = account(box)
    validocx.load_documents(updated_after="last", client=client)
    box.touch_job(box.jobs[0]["id"])
    validocx.load_documents(updated_after="last", client=client)
    kept = [path for ending in (".base", ".rows", ".last") for path in files(client, ending)]

    assert len(kept) >= 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert not files(client, ".part")
    assert not [secret for secret in box.canaries for path in kept if secret.encode() in path.read_bytes()]


def test_loads_with_other_filters_have_nothing_in_common(start, account):
    """Each begins with a full load of its own, and goes on from its own moment."""
    box = start()
    client = account(box)
    first, second = sorted({job["project_id"] for job in box.jobs})[:2]
    last(client)
    box.clear_calls()
    one, record = last(client, project_id=first)
    assert (record.changes, sinces(box)) == (None, [None])
    touched = next(job["id"] for job in box.jobs if job["project_id"] == second)
    box.touch_job(touched)

    assert str(last(client, project_id=first)[1].changes).startswith("nothing changed")
    assert last(client, project_id=second)[1].changes is None
    frame, record = last(client)
    assert record.changes.changed == (touched,)
    assert (len(frame), len(one)) == (30, sum(job["project_id"] == first for job in box.jobs))


def test_page_sizes_have_all_in_common(start, account):
    """How many rows a page has decides no row."""
    box = start()
    client = account(box)
    last(client, page_size=100)
    box.clear_calls()
    last(client, page_size=7)

    assert sinces(box)[0] == a_second_before(latest(box))


def test_another_account_has_nothing_in_common(start, account):
    """Its first load is full."""
    box = start()
    last(account(box))
    other = account(box, api_key=box.issue_key("validocx"))
    box.clear_calls()

    assert last(other)[1].changes is None
    assert sinces(box) == [None]


def test_another_process_goes_on_from_it(start, account):
    """A client made later, from what is on disk, long after the answers have expired."""
    box = start()
    first = account(box)
    last(first)
    first.close()
    second = account(box)
    for path in first.frames_folder.iterdir():
        os.utime(path, (0, 0))
    touched = box.jobs[0]["id"]
    box.touch_job(touched)

    assert last(second)[1].changes.changed == (touched,)


def test_two_loads_at_once_end_with_one_good_state(start, account):
    """Eight go on from the same base at the same time; the next one finds nothing changed and nothing missing."""
    box = start()
    clients = [account(box) for _ in range(8)]
    last(clients[0])
    box.add_job()
    box.touch_job(box.jobs[0]["id"])
    barrier, found = threading.Barrier(8), []

    def load(client):
        barrier.wait()
        found.append(last(client))

    threads = [threading.Thread(target=load, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frame, record = last(clients[0])

    assert len(found) == 8
    assert all(len(each) == 31 for each, _ in found)
    assert {str(each.certificate.verdict) for _, each in found} == {"PASS"}
    assert (str(record.changes)[:15], len(frame)) == ("nothing changed", 31)
    assert len(files(clients[0], ".last")) == 1


def test_the_base_that_was_read_is_noted_and_stays(start, account):
    """A capsule can take it, after two more loads have gone on from it."""
    box = start()
    client = account(box)
    last(client)
    (base,) = files(client, ".base")
    os.utime(base, (0, 0))
    for number in range(3):
        box.touch_job(box.jobs[number]["id"])
        last(client)

    assert journal.JOURNAL.states[client.account, base.name].path == base
    assert len(files(client, ".base")) == len(files(client, ".rows")) == 4
    for path in files(client, ".base") + files(client, ".rows"):
        os.utime(path, (0, 0))
    box.touch_job(box.jobs[0]["id"])
    last(client)
    assert len(files(client, ".base")) == len(files(client, ".rows")) == 2


def test_rows_that_did_not_change_are_not_written_again(start, account):
    """However often it is asked whether they did."""
    client = account(start())
    for _ in range(4):
        last(client)

    assert len(files(client, ".rows")) == 1


def test_a_capsule_has_what_each_load_went_on_from(start, account, tmp_path, request):
    """Three loads of one session, each with another change: the same frames, the same changes, and no call."""
    box = start()
    client = account(box)
    last(client, page_size=7)
    found, touched = [], [job["id"] for job in box.jobs[:3]]
    for job_id in touched:
        found.append(last(client, page_size=7))
        box.touch_job(job_id)
    capsule.save(tmp_path / "loads.dfz", *(frame for frame, _ in found))
    client.close()
    request.getfixturevalue("no_sockets")
    with capsule.open(tmp_path / "loads.dfz"):
        for frame, record in found:
            again, told = last(None, page_size=7)
            assert_frame_equal(again, frame)
            assert (told.changes, str(told.certificate)) == (record.changes, str(record.certificate))


def test_a_base_alone_is_gone_on_from(start, account):
    """As in a capsule, which has the files that were read and not the one that names the present: the oldest counts."""
    box = start()
    client = account(box)
    last(client)
    touched = [box.jobs[number]["id"] for number in range(2)]
    for job_id in touched:
        box.touch_job(job_id)
        last(client)
    (pointer,) = files(client, ".last")
    pointer.unlink()

    assert set(last(client)[1].changes.changed) == set(touched)


@pytest.mark.parametrize("content", [b"", b"neither", None])
@pytest.mark.parametrize("ending", [".base", ".rows"])
def test_a_base_that_cannot_be_read_counts_as_not_there(start, account, ending, content):
    """The one before it does; where that is gone as well the load is full."""
    box = start()
    client = account(box)
    last(client)
    touched = box.jobs[0]["id"]
    box.touch_job(touched)
    older = files(client, ending)
    last(client)
    (newer,) = set(files(client, ending)) - set(older)

    def spoil(path):
        path.unlink() if content is None else path.write_bytes(content)

    def told():
        return contextlib.nullcontext() if content is None else pytest.warns(CacheWarning, match="kept load")

    spoil(newer)
    with told():
        assert last(client)[1].changes.changed == (touched,)
    client.close()
    client = account(box)
    for path in files(client, ending):
        spoil(path)
    with told():
        assert last(client, refresh=True)[1].changes is None
    assert str(last(client)[1].changes).startswith("nothing changed")


def test_a_cleared_cache_has_nothing_to_go_on_from(start, account, settings):
    """cache.clear() forgets it with the answers."""
    box = start()
    client = account(box)
    last(client)
    cache.clear(settings=settings)

    assert last(client)[1].changes is None


def test_a_load_that_cannot_be_kept_is_right_all_the_same(start, account):
    """One warning; the next load asks for everything again."""
    box = start()
    client = account(box)
    client.frames_folder.parent.mkdir(parents=True)
    client.frames_folder.write_text("in the way")
    with pytest.warns(CacheWarning) as told:
        found = [last(client) for _ in range(2)]

    assert [(len(frame), record.changes) for frame, record in found] == [(30, None)] * 2
    assert len(told) == 1


def test_a_cache_that_cannot_be_used_costs_a_full_load(start, tmp_path):
    """The warning is the client's, once; the load goes on without it."""
    box = start()
    (tmp_path / "file").write_text("in the way")
    settings = Settings(cache_dir=tmp_path / "file" / "cache", time_scale=0.0)
    client = validocx.Client(api_key=box.key("validocx"), base_url=box.url("validocx"), settings=settings)
    with client, pytest.warns(CacheWarning) as told:
        frames = [last(client)[0] for _ in range(2)]

    assert [len(frame) for frame in frames] == [30, 30]
    assert len(told) == 1


# --- columns ------------------------------------------------------------------------------------------------------


def test_columns_that_are_new_are_kept(start, account):
    """Missing where the row was not sent again; a row that was sent with them has changed."""
    box = start()
    client = account(box)
    before, _ = last(client)
    newest, touched = max(box.jobs, key=lambda job: job["updated_at"])["id"], box.jobs[2]["id"]
    box.touch_job(touched)
    box.chaos = Chaos(["new_keys"], 1.0)
    with pytest.warns(SchemaDriftWarning, match="risk_band"):
        frame, record = last(client)

    sent = {newest, touched}
    assert frame.columns.tolist() == [*before.columns, "import_batch", "risk_band"]
    assert frame.dtypes["risk_band"] == before.dtypes["job_id"]
    assert set(frame.loc[frame["risk_band"].notna(), "job_id"]) == set(record.changes.changed) == sent
    assert set(frame["risk_band"].dropna()) == {"B"}


def test_columns_that_no_longer_come_are_kept(start, account):
    """With what came of them before."""
    box = start("new_keys")
    client = account(box)
    with pytest.warns(SchemaDriftWarning):
        before, _ = last(client)
    box.chaos = Chaos((), 1.0)
    new = box.add_job()
    frame, _ = last(client)

    assert frame.columns.tolist() == before.columns.tolist()
    assert frame.loc[frame["job_id"] == new, "risk_band"].isna().all()
    assert frame["risk_band"].notna().sum() == 29


# --- how it is asked ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["latest", "Last", " last ", "lst"])
def test_a_slip_of_the_pen_is_told(start, account, given):
    """With what was meant, before anything is sent."""
    box = start(jobs=3)
    with pytest.raises(ConfigError, match="Did you mean 'last'"):
        validocx.load_jobs(updated_after=given, client=account(box))
    assert box.count() == 0


@pytest.mark.parametrize(
    ("loader", "options", "why"),
    [
        (validocx.load_jobs, {"limit": 5}, "limit= cuts a load off"),
        (validocx.load_job_details, {"limit": 5}, "limit= cuts a load off"),
        (validocx.load_jobs, {"trace": True}, "trace=True tells which answer"),
    ],
)
def test_what_does_not_go_together_is_refused(start, account, loader, options, why):
    """A part cannot be gone on from, and rows of earlier loads have no answer in this one."""
    box = start(jobs=3)
    with pytest.raises(ConfigError, match=why):
        loader(updated_after="last", client=account(box), **options)
    assert box.count() == 0


def test_a_client_without_a_cache_has_no_last_load(start, account):
    """ConfigError, with the reason."""
    box = start(jobs=3)
    with pytest.raises(ConfigError, match="cached=False"):
        last(account(box, cached=False))
    assert box.count() == 0


def test_refresh_loads_everything_and_is_gone_on_from(start, account):
    """Past the cache, compared with the load before."""
    box = start()
    client = account(box)
    last(client)
    box.touch_job(box.jobs[0]["id"])
    box.clear_calls()
    _, record = last(client, refresh=True)

    assert sinces(box) == [None]
    assert record.changes.changed == (box.jobs[0]["id"],)
    box.clear_calls()
    last(client)
    assert sinces(box)[0] == a_second_before(latest(box))


@pytest.mark.parametrize("changed", [True, False], ids=["changed", "not changed"])
def test_offline_gives_the_last_load_as_it_was(start, account, request, changed):
    """Its rows, its certificate and what it found changed; nobody can say what changed since."""
    box = start()
    client = account(box)
    last(client)
    new = (box.add_job(),) if changed else ()
    online, told = last(client)
    client.close()
    request.getfixturevalue("no_sockets")
    with offline():
        frame, record = last(client)

    assert_frame_equal(frame, online)
    assert (record.changes, record.changes.added) == (told.changes, new)
    assert (str(record.certificate), record.calls) == (str(told.certificate), 0)


def test_offline_puts_no_older_answer_into_a_newer_load(scripted_client):
    """A row changed and its moment did not: all rows were loaded since, and what came before tells nothing new."""
    vendor = five()
    client = scripted_client(vendor)
    last(client)
    last(client)
    vendor.rows["j5"]["status"] = "rejected"
    last(client, refresh=True)
    with offline():
        frame, _ = last(client)

    assert frame.set_index("job_id").loc["j5", "status"] == "rejected"


def test_offline_without_a_last_load_is_a_miss(start, account):
    """As for any load whose answers are not there."""
    client = account(start(jobs=3))
    with offline(), pytest.raises(OfflineMiss):
        last(client)


def test_explain_says_what_it_costs(start, account):
    """Two calls once there is a load to go on from; nothing is sent, and nothing is kept, for asking."""
    box = start()
    client = account(box)
    assert explain(validocx.load_jobs, updated_after="last", client=client).calls == 1
    assert files(client, ".last") == []
    last(client)
    said = [explain(validocx.load_jobs, updated_after="last", client=client).calls]
    box.clear_calls()
    last(client)
    said.append(explain(validocx.load_jobs, updated_after="last", client=client).calls)

    assert said == [2, 2]
    assert box.count() == 2


def test_a_load_may_be_held_to_its_cost(start, account):
    """Two calls are allowed, one is not: then nothing is sent."""
    box = start()
    client = account(box)
    last(client)
    box.clear_calls()
    with pytest.raises(TooManyCalls):
        last(client, max_calls=1)
    assert box.count() == 0
    assert len(last(client, max_calls=2)[0]) == 30


# --- details ------------------------------------------------------------------------------------------------------


def test_details_come_for_all_jobs_at_the_cost_of_those_that_changed(start, account):
    """One of thirty was touched: two calls for the list, one for its detail."""
    box = start()
    client = account(box)
    before = validocx.load_job_details(updated_after="last", client=client)
    done = next(job["id"] for job in box.jobs if job["status"] == "completed")
    box.touch_job(done)
    box.clear_calls()
    after = validocx.load_job_details(updated_after="last", client=client)

    assert [call.path for call in box.calls] == ["/jobs", "/jobs", f"/job-full-detail/{done}"]
    assert after.jobs["job_id"].tolist() == before.jobs["job_id"].tolist()
    assert set(after.answers["answer_id"]) == set(before.answers["answer_id"])
    changed = before.answers["value"].compare(after.answers["value"])
    assert before.answers.loc[changed.index, "job_id"].tolist() == [done]


def test_details_go_on_from_the_same_load_as_jobs(start, account):
    """It is the same question."""
    box = start()
    client = account(box)
    last(client)
    box.clear_calls()
    validocx.load_job_details(updated_after="last", client=client)

    assert sinces(box)[0] == a_second_before(latest(box))


def test_details_of_a_list_with_a_gap_go_on_to_all_jobs(start, account):
    """resume() loads the list in full, then the detail that is not there yet."""
    box = start(jobs=5)
    client = account(box)
    validocx.load_job_details(updated_after="last", client=client)
    missed = box.add_job("2025-01-01T00:00:00+00:00")
    with pytest.raises(IncompleteLoad) as short:
        validocx.load_job_details(updated_after="last", client=client)
    box.clear_calls()
    details = short.value.resume()

    assert isinstance(details, validocx.JobDetails)
    assert missed in set(details.jobs["job_id"])
    assert [call.path for call in box.calls] == ["/jobs", f"/job-full-detail/{missed}"]
