"""Odd annotation files."""

from __future__ import annotations

import gzip
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emtm.data.annotations import Policy, read_annotations
from tests.data.oddities import Oddity

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0a1b\nsize 1234\n"
SENTENCE = "a person opens a door"


def file(content: Any, name: str = "train.json") -> Callable[[Path], Path]:
    """Puts one file: bytes, text, or what is to be JSON."""

    def put(folder: Path) -> Path:
        path = folder / name
        text = content if isinstance(content, bytes | str) else json.dumps(content)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return put


def lines(*entries: Any) -> Callable[[Path], Path]:
    """Puts JSON lines."""
    return file("".join(json.dumps(entry) + "\n" for entry in entries), "train.jsonl")


def moment(**changes: Any) -> dict[str, Any]:
    """An annotation as QVHighlights has it; None leaves a key out."""
    whole = {"qid": 1, "vid": "v1", "query": SENTENCE, "duration": 30, "relevant_windows": [[1, 5]], **changes}
    return {key: value for key, value in whole.items() if value is not None}


def captions(span: list[Any], sentence: str = SENTENCE, **more: Any) -> dict[str, Any]:
    """A file of one video as ActivityNet Captions has it."""
    return {"v1": {"duration": 30, "timestamps": [span], "sentences": [sentence], **more}}


def text(*rows: str) -> Callable[[Path], Path]:
    """Puts official text of Charades-STA with its durations."""

    def put(folder: Path) -> Path:
        (folder / "charades.json").write_text(json.dumps({"v1": {"duration": 30}}))
        return file("".join(f"{row}\n" for row in rows), "train.txt")(folder)

    return put


def ego4d(*queries: dict[str, Any]) -> dict[str, Any]:
    """Ego4D's own JSON of one clip of 480 s."""
    clip = {"clip_uid": "c1", "video_start_sec": 600.0, "video_end_sec": 1080.0}
    annotations = [{"annotation_uid": "a1", "language_queries": list(queries)}]
    return {"version": "1", "videos": [{"video_uid": "u1", "clips": [{**clip, "annotations": annotations}]}]}


def moments(path: Path) -> str:
    """Id, moments and duration of the first query."""
    query = read_annotations(path).queries[0]
    return f"query '{query.query_id}': {[list(w) for w in query.windows]} of {query.duration_s:g} s"


def refusing_blanks(path: Path) -> str:
    """What is said under the policy that refuses blank sentences."""
    return read_annotations(path, policy=Policy(blank="refuse")).report.note()


def keeping_starts(path: Path) -> str:
    """What is said under the policy that keeps early starts."""
    return read_annotations(path, policy=Policy(starts="keep")).report.note()


def a(what: str, says: str, make: Callable[[Path], Path], read: Callable[[Path], str] | None = None) -> Oddity:
    """Accepted."""
    return Oddity("Annotations", what, says, make, True, *([read] if read else []))


def r(what: str, says: str, make: Callable[[Path], Path], read: Callable[[Path], str] | None = None) -> Oddity:
    """Refused."""
    return Oddity("Annotations", what, says, make, False, *([read] if read else []))


MAD = {"7": {"movie": "m1", "movie_duration": 30, "sentence": SENTENCE, "ext_timestamps": [-0.4, 5.0]}}
DIDEMO = {"annotation_id": 3, "description": SENTENCE, "video": "a@N0.MOV", "num_segments": 6}
BASELINE = {"fps": 1.875, "num_frames": 900, "timestamps": [[22, 25]], "exact_times": [[12.1, 13.2]]}
ASKED = {"clip_start_sec": 12.1, "clip_end_sec": 13.2, "query": "where was the cup?"}
NFD = unicodedata.normalize("NFD", "a piñata")

ODDITIES = (
    a("an end after the video", "1 ends clipped to the duration", file(captions([1, 31.5]))),
    a("a start a little before the video (MAD)", "1 starts before the video clipped to 0", file(MAD)),
    a(
        "the same, where the policy keeps it",
        "1 starts before the video kept before it",
        file(captions([-0.4, 5])),
        keeping_starts,
    ),
    r(
        "a start long before the video",
        "train.txt, line 2: the moment starts before the video, by 1 second or more",
        text("v1 1 5##a door", "v1 -9.0 5.0##a door"),
    ),
    a(
        "a moment that is inverted or of no length",
        "1 empty or inverted moments dropped",
        lines(moment(), moment(qid=2, relevant_windows=[[9, 2]])),
    ),
    r(
        "frame numbers or milliseconds for seconds",
        "train.json: 1 of 1 moments begin after their videos have ended: are the times frames or milliseconds?",
        file(captions([1000, 5000])),
    ),
    a("a blank sentence", "1 sentences without a word dropped", text("v1 1 5##a door", "v1 2 6##  ")),
    a(
        "a sentence of marks alone",
        "1 sentences without a word dropped",
        lines(moment(), moment(qid=2, query="...")),
    ),
    a(
        "`null` for a sentence (Ego4D)",
        "1 queries of 1 videos (2 annotated); 1 sentences without a word dropped",
        file(ego4d(ASKED, {**ASKED, "query": None})),
    ),
    r(
        "a blank sentence, where the policy refuses it",
        "train.txt, line 1: the sentence is empty",
        text("v1 2 6##  "),
        refusing_blanks,
    ),
    a("blanks around a sentence", "1 sentences stripped of blanks", file(captions([1, 5], "  a door \n"))),
    a(
        "accents typed as characters of their own (NFD)",
        "1 sentences with accents composed (NFC)",
        lines(moment(query=NFD)),
    ),
    a("the same row twice", "1 exact duplicates kept", text("v1 1 5##a door", "v1 1 5##a door")),
    r(
        "a query id that comes twice",
        "train.jsonl, line 2: the query id '1' comes twice",
        lines(moment(), moment(query="a cat")),
    ),
    r(
        "a video that comes twice in an object",
        "train.json: 'v1' comes twice in one JSON object",
        file('{"v1": {}, "v1": {}}'),
    ),
    a(
        "two durations of one video",
        "1 videos with more than one duration",
        lines(moment(), moment(qid=2, duration=31)),
    ),
    a("several windows a query", "1 queries with several windows", lines(moment(relevant_windows=[[0, 4], [9, 15]]))),
    a(
        "one window that is not in a list",
        "query '1': [[1.0, 5.0]] of 30 s",
        lines(moment(relevant_windows=[1, 5])),
        moments,
    ),
    a(
        "no windows, as in a secret test split",
        "1 sentences without windows left out",
        lines(moment(relevant_windows=None)),
    ),
    a(
        "the suffix of a video's file in an id",
        "query 'v1/0': [[1.0, 5.0]] of 30 s",
        text("v1.MP4 1 5##a door"),
        moments,
    ),
    a(
        "a byte order mark and Windows' ends of lines",
        "1 queries of 1 videos",
        file("\ufeff" + json.dumps(moment()) + "\r\n"),
    ),
    a("a JSON array of objects", "train.json (JSON array): 1 queries of 1 videos", file([moment()])),
    a("a JSON array in a file called .jsonl", "(JSON array): 1 queries of 1 videos", file([moment()], "train.jsonl")),
    a(
        "flattened lists, one a line",
        "(JSON lines): 2 queries of 1 videos",
        file('["v1", 30, [1, 5], "a door"]\n["v1", 30, [2, 6], "a cat"]\n', "train.jsonl"),
    ),
    a(
        "JSON lines in a file called .json",
        "(JSON lines): 2",
        file("\n".join(json.dumps(moment(qid=i)) for i in (1, 2))),
    ),
    a(
        "annotations under a name beside remarks",
        "(JSON): 1 queries of 1 videos",
        file({"version": "1.3", "database": captions([1, 5])}),
    ),
    a(
        "`start` and `end`, and no ids",
        "query 'v1/0': [[1.0, 5.0]] of 30 s",
        lines({"video_id": "v1", "duration": 30, "query": SENTENCE, "start": 1, "end": 5}),
        moments,
    ),
    a(
        "the names of TVR",
        "query '90200': [[17.18, 18.22]] of 61.46 s",
        lines({"vid_name": "s01e03", "duration": 61.46, "ts": [17.18, 18.22], "desc": SENTENCE, "desc_id": 90200}),
        moments,
    ),
    a("MAD's object of annotations by id", "query '7': [[0.0, 5.0]] of 30 s", file(MAD), moments),
    a("Ego4D's nested JSON", "query 'c1/a1/0': [[12.1, 13.2]] of 480 s", file(ego4d(ASKED)), moments),
    a(
        "the exact times in the JSON of Ego4D's baseline, whose timestamps count feature rows",
        "query 'c1/a1/0': [[12.1, 13.2]] of 480 s",
        file({"c1": {**BASELINE, "sentences": ["where?"], "annotation_uids": ["a1"], "query_idx": [0]}}),
        moments,
    ),
    a(
        "DiDeMo's chunks: what most annotators marked",
        "query '3': [[5.0, 15.0]] of 30 s",
        file([{**DIDEMO, "times": [[1, 2], [1, 2], [0, 2], [1, 2]]}]),
        moments,
    ),
    a(
        "frames at the video's own rate (TACoS)",
        "query 'v1/0': [[10.0, 20.0]] of 100 s",
        file({"v1.avi": {"fps": 29.4, "num_frames": 2940, "timestamps": [[294, 588]], "sentences": ["cuts"]}}),
        moments,
    ),
    a("times as text", "query '1': [[1.5, 5.0]] of 30 s", lines(moment(relevant_windows=[["1.5", "5"]])), moments),
    r(
        "a time on a clock's face",
        "train.jsonl, line 1: '0:15' is not a time in seconds",
        lines(moment(relevant_windows=[["0:15", "0:20"]])),
    ),
    r(
        "NaN for a time",
        "train.json, video 'v1', annotation 0: 'nan' is not a time in seconds",
        file(captions([float("nan"), 5])),
    ),
    r("no duration", "train.jsonl, line 1: lacks duration", lines(moment(duration=None))),
    r(
        "a duration of nothing",
        "train.jsonl, line 1: the duration is 0.0 seconds",
        lines(moment(duration=0)),
    ),
    r(
        "more timestamps than sentences",
        "train.json, video 'v1': needs as many timestamps as sentences",
        file(captions([1, 5], timestamps=[[1, 5], [2, 6]])),
    ),
    r(
        "a line that was cut off",
        "train.jsonl, line 2, column ...: not JSON (...)",
        file(json.dumps(moment()) + "\n" + json.dumps(moment(qid=2))[:40], "train.jsonl"),
    ),
    r("an empty file", "train.json holds no annotations: it is empty (0 bytes)", file(b"")),
    r(
        "a pointer of git-LFS",
        "train.json is a pointer of git-LFS, not the file itself: run `git lfs pull` where it was cloned",
        file(LFS),
    ),
    r(
        "a web page that a download gave",
        "train.json is a web page, not the file that it was to be: the download gave a notice instead",
        file("<!DOCTYPE html>\n<title>Virus scan warning</title>"),
    ),
    r(
        "a compressed file",
        "train.json is compressed by gzip: decompress it first",
        file(gzip.compress(json.dumps(captions([1, 5])).encode())),
    ),
    r(
        "text of another encoding",
        "train.txt is not UTF-8 text (line 2)",
        file("v1 1 5##a door\nv1 1 5##a pi\xf1ata\n".encode("latin-1"), "train.txt"),
    ),
    r(
        "UTF-16, as Windows saves it",
        "train.json is UTF-16 text: save it as UTF-8",
        file(json.dumps(moment()).encode("utf-16")),
    ),
)
